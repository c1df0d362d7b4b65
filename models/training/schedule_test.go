package training

import (
	"math"
	"testing"

	"github.com/penstock-ml/penstock/models/spec"
)

func TestRateFactor(t *testing.T) {
	linear := spec.Schedule{Kind: "linear", WarmupSteps: 4, DecaySteps: 10, FinalFactor: 0.2}
	cosine := spec.Schedule{Kind: "cosine", DecaySteps: 10}
	constant := spec.Schedule{Kind: "constant"}
	for _, c := range []struct {
		name     string
		schedule spec.Schedule
		step     int64
		want     float64
	}{
		{"warm-up begins above zero", linear, 0, 0.25},
		{"warm-up ends at one", linear, 3, 1},
		{"decay begins at one", linear, 4, 1},
		{"half of the decay", linear, 9, 0.6},
		{"decay ends at its final factor", linear, 14, 0.2},
		{"level afterwards", linear, 1000, 0.2},
		{"cosine begins at one", cosine, 0, 1},
		{"cosine's middle", cosine, 5, 0.5},
		{"cosine's end", cosine, 10, 0},
		{"constant", constant, 123, 1},
	} {
		if got := rateFactor(c.schedule, c.step); math.Abs(got-c.want) > 1e-12 {
			t.Errorf("%s: %v at step %d, want %v", c.name, got, c.step, c.want)
		}
	}
}
