package transforms

import (
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/penstock-ml/penstock/models/metrics"
	"github.com/penstock-ml/penstock/models/predictor"
)

// evaluate adds examples in parts, merges them in the order drawn, through the coders, and returns the metrics.
func evaluateParts(t *rapid.T, results []predictor.Result) *metrics.Metrics {
	figures, curves := &MergeFiguresFn{}, &MergeCurvesFn{}
	sum, curve := figures.CreateAccumulator(), curves.CreateAccumulator()
	for len(results) > 0 {
		n := rapid.IntRange(1, len(results)).Draw(t, "part")
		part := evaluation{figures: metrics.NewFigures(metrics.Task{Classes: 2})}
		for i := range results[:n] {
			check(t, part.add(&results[i]))
		}
		results = results[n:]
		encodedFigures, err := encodeFigures(part.figures)
		check(t, err)
		encodedCurve, err := encodeCurve(&part.curve)
		check(t, err)
		f, err := decodeFigures(encodedFigures)
		check(t, err)
		c, err := decodeCurve(encodedCurve)
		check(t, err)
		if rapid.Bool().Draw(t, "swap") {
			sum, f = f, sum
			curve, c = c, curve
		}
		sum, err = figures.AddInput(sum, f)
		check(t, err)
		curve, err = curves.AddInput(curve, c)
		check(t, err)
	}
	area, err := (&AreaFn{}).ProcessElement(EvaluationPart{}, curve)
	check(t, err)
	m, err := sum.Metrics(&metrics.CurveFigures{Area: area.Area, PrecisionSum: curve.PrecisionSum(metrics.Area{})})
	check(t, err)
	return m
}

func check(t *rapid.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestEvaluationDoesNotDependOnTheOrderOfMerges(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		result := rapid.Custom(func(t *rapid.T) predictor.Result {
			return predictor.Result{
				Outputs: []float32{rapid.Float32Range(-20, 20).Draw(t, "logit")},
				Label:   float32(rapid.IntRange(0, 1).Draw(t, "label")),
				Weight:  float32(rapid.IntRange(1, 3).Draw(t, "weight")),
			}
		})
		results := rapid.SliceOfN(result, 1, 50).Draw(t, "results")
		want := evaluateParts(t, results)
		got := evaluateParts(t, rapid.Permutation(results).Draw(t, "order"))
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatal(diff)
		}
	})
}

func TestAreasSurviveTheirCoder(t *testing.T) {
	area := metrics.Area{Negatives: math.MaxUint64, Positives: 1, TwicePairs: [3]uint64{math.MaxUint64, 0, 1<<63 + 1}}
	part := EvaluationPart{Slice: 1, Value: "a\"b", Sample: 3, Bucket: 7}
	data, err := encodeArea(PartArea{part, area})
	if err != nil {
		t.Fatal(err)
	}
	got, err := decodeArea(data)
	if err != nil || got != (PartArea{part, area}) {
		t.Errorf("%+v became %+v, %v", area, got, err)
	}
}
