package transforms

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/register"
	"github.com/cespare/xxhash/v2"

	"github.com/penstock-ml/penstock/models/metrics"
	"github.com/penstock-ml/penstock/models/parallel"
	"github.com/penstock-ml/penstock/models/predictor"
	"github.com/penstock-ml/penstock/models/records"
	"github.com/penstock-ml/penstock/models/training"
)

func init() {
	beam.RegisterDoFn(reflect.TypeFor[EvaluateFn]())
	register.Function1x1((&EvaluateFn{}).Setup)
	register.Function4x1((&EvaluateFn{}).ProcessElement)
	register.Emitter2[EvaluationPart, *metrics.Figures]()
	register.Emitter2[EvaluationPart, *metrics.Curve]()
}

// Evaluation says what is evaluated, and how.
type Evaluation struct {
	Model   ModelRef
	Holdout training.Holdout // if not empty, only its records count, and those that cannot be used are passed over, as in training
	// SliceBy names columns: for each of their values there are figures, too.
	SliceBy []string
	// Bootstrap is of how many samples intervals of the figures are made; 0 for none.
	Bootstrap int
	// Path is that of the result, see ReadEvaluation.
	Path string
}

// Evaluate scores the records of the ranges, which have labels, and writes what was found. All sums are exact, so that
// neither the ranges nor the order of merges shows in a digit. A part is a bootstrap sample of a slice of the records;
// of curves it is also one bucket of logits.
//
//	ranges -> evaluate -+-> (part, figures) -> merge ---------------------------------------> write
//	                    +-> (part, curve) --> merge -> sample -+-> area of each -+--^ in the order of the buckets
//	                                                           +----------------+-> precision of each --^
func Evaluate(s beam.Scope, e Evaluation, ranges beam.PCollection) {
	s = s.Scope("Evaluate")
	figures, curves := beam.ParDo2(s, &EvaluateFn{Evaluation: e}, ranges)
	merged := beam.CombinePerKey(s, &MergeCurvesFn{}, curves)
	if e.Bootstrap > 0 {
		merged = beam.ParDo(s, &SampleFn{Samples: e.Bootstrap}, merged)
	}
	whole := beam.ParDo(s, &FiguresFn{}, beam.CombinePerKey(s, &MergeFiguresFn{}, figures))
	areas := beam.SideInput{Input: beam.ParDo(s, &AreaFn{}, merged)}
	precisions := beam.SideInput{Input: beam.ParDo(s, &PrecisionFn{}, merged, areas)}
	beam.ParDo0(s, &WriteMetricsFn{Evaluation: e}, beam.Impulse(s), beam.SideInput{Input: whole}, areas, precisions)
}

// EvaluateFn scores the ranges of an element on all cores.
type EvaluateFn struct {
	Evaluation Evaluation

	pool   *predictor.Pool
	slices []int // columns
}

// Setup finds the model in this process or reads it.
func (f *EvaluateFn) Setup(ctx context.Context) error {
	p, err := f.Evaluation.Model.Predictor(ctx)
	if err != nil {
		return fail(err)
	}
	f.pool = predictor.NewPool(p, 0)
	f.slices = nil
	for _, name := range f.Evaluation.SliceBy {
		f.slices = append(f.slices, slices.Index(p.Spec().Data.Columns, name))
	}
	return nil
}

// ProcessElement emits the figures of each part of the group's records once and the curves by bucket. A record that
// cannot be read, does not fit the spec or has no known label is an error with its place.
func (f *EvaluateFn) ProcessElement(ctx context.Context, group RangeGroup, figures func(EvaluationPart, *metrics.Figures), curves func(EvaluationPart, *metrics.Curve)) error {
	parts := make([]evaluations, parallel.Workers(len(group.Ranges)))
	for i := range parts {
		parts[i] = evaluations{}
	}
	err := parallel.Each(ctx, len(group.Ranges), func(worker, i int) error {
		return f.evaluate(ctx, group.Ranges[i], parts[worker])
	})
	if err != nil {
		return fail(err)
	}
	whole := evaluations{}
	for _, part := range parts {
		if err := whole.merge(part); err != nil {
			return fail(err)
		}
	}
	return fail(whole.emit(figures, curves))
}

