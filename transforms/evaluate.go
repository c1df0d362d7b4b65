package transforms

import (
	"cmp"
	"context"
	"encoding/json"
	"reflect"
	"slices"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/register"

	"github.com/penstock-ml/penstock/models/metrics"
	"github.com/penstock-ml/penstock/models/parallel"
	"github.com/penstock-ml/penstock/models/predictor"
	"github.com/penstock-ml/penstock/models/records"
	"github.com/penstock-ml/penstock/models/training"
	"github.com/penstock-ml/penstock/storage"
)

func init() {
	beam.RegisterDoFn(reflect.TypeFor[EvaluateFn]())
	register.Function1x1((&EvaluateFn{}).Setup)
	register.Function4x1((&EvaluateFn{}).ProcessElement)
	register.Emitter1[*metrics.Figures]()
	register.Emitter2[int, *metrics.Curve]()
	register.Combiner1[*metrics.Figures](&MergeFiguresFn{})
	register.Combiner1[*metrics.Curve](&MergeCurvesFn{})
	beam.RegisterDoFn(reflect.TypeFor[AreaFn]())
	register.Function2x2((&AreaFn{}).ProcessElement)
	beam.RegisterDoFn(reflect.TypeFor[PrecisionFn]())
	register.Function3x2((&PrecisionFn{}).ProcessElement)
	beam.RegisterDoFn(reflect.TypeFor[WriteMetricsFn]())
	register.Function4x1((&WriteMetricsFn{}).ProcessElement)
	register.Iter1[BucketArea]()
	register.Iter1[BucketPrecision]()
	beam.RegisterCoder(reflect.TypeFor[*metrics.Figures](), encodeFigures, decodeFigures)
	beam.RegisterCoder(reflect.TypeFor[*metrics.Curve](), encodeCurve, decodeCurve)
	beam.RegisterCoder(reflect.TypeFor[BucketArea](), encodeArea, decodeArea)
	beam.RegisterCoder(reflect.TypeFor[BucketPrecision](), encodePrecision, decodePrecision)
}

// Evaluate scores the records of the ranges, which have labels, and writes the metrics as one JSON file to path. Of a
// holdout that is not empty only its records count, and those that cannot be used are passed over, as in training. All
// sums are exact, so that neither the ranges nor the order of merges shows in a digit.
//
//	ranges -> evaluate -+-> figures -> merge -----------------------> write
//	                    +-> (bucket, curve) -> merge -+-> area of each -+--^ in the order of the buckets
//	                                                  +----------------+-> precision of each --^
func Evaluate(s beam.Scope, model ModelRef, holdout training.Holdout, path string, ranges beam.PCollection) {
	s = s.Scope("Evaluate")
	figures, curves := beam.ParDo2(s, &EvaluateFn{Model: model, Holdout: holdout}, ranges)
	whole := beam.Combine(s, &MergeFiguresFn{}, figures)
	merged := beam.CombinePerKey(s, &MergeCurvesFn{}, curves)
	areas := beam.SideInput{Input: beam.ParDo(s, &AreaFn{}, merged)}
	precisions := beam.SideInput{Input: beam.ParDo(s, &PrecisionFn{}, merged, areas)}
	beam.ParDo0(s, &WriteMetricsFn{Path: path}, whole, areas, precisions)
}

// EvaluateFn scores the ranges of an element on all cores.
type EvaluateFn struct {
	Model   ModelRef
	Holdout training.Holdout // if not empty

	pool *predictor.Pool
}

// Setup finds the model in this process or reads it.
func (f *EvaluateFn) Setup(ctx context.Context) error {
	p, err := f.Model.Predictor(ctx)
	f.pool = predictor.NewPool(p, 0)
	return fail(err)
}

// ProcessElement emits the figures of the group's records once and the curve by bucket. A record that cannot be read, does
// not fit the spec or has no known label is an error with its place.
func (f *EvaluateFn) ProcessElement(ctx context.Context, group RangeGroup, figures func(*metrics.Figures), curves func(int, *metrics.Curve)) error {
	parts := make([]evaluation, parallel.Workers(len(group.Ranges)))
	for i := range parts {
		parts[i].figures = f.pool.Predictor().NewFigures()
	}
	err := parallel.Each(ctx, len(group.Ranges), func(worker, i int) error {
		return f.evaluate(ctx, group.Ranges[i], &parts[worker])
	})
	if err != nil {
		return fail(err)
	}
	whole := &evaluation{figures: f.pool.Predictor().NewFigures()}
	for i := range parts {
		if err := whole.merge(&parts[i]); err != nil {
			return fail(err)
		}
	}
	buckets, err := whole.curve.Split()
	if err != nil {
		return fail(err)
	}
	figures(whole.figures)
	for _, part := range buckets {
		curves(part.Bucket, part.Curve)
	}
	return nil
}

