package training

import (
	"math"

	"github.com/penstock-ml/penstock/models/spec"
)

// rateFactor is what the schedule multiplies each group's learning rate by at step (from 0): a linear warm-up over
// WarmupSteps, then constant, or from 1 to FinalFactor over DecaySteps, linearly or by half a cosine, and level after.
func rateFactor(s spec.Schedule, step int64) float64 {
	if w := int64(s.WarmupSteps); step < w {
		return float64(step+1) / float64(w)
	}
	done := 1.0
	if s.DecaySteps > 0 {
		done = min(1, float64(step-int64(s.WarmupSteps))/float64(s.DecaySteps))
	}
	switch s.Kind {
	case "linear":
		return 1 - done*(1-s.FinalFactor)
	case "cosine":
		return s.FinalFactor + (1-s.FinalFactor)*(1+math.Cos(math.Pi*done))/2
	}
	return 1
}
