package transforms

import (
	"cmp"
	"reflect"
	"slices"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/register"

	"github.com/penstock-ml/penstock/models/metrics"
)

func init() {
	register.Combiner1[*metrics.Figures](&MergeFiguresFn{})
	register.Combiner1[*metrics.Curve](&MergeCurvesFn{})
	beam.RegisterDoFn(reflect.TypeFor[SampleFn]())
	register.Function3x1((&SampleFn{}).ProcessElement)
	beam.RegisterDoFn(reflect.TypeFor[FiguresFn]())
	register.Function2x2((&FiguresFn{}).ProcessElement)
	beam.RegisterDoFn(reflect.TypeFor[AreaFn]())
	register.Function2x2((&AreaFn{}).ProcessElement)
	beam.RegisterDoFn(reflect.TypeFor[PrecisionFn]())
	register.Function3x2((&PrecisionFn{}).ProcessElement)
	register.Iter1[PartArea]()
}

// EvaluationPart says what figures are of.
type EvaluationPart struct {
	Slice  int    `json:"slice"`  // 0 of all records, else the number of a column that is sliced by, from 1
	Value  string `json:"value"`  // of the column
	Sample int    `json:"sample"` // of the bootstrap, 0 for the records as they are
	Bucket int    `json:"bucket"` // of logits; curves only
}

// whole is the part with all buckets.
func (p EvaluationPart) whole() EvaluationPart {
	p.Bucket = 0
	return p
}

// MergeFiguresFn adds figures up.
type MergeFiguresFn struct{}

// CreateAccumulator returns the figures of nothing.
func (*MergeFiguresFn) CreateAccumulator() *metrics.Figures { return &metrics.Figures{} }

// AddInput adds one part.
func (f *MergeFiguresFn) AddInput(sum, part *metrics.Figures) (*metrics.Figures, error) {
	return f.MergeAccumulators(sum, part)
}

// MergeAccumulators adds b to a.
func (*MergeFiguresFn) MergeAccumulators(a, b *metrics.Figures) (*metrics.Figures, error) {
	return a, fail(a.Merge(b))
}

// MergeCurvesFn adds curves up.
type MergeCurvesFn struct{}

// CreateAccumulator returns the empty curve.
func (*MergeCurvesFn) CreateAccumulator() *metrics.Curve { return &metrics.Curve{} }

// AddInput adds one part.
func (f *MergeCurvesFn) AddInput(sum, part *metrics.Curve) (*metrics.Curve, error) {
	return f.MergeAccumulators(sum, part)
}

// MergeAccumulators adds b to a.
func (*MergeCurvesFn) MergeAccumulators(a, b *metrics.Curve) (*metrics.Curve, error) {
	return a, fail(a.Merge(b))
}

// SampleFn adds bootstrap samples of a bucket's curve.
type SampleFn struct{ Samples int }

// ProcessElement emits the curve and its samples.
func (f *SampleFn) ProcessElement(part EvaluationPart, curve *metrics.Curve, emit func(EvaluationPart, *metrics.Curve)) error {
	emit(part, curve)
	for part.Sample = 1; part.Sample <= f.Samples; part.Sample++ {
		sample, err := curve.Resampled(part.Bucket, part.Sample)
		if err != nil {
			return fail(err)
		}
		emit(part, sample)
	}
	return nil
}

// PartFigures are the figures of a part.
type PartFigures struct {
	Part    EvaluationPart
	Figures *metrics.Figures
}

// FiguresFn makes an element of a part and its figures.
type FiguresFn struct{}

// ProcessElement returns both.
func (*FiguresFn) ProcessElement(part EvaluationPart, figures *metrics.Figures) (PartFigures, error) {
	return PartFigures{part, figures}, nil
}

// PartArea is the area under a part of a curve.
type PartArea struct {
	Part EvaluationPart `json:"part"`
	Area metrics.Area   `json:"area"`
}

// AreaFn reduces a bucket's curve to its area.
type AreaFn struct{}

// ProcessElement returns the area.
func (*AreaFn) ProcessElement(part EvaluationPart, curve *metrics.Curve) (PartArea, error) {
	area, err := curve.Area()
	return PartArea{part, area}, fail(err)
}

// PartPrecision is a part of a curve's sum of precisions.
type PartPrecision struct {
	Part EvaluationPart `json:"part"`
	Sum  float64        `json:"sum"`
}

// PrecisionFn computes that of a bucket, given the areas of all. It reads these once for all buckets of a bundle.
type PrecisionFn struct {
	areas map[EvaluationPart][]PartArea
}

// ProcessElement returns the sum.
func (f *PrecisionFn) ProcessElement(part EvaluationPart, curve *metrics.Curve, areas func(*PartArea) bool) (PartPrecision, error) {
	if f.areas == nil {
		f.areas = byPart(areas)
	}
	var above metrics.Area
	for _, a := range f.areas[part.whole()] {
		if a.Part.Bucket <= part.Bucket {
			continue
		}
		if err := above.Append(a.Area); err != nil { // only the two weights matter here, not the order
			return PartPrecision{}, fail(err)
		}
	}
	if _, err := curve.Area(); err != nil {
		return PartPrecision{}, fail(err)
	}
	return PartPrecision{part, curve.PrecisionSum(above)}, nil
}

// byPart collects areas by part, in the order of their buckets.
func byPart(areas func(*PartArea) bool) map[EvaluationPart][]PartArea {
	all := map[EvaluationPart][]PartArea{}
	for a := (PartArea{}); areas(&a); {
		all[a.Part.whole()] = append(all[a.Part.whole()], a)
	}
	for _, list := range all {
		slices.SortFunc(list, func(a, b PartArea) int { return cmp.Compare(a.Part.Bucket, b.Part.Bucket) })
	}
	return all
}
