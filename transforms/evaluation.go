package transforms

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"reflect"
	"slices"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/register"

	"github.com/penstock-ml/penstock/models/metrics"
	"github.com/penstock-ml/penstock/storage"
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
	beam.RegisterDoFn(reflect.TypeFor[WriteMetricsFn]())
	register.Function5x1((&WriteMetricsFn{}).ProcessElement)
	register.Iter1[PartFigures]()
	register.Iter1[PartArea]()
	register.Iter1[PartPrecision]()
	beam.RegisterCoder(reflect.TypeFor[EvaluationPart](), encodePart, decodePart)
	beam.RegisterCoder(reflect.TypeFor[*metrics.Figures](), encodeFigures, decodeFigures)
	beam.RegisterCoder(reflect.TypeFor[*metrics.Curve](), encodeCurve, decodeCurve)
	beam.RegisterCoder(reflect.TypeFor[PartFigures](), encodePartFigures, decodePartFigures)
	beam.RegisterCoder(reflect.TypeFor[PartArea](), encodeArea, decodeArea)
	beam.RegisterCoder(reflect.TypeFor[PartPrecision](), encodePrecision, decodePrecision)
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
		sample, err := curve.Resampled(mixSeed(uint64(part.Bucket), part.Sample))
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

// EvaluationResult is what an evaluation leaves.
type EvaluationResult struct {
	Metrics *metrics.Metrics `json:"metrics"`
	// Counts are the weights of two classes by bucket of the logit, ascending.
	Counts []BucketCounts `json:"counts,omitempty"`
}

// BucketCounts are the weights of negatives and positives in a bucket of logits.
type BucketCounts struct {
	Bucket    int     `json:"bucket"`
	Negatives float64 `json:"negatives"`
	Positives float64 `json:"positives"`
}

// WriteMetricsFn makes the metrics of the figures and of the curves' parts and writes them.
type WriteMetricsFn struct {
	Evaluation Evaluation
}

// ProcessElement puts the parts together and writes the file.
func (f *WriteMetricsFn) ProcessElement(ctx context.Context, _ []byte, figures func(*PartFigures) bool, areas func(*PartArea) bool, precisions func(*PartPrecision) bool) error {
	curves, sums := byPart(areas), map[EvaluationPart][]PartPrecision{}
	for p := (PartPrecision{}); precisions(&p); {
		sums[p.Part.whole()] = append(sums[p.Part.whole()], p)
	}
	all := map[EvaluationPart]*metrics.Metrics{}
	for p := (PartFigures{}); figures(&p); {
		if p.Figures.Examples() == 0 {
			continue // of weight 0 only
		}
		curve, err := wholeCurve(curves[p.Part], sums[p.Part])
		if err != nil {
			return fail(err)
		}
		if all[p.Part], err = p.Figures.Metrics(curve); err != nil {
			return fail(err)
		}
	}
	result := EvaluationResult{Metrics: f.assemble(all)}
	if result.Metrics == nil {
		return fail(errors.New("there are no examples to evaluate"))
	}
	for _, a := range curves[EvaluationPart{}] {
		negatives, positives := a.Area.Weights()
		result.Counts = append(result.Counts, BucketCounts{a.Part.Bucket, negatives, positives})
	}
	data, err := json.Marshal(result)
	if err != nil {
		return fail(err)
	}
	return fail(storage.WriteFile(ctx, f.Evaluation.Path, data))
}

// wholeCurve adds up buckets in their order.
func wholeCurve(areas []PartArea, sums []PartPrecision) (*metrics.CurveFigures, error) {
	whole := &metrics.CurveFigures{}
	for _, a := range areas {
		if err := whole.Area.Append(a.Area); err != nil {
			return nil, err
		}
	}
	slices.SortFunc(sums, func(a, b PartPrecision) int { return cmp.Compare(a.Part.Bucket, b.Part.Bucket) })
	for _, s := range sums {
		whole.PrecisionSum += s.Sum
	}
	return whole, nil
}

// assemble puts intervals and slices into the metrics of all records; nil where there are none.
func (f *WriteMetricsFn) assemble(all map[EvaluationPart]*metrics.Metrics) *metrics.Metrics {
	samples := map[EvaluationPart][]*metrics.Metrics{}
	for part, m := range all {
		if part.Sample > 0 {
			part.Sample = 0
			samples[part] = append(samples[part], m)
		}
	}
	whole := all[EvaluationPart{}]
	for part, m := range all {
		if part.Sample > 0 {
			continue
		}
		if f.Evaluation.Bootstrap > 0 {
			m.Intervals = metrics.Intervals(samples[part])
		}
		if part.Slice > 0 {
			whole.Slices = append(whole.Slices, metrics.Slice{Column: f.Evaluation.SliceBy[part.Slice-1], Value: part.Value, Metrics: m})
		}
	}
	if whole != nil {
		slices.SortFunc(whole.Slices, func(a, b metrics.Slice) int {
			column := func(s metrics.Slice) int { return slices.Index(f.Evaluation.SliceBy, s.Column) }
			return cmp.Or(cmp.Compare(column(a), column(b)), cmp.Compare(a.Value, b.Value))
		})
	}
	return whole
}

// ReadEvaluation reads what an evaluation has left.
func ReadEvaluation(ctx context.Context, path string) (*EvaluationResult, error) {
	data, err := storage.ReadFile(ctx, path)
	if err != nil {
		return nil, err
	}
	result := &EvaluationResult{}
	return result, json.Unmarshal(data, result)
}

func encodeFigures(f *metrics.Figures) ([]byte, error) { return f.MarshalBinary() }
func decodeFigures(data []byte) (*metrics.Figures, error) {
	f := &metrics.Figures{}
	return f, f.UnmarshalBinary(data)
}

func encodeCurve(c *metrics.Curve) ([]byte, error) { return c.MarshalBinary() }
func decodeCurve(data []byte) (*metrics.Curve, error) {
	c := &metrics.Curve{}
	return c, c.UnmarshalBinary(data)
}

// Instances of one generic function would have the same name among a worker's functions, so there is one for each type.
func encodePart(p EvaluationPart) ([]byte, error) { return json.Marshal(p) }
func decodePart(data []byte) (p EvaluationPart, err error) {
	err = json.Unmarshal(data, &p)
	return p, err
}

// encodedFigures are PartFigures as JSON.
type encodedFigures struct {
	Part    EvaluationPart `json:"part"`
	Figures []byte         `json:"figures"`
}

func encodePartFigures(p PartFigures) ([]byte, error) {
	data, err := p.Figures.MarshalBinary()
	if err != nil {
		return nil, err
	}
	return json.Marshal(encodedFigures{p.Part, data})
}

func decodePartFigures(data []byte) (PartFigures, error) {
	var e encodedFigures
	if err := json.Unmarshal(data, &e); err != nil {
		return PartFigures{}, err
	}
	f, err := decodeFigures(e.Figures)
	return PartFigures{e.Part, f}, err
}

func encodeArea(a PartArea) ([]byte, error) { return json.Marshal(a) }
func decodeArea(data []byte) (a PartArea, err error) {
	err = json.Unmarshal(data, &a)
	return a, err
}

func encodePrecision(p PartPrecision) ([]byte, error) { return json.Marshal(p) }
func decodePrecision(data []byte) (p PartPrecision, err error) {
	err = json.Unmarshal(data, &p)
	return p, err
}
