package optimizer

import (
	"math"
	"testing"

	"github.com/penstock-ml/penstock/models/spec"
)

// settings are one of each kind, with what differs from zero set to something that shows.
var settings = map[string]spec.Optimizer{
	"sgd":      {Kind: "sgd", LearningRate: 0.1, L2: 0.01},
	"momentum": {Kind: "momentum", LearningRate: 0.1, Momentum: 0.9, L2: 0.01},
	"adagrad":  {Kind: "adagrad", LearningRate: 0.1, InitialAccumulator: 0.1, Epsilon: 1e-7, L2: 0.01},
	"adam":     {Kind: "adam", LearningRate: 0.1, Beta1: 0.9, Beta2: 0.999, Epsilon: 1e-8, L2: 0.01},
	"ftrl":     {Kind: "ftrl", LearningRate: 0.1, Beta: 1, InitialAccumulator: 0.1, L1: 0.001, L2: 0.01},
}

// reference computes one step of one weight in float64, from the papers.
func reference(o spec.Optimizer, step int64, factor, w, g float64, s []float64) float64 {
	rate := o.LearningRate * factor
	if o.Kind != "ftrl" {
		g += o.L2 * w
	}
	switch o.Kind {
	case "sgd":
		return w - rate*g
	case "momentum":
		s[0] = o.Momentum*s[0] + g
		return w - rate*s[0]
	case "adagrad":
		s[0] += g * g
		return w - rate*g/(math.Sqrt(s[0])+o.Epsilon)
	case "adam":
		s[0] = o.Beta1*s[0] + (1-o.Beta1)*g
		s[1] = o.Beta2*s[1] + (1-o.Beta2)*g*g
		m, v := s[0]/(1-math.Pow(o.Beta1, float64(step))), s[1]/(1-math.Pow(o.Beta2, float64(step)))
		return w - rate*m/(math.Sqrt(v)+o.Epsilon)
	}
	sigma := (math.Sqrt(s[1]+g*g) - math.Sqrt(s[1])) / rate
	s[0] += g - sigma*w
	s[1] += g * g
	if math.Abs(s[0]) <= o.L1 {
		return 0
	}
	return -(s[0] - math.Copysign(o.L1, s[0])) / ((o.Beta+math.Sqrt(s[1]))/rate + o.L2)
}

func TestStepsFollowThePapers(t *testing.T) {
	gradients := []float64{0.5, -0.25, 0.125, 1, -2, 0, 0.3}
	for name, o := range settings {
		rule, err := New(o)
		if err != nil {
			t.Fatal(err)
		}
		w := []float32{0.75}
		slots := make([][]float32, rule.Slots())
		want := make([]float64, rule.Slots())
		for i := range slots {
			slots[i] = []float32{9}
		}
		rule.Start(w, slots)
		for i := range slots {
			want[i] = float64(slots[i][0])
		}
		weight := 0.75
		for i, g := range gradients {
			factor := 1 / float64(i+1)
			applied := factor
			if !Scheduled(o.Kind) {
				applied = 1
			}
			weight = reference(o, int64(i+1), applied, weight, g, want)
			rule.Apply(int64(i+1), factor, w, slots, []float32{float32(g)})
			if math.Abs(float64(w[0])-weight) > 1e-5 {
				t.Errorf("%s, step %d: the weight is %v, want %v", name, i+1, w[0], weight)
			}
		}
	}
}

// An optimizer must not move weights that have no gradient, where there is no decay: a table's untouched rows are the
// same whether it is updated whole or by rows.
func TestNoGradientAtTheStartMovesNothing(t *testing.T) {
	for name, o := range settings {
		o.L2 = 0
		rule, err := New(o)
		if err != nil {
			t.Fatal(err)
		}
		w := []float32{0.5, 0, -2}
		slots := make([][]float32, rule.Slots())
		for i := range slots {
			slots[i] = make([]float32, len(w))
		}
		rule.Start(w, slots)
		rule.Apply(1, 1, w, slots, make([]float32, len(w)))
		for i, want := range []float32{0.5, 0, -2} {
			if math.Abs(float64(w[i]-want)) > 1e-6 {
				t.Errorf("%s: weight %d moved from %v to %v", name, i, want, w[i])
			}
		}
	}
}

func TestUnknownKindIsRefused(t *testing.T) {
	if _, err := New(spec.Optimizer{Kind: "lion"}); err == nil {
		t.Error("an unknown optimizer was accepted")
	}
}

// What averaging may leave slightly negative would be NaN under the next root.
func TestRepairedSlotsTakeAStep(t *testing.T) {
	for name, o := range settings {
		rule, err := New(o)
		if err != nil {
			t.Fatal(err)
		}
		w, slots := []float32{0.5}, make([][]float32, rule.Slots())
		for i := range slots {
			slots[i] = []float32{-1e-9}
		}
		rule.Repair(slots)
		rule.Apply(1, 1, w, slots, []float32{1e-12})
		if math.IsNaN(float64(w[0])) {
			t.Errorf("%s: a step after the repair made the weight %v", name, w[0])
		}
	}
}
