package modeltest

import (
	"cmp"
	"testing"

	"github.com/penstock-ml/penstock/models"
	"github.com/penstock-ml/penstock/models/features"
	"github.com/penstock-ml/penstock/models/ops"
	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// checkOracle: the plan and Gorgonia's own machine, running the same graph,
// give the same bits.
func checkOracle(t *testing.T, s *subject) {
	for _, batch := range []int{1, 5, 32} {
		rows := randomRows(s.layout, batch, 9)
		logits, gradient := TapeMachine(t, s.model, s.layout, s.weights, rows)
		p := s.train(t, rows)
		if i := differ(p.Logits(), logits); i >= 0 {
			t.Errorf("batch of %d: row %d has logit %v, on the TapeMachine %v", batch, i, p.Logits()[i], logits[i])
		}
		got := s.gradient(p)
		if i := differ(got, gradient); i >= 0 {
			t.Errorf("batch of %d: float %d has gradient %v, on the TapeMachine %v", batch, i, got[i], gradient[i])
		}
	}
}

// TapeMachine computes a model on Gorgonia's own machine: the logits of rows,
// and the gradient of the sum of their weighted losses with respect to the
// weights, in the arrangement's order.
func TapeMachine(t *testing.T, m models.Model, layout *features.Layout, vector []float32, rows *features.Rows) (logits, gradient []float32) {
	t.Helper()
	arrangement := must(models.Arrange(m.Params()))(t)
	in := models.NewInputs(m.Params(), layout, rows.N)
	output := must(m.Logits(in))(t)
	labels := newVector(t, in.Graph, "labels", rows.Labels)
	weights := newVector(t, in.Graph, "weights", rows.Weights)
	cost := must(ops.Loss(cmp.Or(layout.Target.Loss, ops.LogLoss), output, labels, weights))(t)
	var params gorgonia.Nodes
	for _, p := range arrangement.Params {
		node := in.Param(p.Name)
		let(t, node, p.In(vector))
		params = append(params, node)
	}
	if in.Numeric != nil {
		let(t, in.Numeric, rows.Numeric)
	}
	if in.IDs != nil {
		let(t, in.IDs, rows.IDs)
	}
	gradients := must(gorgonia.Grad(cost, params...))(t)

	// Without the trace a value's memory may be used again by a later one.
	machine := gorgonia.NewTapeMachine(in.Graph, gorgonia.TraceExec())
	defer machine.Close()
	if err := machine.RunAll(); err != nil {
		t.Fatal(err)
	}
	gradient = make([]float32, arrangement.Total)
	for i, p := range arrangement.Params {
		copy(p.In(gradient), floats(t, gradients[i]))
	}
	return floats(t, output), gradient
}

// must returns the value of a call that may not fail in a test.
func must[T any](value T, err error) func(t *testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return value
	}
}

func newVector(t *testing.T, g *gorgonia.ExprGraph, name string, values []float32) *gorgonia.Node {
	n := gorgonia.NewVector(g, tensor.Float32, gorgonia.WithShape(len(values)), gorgonia.WithName(name))
	let(t, n, values)
	return n
}

// let binds a value; Gorgonia would run on with the old one if it did not fit.
func let(t *testing.T, n *gorgonia.Node, backing any) {
	t.Helper()
	if err := gorgonia.Let(n, tensor.New(tensor.WithShape(n.Shape()...), tensor.WithBacking(backing))); err != nil {
		t.Fatal(err)
	}
}

func floats(t *testing.T, n *gorgonia.Node) []float32 {
	t.Helper()
	return must(ops.FromValue(n.Value()))(t).F32
}
