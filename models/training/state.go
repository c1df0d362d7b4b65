package training

import (
	"cmp"
	"slices"
)

// State is all that the next round reads: one checkpoint. A state is not changed once made; an update makes
// the next, and Advance alone does so in its place.
type State struct {
	// Step is how many steps led here.
	Step int64
	// Weights are the parameters in the order of the model's arrangement.
	Weights []float32
	// Slots are the optimizers' state, parameter by parameter in the same order, each parameter's slots in theirs.
	Slots []float32
	// Past has the weights of the rounds before, the newest first, as many as the strategy's staleness. States that are
	// not at the ends of a segment have none.
	Past [][]float32
	// Log has what each step since the segment's start reports.
	Log []StepLog
	// Stored, if not empty, is the path of a file that has all this but Step, which is all that is here: how a large state
	// passes between workers.
	Stored string

	kept bool // not to be retired
}

// Read is the state as shards read it in the round that follows so many rounds after it, of a step each: with the weights
// of back rounds before it, or the oldest that there are.
func (s *State) Read(ahead, back int) *State {
	weights := s.Weights
	if back = min(back, len(s.Past)); back > 0 {
		weights = s.Past[back-1]
	}
	return &State{Step: s.Step + int64(ahead), Weights: weights, Slots: s.Slots}
}

// Finite tells whether all weights and slots are.
func (s *State) Finite() bool {
	sum := float32(0)
	for _, values := range [][]float32{s.Weights, s.Slots} {
		for _, x := range values {
			sum += x - x // 0, or NaN for ever
		}
	}
	return sum == 0
}

// Remember gives s the weights of the states before it, in any order, and of what the oldest of these remembers: n at
// most. States in the memory of others are marked to be kept.
func (s *State) Remember(before []*State, n int) {
	slices.SortFunc(before, func(a, b *State) int { return cmp.Compare(b.Step, a.Step) })
	s.Past = nil
	for _, b := range before {
		b.Keep()
		s.Past = append(s.Past, b.Weights)
		s.Past = append(s.Past, b.Past...)
	}
	s.Past = s.Past[:min(n, len(s.Past))]
}

// StepLog is what one step reports.
type StepLog struct {
	// Step counts from 1.
	Step int64 `json:"step"`
	// Examples is the sum of the weights of the step's examples.
	Examples float64 `json:"examples"`
	// Loss is the mean over them, before the update.
	Loss float64 `json:"loss"`
	// RateFactor is what the schedule multiplied the learning rates by.
	RateFactor float64 `json:"learning_rate_factor"`
	// GradientNorm is the Euclidean norm of the mean gradient, before clipping.
	GradientNorm float64 `json:"gradient_norm"`
	// LeftOut names the shards whose contribution was not finite or beyond the range, with the reason.
	LeftOut []Omission `json:"left_out,omitempty"`
}

// Omission is a shard left out of a round.
type Omission struct {
	Shard  int    `json:"shard"`
	Reason string `json:"reason"`
}
