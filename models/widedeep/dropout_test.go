package widedeep_test

import (
	"math"
	"slices"
	"testing"

	"github.com/penstock-ml/penstock/models/plan"
)

// With dropout a step's outputs depend on the keys of the rows, around what they are without; a plan that scores has none.
func TestDropout(t *testing.T) {
	const batch, draws = 8, 4000
	c := configs["numbers only"]
	whole := newPlan(t, c, layout, batch, plan.Train)
	c.Deep.Dropout = 0.25
	score, train := newPlan(t, c, layout, batch, plan.Score), newPlan(t, c, layout, batch, plan.Train)
	run := func(p *plan.Plan) []float32 {
		if err := p.Run(); err != nil {
			t.Fatal(err)
		}
		return slices.Clone(p.Logits())
	}
	want := run(whole)
	if got := run(score); !slices.Equal(got, want) {
		t.Errorf("scores are %v, without dropout %v", got, want)
	}
	first, again := run(train), run(train)
	if !slices.Equal(first, again) || slices.Equal(first, want) {
		t.Errorf("the same keys give %v, then %v; without dropout %v", first, again, want)
	}
	sums := make([]float64, batch)
	for draw := range draws {
		for i := range train.Input().Keys {
			train.Input().Keys[i] = int32(draw*batch + i)
		}
		for i, z := range run(train) {
			sums[i] += float64(z)
		}
	}
	for i, sum := range sums { // of one hidden layer the expectation is what scoring computes
		if mean := sum / draws; math.Abs(mean-float64(want[i])) > 0.05 {
			t.Errorf("row %d has the mean %v, without dropout %v", i, mean, want[i])
		}
	}
}
