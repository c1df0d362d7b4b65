package predictor_test

import (
	"encoding/json"
	"math"
	"testing"

	"github.com/penstock-ml/penstock/models/predictor"
	"github.com/penstock-ml/penstock/models/predictor/predictortest"
)

// newExplainer explains the toy model.
func newExplainer(t *testing.T, label string) (*predictor.Predictor, *predictor.Explainer) {
	t.Helper()
	p, err := predictor.New(predictortest.ModelOf(t, label))
	if err != nil {
		t.Fatal(err)
	}
	e, err := p.NewExplainer()
	if err != nil {
		t.Fatal(err)
	}
	return p, e
}

// Contributions add up to the difference of the values; what has no effect, or is as in the typical record, contributes nothing.
func TestExplain(t *testing.T) {
	for _, label := range []string{"", "classes", "number"} {
		t.Run(label, func(t *testing.T) { testExplain(t, label) })
	}
}

// valueOf is what an explanation has to be of.
func valueOf(p *predictor.Predictor, outputs []float32) float64 {
	switch answer := p.Answer(outputs); len(answer.Probabilities) {
	case 0:
		return answer.Value
	case 2:
		return float64(outputs[0])
	default:
		return float64(outputs[answer.ClassID])
	}
}

func testExplain(t *testing.T, label string) {
	p, e := newExplainer(t, label)
	s, err := p.NewScorer(1)
	if err != nil {
		t.Fatal(err)
	}
	moved := make([]bool, len(p.Spec().Features))
	for i := range 50 {
		fields := predictortest.Fields(i)
		s.Add(fields)
		results, err := s.Score()
		if err != nil || results[0].Err != nil {
			t.Fatal(err, results[0].Err)
		}
		x, err := e.Explain(fields, results[0].Outputs)
		if err != nil {
			t.Fatal(err)
		}
		sum := float64(x.Baseline)
		for f, c := range x.Contributions {
			sum += c
			moved[f] = moved[f] || c != 0
		}
		want := valueOf(p, results[0].Outputs)
		if math.Abs(sum-want) > 1e-5*max(1, math.Abs(want)) || x.Value != want {
			t.Errorf("record %d: the contributions end at %v and the value at %v instead of %v", i, sum, x.Value, want)
		}
	}
	for f, m := range moved {
		if !m {
			t.Errorf("feature %s never contributed anything", p.Spec().Features[f].Name)
		}
	}
}

// Where only one feature differs from the typical record, it is the one that contributes.
func TestExplainOneDifference(t *testing.T) {
	p, e := newExplainer(t, "")
	fields := make([][]byte, len(p.Spec().Data.Columns))
	for i, input := range p.Inputs() {
		at := i
		if i >= 3 { // behind the label
			at++
		}
		if input.Example != "" {
			fields[at] = []byte(input.Example)
		}
	}
	fields[5] = []byte("80") // hours
	s, err := p.NewScorer(1)
	if err != nil {
		t.Fatal(err)
	}
	fields[4] = []byte("Rome") // which has no typical value
	s.Add(fields)
	results, err := s.Score()
	if err != nil || results[0].Err != nil {
		t.Fatal(err, results[0].Err)
	}
	x, err := e.Explain(fields, results[0].Outputs)
	if err != nil {
		t.Fatal(err)
	}
	for f := range x.Contributions {
		name := p.Spec().Features[f].Name
		if differs := name == "hours" || name == "city" || name == "job_x_city"; differs != (x.Contributions[f] != 0) {
			t.Errorf("%s contributes %v", name, x.Contributions[f])
		}
	}
	var printed struct {
		Explanation struct {
			Baseline      float32            `json:"baseline_logit"`
			Contributions map[string]float64 `json:"contributions"`
		}
	}
	if err := json.Unmarshal(p.AppendExplained(nil, results[0].Outputs, nil, x), &printed); err != nil {
		t.Fatal(err)
	}
	if printed.Explanation.Baseline != float32(x.Baseline) || float32(printed.Explanation.Contributions["hours"]) != float32(x.Contributions[1]) {
		t.Errorf("printed: %+v", printed)
	}
}
