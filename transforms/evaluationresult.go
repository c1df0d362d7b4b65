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
	beam.RegisterDoFn(reflect.TypeFor[WriteMetricsFn]())
	register.Function5x1((&WriteMetricsFn{}).ProcessElement)
	register.Iter1[PartFigures]()
	register.Iter1[PartPrecision]()
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
