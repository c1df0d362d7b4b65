package training

// State is all that the next round reads: one checkpoint. A state is never changed once made; an update makes the next.
type State struct {
	// Step is how many steps led here.
	Step int64
	// Weights are the parameters in the order of the model's arrangement.
	Weights []float32
	// Slots are the optimizers' state, parameter by parameter in the same order, each parameter's slots in theirs.
	Slots []float32
	// Log has what each step since the segment's start reports.
	Log []StepLog

	kept bool // not to be retired
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