func (f *EvaluateFn) evaluate(ctx context.Context, r records.Range, sum *evaluation) error {
	scorer, err := f.pool.Get()
	if err != nil {
		return err
	}
	defer f.pool.Put(scorer)
	scanner, err := records.Open(ctx, f.pool.Predictor().Spec().Format(), r)
	if err != nil {
		return err
	}
	defer scanner.Close()
	var b batch
	for f.fill(&b, scanner); len(b.records) > 0; f.fill(&b, scanner) {
		results, err := b.score(scorer, (*predictor.Scorer).AddLabelled)
		if err != nil {
			return err
		}
		for i := range results {
			if err := sum.add(&results[i]); err != nil && f.Holdout.Share == 0 {
				return records.Place(ctx, r.File, b.records[i].Offset, err)
			}
		}
		if err := ctx.Err(); err != nil {
			return err
		}
	}
	return scanner.Err()
}

// fill takes the next records that are to be scored.
func (f *EvaluateFn) fill(b *batch, scanner *records.Scanner) {
	if f.Holdout.Share == 0 {
		b.fill(scanner, predictor.DefaultBatch)
		return
	}
	b.fillOnly(scanner, predictor.DefaultBatch, func(r *records.Record) bool { return f.Holdout.Has(r.Raw) })
}

// evaluation accumulates what metrics are made of.
type evaluation struct {
	figures *metrics.Figures
	curve   metrics.Curve
}

func (e *evaluation) add(r *predictor.Result) error {
	if r.Err != nil {
		return r.Err
	}
	if err := e.figures.Add(r.Outputs, r.Label, r.Weight); err != nil || !e.figures.HasCurve() {
		return err
	}
	return e.curve.Add(r.Outputs[0], r.Label, r.Weight)
}

func (e *evaluation) merge(other *evaluation) error {
	if err := e.figures.Merge(other.figures); err != nil {
		return err
	}
	return e.curve.Merge(&other.curve)
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

// BucketArea is the area under one bucket's part of the curve.
type BucketArea struct {
	Bucket int          `json:"bucket"`
	Area   metrics.Area `json:"area"`
}

// AreaFn reduces a bucket's curve to its area.
type AreaFn struct{}

// ProcessElement returns the area.
func (*AreaFn) ProcessElement(bucket int, curve *metrics.Curve) (BucketArea, error) {
	area, err := curve.Area()
	return BucketArea{bucket, area}, fail(err)
}

// BucketPrecision is one bucket's part of the curve's sum of precisions.
type BucketPrecision struct {
	Bucket int     `json:"bucket"`
	Sum    float64 `json:"sum"`
}

// PrecisionFn computes the part of a bucket, given the areas of all.
type PrecisionFn struct{}

// ProcessElement returns the part.
func (*PrecisionFn) ProcessElement(bucket int, curve *metrics.Curve, areas func(*BucketArea) bool) (BucketPrecision, error) {
	var above metrics.Area
	for b := (BucketArea{}); areas(&b); {
		if b.Bucket <= bucket {
			continue
		}
		if err := above.Append(b.Area); err != nil { // only the two weights matter here, not the order
			return BucketPrecision{}, fail(err)
		}
	}
	if _, err := curve.Area(); err != nil {
		return BucketPrecision{}, fail(err)
	}
	return BucketPrecision{bucket, curve.PrecisionSum(above)}, nil
}

// WriteMetricsFn makes the metrics of the figures and of the curve's parts and writes them.
type WriteMetricsFn struct {
	Path string
}

// ProcessElement puts the parts in order, adds them up and writes the file.
func (f *WriteMetricsFn) ProcessElement(ctx context.Context, figures *metrics.Figures, areas func(*BucketArea) bool, precisions func(*BucketPrecision) bool) error {
	whole := &metrics.CurveFigures{}
	for _, b := range inOrder(areas, func(b BucketArea) int { return b.Bucket }) {
		if err := whole.Area.Append(b.Area); err != nil {
			return fail(err)
		}
	}
	for _, b := range inOrder(precisions, func(b BucketPrecision) int { return b.Bucket }) {
		whole.PrecisionSum += b.Sum
	}
	m, err := figures.Metrics(whole)
	if err != nil {
		return fail(err)
	}
	data, err := json.Marshal(m)
	if err != nil {
		return fail(err)
	}
	return fail(storage.WriteFile(ctx, f.Path, data))
}

// inOrder reads elements and sorts them by bucket.
func inOrder[T any](read func(*T) bool, bucket func(T) int) (list []T) {
	var element T
	for read(&element) {
		list = append(list, element)
	}
	slices.SortFunc(list, func(a, b T) int { return cmp.Compare(bucket(a), bucket(b)) })
	return list
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

// Instances of one generic function would have the same name among a worker's functions.
func encodeArea(a BucketArea) ([]byte, error) { return json.Marshal(a) }
func decodeArea(data []byte) (a BucketArea, err error) {
	err = json.Unmarshal(data, &a)
	return a, err
}

func encodePrecision(p BucketPrecision) ([]byte, error) { return json.Marshal(p) }
func decodePrecision(data []byte) (p BucketPrecision, err error) {
	err = json.Unmarshal(data, &p)
	return p, err
}
