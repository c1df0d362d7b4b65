package training

// Strategy says what a round is. The zero value is the strategy sync, in which a round is a step: every shard gives the
// gradient of its part of the batch, and all are averaged.
type Strategy struct {
	// LocalSteps, if positive, makes the strategy local: in a round each shard takes so many steps of its own, and what is
	// averaged is how far the shards came.
	LocalSteps int `json:"local_steps,omitempty"`
	// Outer is what the strategy local makes of that average.
	Outer Outer `json:"outer"`
	// Staleness, if positive, makes the strategy async: shards read the weights of so many rounds before, so that nobody
	// waits for an update that is not done yet.
	Staleness int `json:"staleness,omitempty"`
}

// Outer is the outer optimizer of DiLoCo (Douillard and others, arXiv 2311.08105): gradient descent with Nesterov's
// momentum on the negative of the average way. The zero value takes the average as it is.
type Outer struct {
	Rate     float64 `json:"rate,omitempty"`
	Momentum float64 `json:"momentum,omitempty"`
}

// Name is what people call the strategy.
func (s Strategy) Name() string {
	switch {
	case s.LocalSteps > 0:
		return "local"
	case s.Staleness > 0:
		return "async"
	}
	return "sync"
}

// Steps is how many steps a round takes.
func (s Strategy) Steps() int64 { return int64(max(1, s.LocalSteps)) }

// momentum is what the strategy makes of an optimizer's decay of past gradients: late gradients are a momentum of their
// own (Mitliagkas and others, "Asynchrony begets momentum", arXiv 1605.09774), and a decay a round becomes one for the
// rounds that pass before a gradient's effect is seen. Learning rates stay: measured, no factor did better.
func (s Strategy) momentum(decay float64) float64 {
	product := decay
	for range s.Staleness {
		product *= decay
	}
	return product
}

// momentum tells whether the outer optimizer has a velocity.
func (o Outer) momentum() bool { return o.Rate > 0 && o.Momentum > 0 }