func (f *EvaluateFn) evaluate(ctx context.Context, r records.Range, sums evaluations) error {
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
			err := results[i].Err
			if err == nil {
				err = f.add(sums, r.File, &b.records[i], &results[i])
			}
			if err != nil && f.Evaluation.Holdout.Share == 0 {
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
	b.fillOnly(scanner, predictor.DefaultBatch, func(r *records.Record) bool {
		return f.Evaluation.Holdout.Share == 0 || f.Evaluation.Holdout.Has(r.Raw)
	})
}

// add counts a record in the parts that it belongs to.
func (f *EvaluateFn) add(sums evaluations, file string, record *records.Record, result *predictor.Result) error {
	if err := f.addTo(sums, EvaluationPart{}, file, record, result); err != nil {
		return err
	}
	for i, column := range f.slices {
		part := EvaluationPart{Slice: i + 1}
		if column < len(record.Fields) {
			part.Value = strings.ToValidUTF8(strings.TrimSpace(string(record.Fields[column])), "\uFFFD")
		}
		if err := f.addTo(sums, part, file, record, result); err != nil {
			return err
		}
		if len(sums) > mostParts {
			return fmt.Errorf("column %s has too many values to slice by: choose one with at most some hundred", f.Evaluation.SliceBy[i])
		}
	}
	return nil
}

// mostParts bounds what slices and samples may take of memory.
const mostParts = 100_000

// addTo counts a record in a slice and, as often as it is drawn, in each of its samples.
func (f *EvaluateFn) addTo(sums evaluations, part EvaluationPart, file string, record *records.Record, result *predictor.Result) error {
	if err := sums.get(part, f.pool.Predictor()).add(result); err != nil || f.Evaluation.Bootstrap == 0 {
		return err
	}
	place := xxhash.Sum64String(fmt.Sprintf("%s %d", file, record.Offset))
	for part.Sample = 1; part.Sample <= f.Evaluation.Bootstrap; part.Sample++ {
		n := metrics.Draw(place, part.Sample)
		if n == 0 {
			continue
		}
		if err := sums.get(part, f.pool.Predictor()).figures.Add(result.Outputs, result.Label, float32(n)*result.Weight); err != nil {
			return err
		}
	}
	return nil
}

// evaluation accumulates what metrics are made of. Of samples there is no curve: it is made of that of all records.
type evaluation struct {
	figures *metrics.Figures
	curve   metrics.Curve
}

func (e *evaluation) add(r *predictor.Result) error {
	if err := e.figures.Add(r.Outputs, r.Label, r.Weight); err != nil || !e.figures.HasCurve() {
		return err
	}
	return e.curve.Add(r.Outputs[0], r.Label, r.Weight)
}

// evaluations are those of all parts.
type evaluations map[EvaluationPart]*evaluation

func (all evaluations) get(part EvaluationPart, p *predictor.Predictor) *evaluation {
	e, ok := all[part]
	if !ok {
		e = &evaluation{figures: p.NewFigures()}
		all[part] = e
	}
	return e
}

func (all evaluations) merge(others evaluations) error {
	for part, other := range others {
		e, ok := all[part]
		if !ok {
			all[part] = other
			continue
		}
		if err := e.figures.Merge(other.figures); err != nil {
			return err
		}
		if err := e.curve.Merge(&other.curve); err != nil {
			return err
		}
	}
	return nil
}

func (all evaluations) emit(figures func(EvaluationPart, *metrics.Figures), curves func(EvaluationPart, *metrics.Curve)) error {
	for part, e := range all {
		figures(part, e.figures)
		buckets, err := e.curve.Split()
		if err != nil {
			return err
		}
		for _, b := range buckets {
			part.Bucket = b.Bucket
			curves(part, b.Curve)
		}
	}
	return nil
}
