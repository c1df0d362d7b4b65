package modeltest

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/penstock-ml/penstock/models"
	"github.com/penstock-ml/penstock/models/features"
	"github.com/penstock-ml/penstock/models/ops"
	"github.com/penstock-ml/penstock/models/plan"
)

// checkFiniteDifferences compares, for each parameter and some directions, the
// gradient with the central difference of the loss. The loss is float64 over
// float32 logits, so a difference over 2h has an error of about 1e-7/h beside
// that of h^2 from the curvature; a rectifier that switches adds h.
func checkFiniteDifferences(t *testing.T, s *subject) {
	const h, directions, tolerance = 2e-3, 4, 1e-2
	rows := randomRows(s.layout, 24, 10)
	gradient := s.gradient(s.train(t, rows))
	score := s.plan(t, rows.N, plan.Score)
	random := rand.New(rand.NewPCG(11, 0))
	for i := range s.arrangement.Params {
		p := &s.arrangement.Params[i]
		norm := length(p.In(gradient))
		for range directions {
			direction := randomDirection(p, p.In(gradient), random)
			var slope float64
			for j, d := range direction {
				slope += d * float64(p.In(gradient)[j])
			}
			up := s.lossAt(t, score, rows, p, direction, h)
			down := s.lossAt(t, score, rows, p, direction, -h)
			if got := (up - down) / (2 * h); math.Abs(got-slope) > tolerance*(norm+1e-2) {
				t.Errorf("parameter %q: the loss grows by %v along a direction, its gradient says %v", p.Name, got, slope)
			}
		}
	}
}

// randomDirection has length 1. In large tables it goes along the rows that the
// batch touches and a few others.
func randomDirection(p *models.Placed, gradient []float32, random *rand.Rand) []float64 {
	direction := make([]float64, p.Size())
	var squares float64
	for j := range direction {
		if gradient[j] != 0 || random.IntN(len(direction)) < 64 {
			direction[j] = random.NormFloat64()
			squares += direction[j] * direction[j]
		}
	}
	for j := range direction {
		direction[j] /= math.Sqrt(squares)
	}
	return direction
}

// lossAt is the sum of the weighted losses with a parameter moved.
func (s *subject) lossAt(t *testing.T, p *plan.Plan, rows *features.Rows, param *models.Placed, direction []float64, h float64) float64 {
	moved := append([]float32(nil), s.weights...)
	for j, w := range param.In(moved) {
		param.In(moved)[j] = float32(float64(w) + h*direction[j])
	}
	p.Bind(moved)
	defer p.Bind(s.weights)
	var loss float64
	outputs, width := run(t, p, rows, 0).Logits(), s.layout.Target.Width()
	for i, label := range rows.Labels {
		loss += float64(rows.Weights[i]) * lossOf(s.layout.Target.Loss, outputs[i*width:][:width], label)
	}
	return loss
}

func lossOf(name string, outputs []float32, label float32) float64 {
	z, y := float64(outputs[0]), float64(label)
	switch {
	case name == ops.SquaredError:
		return (z - y) * (z - y) / 2
	case name == ops.Huber:
		size := math.Abs(z - y)
		return min(size, 1) * (size - min(size, 1)/2)
	case len(outputs) > 1:
		sum := 0.0
		for _, z := range outputs {
			sum += math.Exp(float64(z))
		}
		return math.Log(sum) - float64(outputs[int(label)])
	}
	return max(z, 0) - z*y + math.Log1p(math.Exp(-math.Abs(z)))
}

func length(x []float32) float64 {
	var squares float64
	for _, v := range x {
		squares += float64(v) * float64(v)
	}
	return math.Sqrt(squares)
}
