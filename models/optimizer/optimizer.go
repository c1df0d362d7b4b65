package optimizer

import (
	"fmt"
	"math"
	"sync/atomic"

	"github.com/penstock-ml/penstock/models/kernel"
	"github.com/penstock-ml/penstock/models/spec"
)

// Optimizer is one parameter group's update rule. It holds settings and no state: state lives in the slots.
type Optimizer interface {
	// Slots is how many state vectors the rule keeps beside the weights.
	Slots() int
	// Start fills the slots, each as long as the weights, with their values before the first step.
	Start(weights []float32, slots [][]float32)
	// Apply updates weights and slots in place by the mean gradient of step (from 1), at the group's learning rate
	// times the schedule's factor. The gradient is scratch afterwards.
	Apply(step int64, factor float64, weights []float32, slots [][]float32, gradient []float32)
	// Repair makes slots legal again that were averaged over replicas: rounding may have taken a sum of squares that is
	// about to vanish below zero.
	Repair(slots [][]float32)
}

// New returns the optimizer that o describes.
func New(o spec.Optimizer) (Optimizer, error) {
	switch o.Kind {
	case "sgd":
		return sgd{o}, nil
	case "momentum":
		return momentum{o}, nil
	case "adagrad":
		return adagrad{o}, nil
	case "adam":
		return &adam{o: o}, nil
	case "ftrl":
		return ftrl{o}, nil
	}
	return nil, fmt.Errorf("unknown optimizer %q: use sgd, momentum, adagrad, adam or ftrl", o.Kind)
}

// Scheduled tells whether a kind of optimizer follows the schedule of learning rates.
func Scheduled(kind string) bool { return kind != spec.FTRL }

func rate(o spec.Optimizer, factor float64) float32 { return float32(o.LearningRate * factor) }

type sgd struct{ o spec.Optimizer }

func (sgd) Slots() int                   { return 0 }
func (sgd) Start([]float32, [][]float32) {}
func (sgd) Repair([][]float32)           {}
func (s sgd) Apply(_ int64, factor float64, w []float32, _ [][]float32, g []float32) {
	decay(s.o, w, g)
	kernel.SGD(w, g, rate(s.o, factor))
}

type momentum struct{ o spec.Optimizer }

func (momentum) Slots() int                           { return 1 }
func (momentum) Start(_ []float32, slots [][]float32) { clear(slots[0]) }
func (momentum) Repair([][]float32)                   {}
func (m momentum) Apply(_ int64, factor float64, w []float32, s [][]float32, g []float32) {
	decay(m.o, w, g)
	kernel.Momentum(w, s[0], g, rate(m.o, factor), float32(m.o.Momentum))
}

// adagrad: Duchi, Hazan and Singer, "Adaptive Subgradient Methods for Online Learning and Stochastic Optimization",
// JMLR 12 (2011).
type adagrad struct{ o spec.Optimizer }

func (adagrad) Slots() int { return 1 }
func (a adagrad) Start(_ []float32, slots [][]float32) {
	kernel.Fill(slots[0], float32(a.o.InitialAccumulator))
}
func (adagrad) Repair(slots [][]float32) { atLeastZero(slots[0]) }
func (a adagrad) Apply(_ int64, factor float64, w []float32, s [][]float32, g []float32) {
	decay(a.o, w, g)
	kernel.Adagrad(w, s[0], g, rate(a.o, factor), float32(a.o.Epsilon))
}

// adam: Kingma and Ba, "Adam: A Method for Stochastic Optimization", arXiv 1412.6980. The corrections of the moments'
// bias are computed in float64 once a step, of which many parameters ask one after the other.
type adam struct {
	o    spec.Optimizer
	last atomic.Pointer[corrections]
}

type corrections struct {
	step   int64
	c1, c2 float32
}

func (*adam) Slots() int { return 2 }
func (*adam) Start(_ []float32, slots [][]float32) {
	clear(slots[0])
	clear(slots[1])
}
func (*adam) Repair(slots [][]float32) { atLeastZero(slots[1]) }
func (a *adam) Apply(step int64, factor float64, w []float32, s [][]float32, g []float32) {
	decay(a.o, w, g)
	c := a.corrections(step)
	kernel.Adam(w, s[0], s[1], g, rate(a.o, factor), float32(a.o.Beta1), float32(a.o.Beta2), float32(a.o.Epsilon), c.c1, c.c2)
}

func (a *adam) corrections(step int64) *corrections {
	c := a.last.Load()
	if c == nil || c.step != step {
		c = &corrections{
			step: step,
			c1:   float32(1 / (1 - math.Pow(a.o.Beta1, float64(step)))),
			c2:   float32(1 / (1 - math.Pow(a.o.Beta2, float64(step)))),
		}
		a.last.Store(c)
	}
	return c
}

// ftrl: McMahan et al., "Ad Click Prediction: a View from the Trenches", KDD 2013 (FTRL-Proximal). Its slots are z and n.
type ftrl struct{ o spec.Optimizer }

func (ftrl) Slots() int { return 2 }

// Start chooses z such that the rule's closed form gives the weights as they are: FTRL derives weights from z and n.
func (f ftrl) Start(weights []float32, slots [][]float32) {
	z, n := slots[0], slots[1]
	kernel.Fill(n, float32(f.o.InitialAccumulator))
	scale := (f.o.Beta+math.Sqrt(f.o.InitialAccumulator))/f.o.LearningRate + f.o.L2
	for i, w := range weights {
		z[i] = 0
		if w != 0 {
			z[i] = float32(-float64(w)*scale - math.Copysign(f.o.L1, float64(w)))
		}
	}
}

// Repair repairs n.
func (ftrl) Repair(slots [][]float32) { atLeastZero(slots[1]) }

// Apply leaves the schedule's factor aside. The rate is part of the closed form, so a falling one would pull weights
// towards zero without any gradient; the rate of each coordinate falls by itself as n grows.
func (f ftrl) Apply(_ int64, _ float64, w []float32, s [][]float32, g []float32) {
	kernel.FTRL(w, s[0], s[1], g, rate(f.o, 1), float32(f.o.L1), float32(f.o.L2), float32(f.o.Beta))
}

func atLeastZero(x []float32) { kernel.ReLU(x, x) }

// decay adds the gradient of l2/2 * |w|^2.
func decay(o spec.Optimizer, w, g []float32) {
	if o.L2 != 0 {
		kernel.Axpy(g, w, float32(o.L2))
	}
}
