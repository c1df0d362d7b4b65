package ops_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/penstock-ml/penstock/models/ops"
	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// ids of three rows in two columns, of 4 and 3 ids.
var (
	idColumns = []int32{1, 2, 3, 0, 1, 2}
	idShape   = []int{3, 2}
)

// Each operation that has a gradient, applied to parameters of some shapes.
var differentiable = map[string]struct {
	shapes [][]int
	apply  func(in gorgonia.Nodes, ids *gorgonia.Node) (*gorgonia.Node, error)
}{
	"Dense": {[][]int{{3, 2}, {2, 4}, {4}}, func(in gorgonia.Nodes, _ *gorgonia.Node) (*gorgonia.Node, error) {
		return ops.Dense(in[0], in[1], in[2], false)
	}},
	"Dense with relu": {[][]int{{3, 5}, {5, 4}, {4}}, func(in gorgonia.Nodes, _ *gorgonia.Node) (*gorgonia.Node, error) {
		return ops.Dense(in[0], in[1], in[2], true)
	}},
	"Dense from a matrix": {[][]int{{3, 2}, {2, 4}, {3, 4}}, func(in gorgonia.Nodes, _ *gorgonia.Node) (*gorgonia.Node, error) {
		return ops.Dense(in[0], in[1], in[2], true)
	}},
	"ReLU": {[][]int{{3, 4}}, func(in gorgonia.Nodes, _ *gorgonia.Node) (*gorgonia.Node, error) {
		return ops.ReLU(in[0])
	}},
	"Tanh": {[][]int{{3, 4}}, func(in gorgonia.Nodes, _ *gorgonia.Node) (*gorgonia.Node, error) {
		return ops.Activation(ops.Tanh, in[0])
	}},
	"Sigmoid": {[][]int{{3, 4}}, func(in gorgonia.Nodes, _ *gorgonia.Node) (*gorgonia.Node, error) {
		return ops.Activation(ops.Sigmoid, in[0])
	}},
	"SiLU": {[][]int{{3, 4}}, func(in gorgonia.Nodes, _ *gorgonia.Node) (*gorgonia.Node, error) {
		return ops.Activation(ops.SiLU, in[0])
	}},
	"Dropout": {[][]int{{3, 40}}, func(in gorgonia.Nodes, ids *gorgonia.Node) (*gorgonia.Node, error) {
		keys := gorgonia.NewTensor(in[0].Graph(), tensor.Int32, 2, gorgonia.WithShape(3, 1), gorgonia.WithName("keys"),
			gorgonia.WithValue(tensor.New(tensor.WithShape(3, 1), tensor.WithBacking([]int32{1, -2, 3}))))
		return ops.Dropout(in[0], keys, 0.3, 1)
	}},
	"Indicator": {[][]int{{2}, {3, 2}, {4, 2}}, func(in gorgonia.Nodes, ids *gorgonia.Node) (*gorgonia.Node, error) {
		return ops.Indicator(in[0], ids, []int{1, 0}, in[1:])
	}},
	"Indicator of one unit": {[][]int{{1}, {4, 1}}, func(in gorgonia.Nodes, ids *gorgonia.Node) (*gorgonia.Node, error) {
		return ops.Indicator(in[0], ids, []int{0}, in[1:])
	}},
	"Embedding": {[][]int{{4, 2}, {3, 1}, {4, 2}}, func(in gorgonia.Nodes, ids *gorgonia.Node) (*gorgonia.Node, error) {
		return ops.Embedding(ids, []int{0, 1, 0}, in)
	}},
	"Embedding of one table twice": {[][]int{{4, 3}}, func(in gorgonia.Nodes, ids *gorgonia.Node) (*gorgonia.Node, error) {
		return ops.Embedding(ids, []int{0, 1}, []*gorgonia.Node{in[0], in[0]})
	}},
	"Columns": {[][]int{{3, 5}}, func(in gorgonia.Nodes, _ *gorgonia.Node) (*gorgonia.Node, error) {
		return ops.Columns(in[0], []int{4, 0, 3})
	}},
	"Pool": {[][]int{{3, 8}}, func(in gorgonia.Nodes, _ *gorgonia.Node) (*gorgonia.Node, error) {
		return ops.Pool(in[0], 4)
	}},
	"Indicator of one table twice": {[][]int{{2}, {4, 2}}, func(in gorgonia.Nodes, ids *gorgonia.Node) (*gorgonia.Node, error) {
		return ops.Indicator(in[0], ids, []int{0, 1}, []*gorgonia.Node{in[1], in[1]})
	}},
	"Concat": {[][]int{{3, 2}, {3, 1}, {3, 3}}, func(in gorgonia.Nodes, _ *gorgonia.Node) (*gorgonia.Node, error) {
		return ops.Concat(in...)
	}},
	"Squeeze": {[][]int{{3, 1}}, func(in gorgonia.Nodes, _ *gorgonia.Node) (*gorgonia.Node, error) {
		return ops.Squeeze(in[0])
	}},
	"Loss of several classes": {[][]int{{3, 4}}, func(in gorgonia.Nodes, _ *gorgonia.Node) (*gorgonia.Node, error) {
		return loss(ops.LogLoss, in[0], 3, 0, 1)
	}},
	"Squared error": {[][]int{{3}}, func(in gorgonia.Nodes, _ *gorgonia.Node) (*gorgonia.Node, error) {
		return loss(ops.SquaredError, in[0], 3, -1, 0.25)
	}},
	"Huber": {[][]int{{3}}, func(in gorgonia.Nodes, _ *gorgonia.Node) (*gorgonia.Node, error) {
		return loss(ops.Huber, in[0], 0.5, -4, 0.25)
	}},
	"Loss of two classes": {[][]int{{3}}, func(in gorgonia.Nodes, _ *gorgonia.Node) (*gorgonia.Node, error) {
		return loss(ops.LogLoss, in[0], 0, 1, 1)
	}},
}

func loss(name string, outputs *gorgonia.Node, labels ...float32) (*gorgonia.Node, error) {
	y := input(outputs.Graph(), "labels", []int{3}, labels)
	weights := input(outputs.Graph(), "weights", []int{3}, []float32{1, 0.5, 2})
	return ops.Loss(name, outputs, y, weights)
}

// TestGradients compares the gradients of a random projection of each
// operation's result with central differences.
func TestGradients(t *testing.T) {
	const h, tolerance = 1e-2, 2e-3
	for name, test := range differentiable {
		t.Run(name, func(t *testing.T) {
			random := rand.New(rand.NewPCG(1, 1))
			var values [][]float32
			for _, shape := range test.shapes {
				values = append(values, randomFloats(random, tensor.Shape(shape).TotalSize()))
			}
			cost := func() (float32, [][]float32) { return evaluate(t, test.shapes, values, test.apply) }
			_, gradients := cost()
			for p := range values {
				for i, at := range values[p] {
					values[p][i] = at + h
					up, _ := cost()
					values[p][i] = at - h
					down, _ := cost()
					values[p][i] = at
					want := (up - down) / (2 * h)
					if math.Abs(float64(gradients[p][i]-want)) > tolerance {
						t.Errorf("operand %d, float %d: gradient %v, by differences %v", p, i, gradients[p][i], want)
					}
				}
			}
		})
	}
}

// randomFloats are at least 0.05 away from 0, where a rectifier has no
// gradient.
func randomFloats(random *rand.Rand, n int) []float32 {
	values := make([]float32, n)
	for i := range values {
		values[i] = float32(0.05 + random.Float64())
		if random.IntN(2) == 0 {
			values[i] = -values[i]
		}
	}
	return values
}

// evaluate computes a projection of an operation's result and its gradients on
// Gorgonia's TapeMachine.
func evaluate(t *testing.T, shapes [][]int, values [][]float32, apply func(gorgonia.Nodes, *gorgonia.Node) (*gorgonia.Node, error)) (float32, [][]float32) {
	t.Helper()
	g := gorgonia.NewGraph()
	var in gorgonia.Nodes
	for p, shape := range shapes {
		in = append(in, input(g, "operand"+string(rune('a'+p)), shape, values[p]))
	}
	ids := input(g, "ids", idShape, idColumns)
	result, err := apply(in, ids)
	if err != nil {
		t.Fatal(err)
	}
	cost := project(g, result)
	gradients, err := gorgonia.Grad(cost, in...)
	if err != nil {
		t.Fatal(err)
	}
	runTape(t, g)
	var all [][]float32
	for _, gradient := range gradients {
		all = append(all, floats(t, gradient))
	}
	return floats(t, cost)[0], all
}

// project makes a result a scalar by fixed factors, so that no two elements
// have the same gradient.
func project(g *gorgonia.ExprGraph, result *gorgonia.Node) *gorgonia.Node {
	if result.IsScalar() {
		return result
	}
	factors := make([]float32, result.Shape().TotalSize())
	for i := range factors {
		factors[i] = float32(i%5) - 1.5
	}
	return gorgonia.Must(gorgonia.Sum(gorgonia.Must(gorgonia.HadamardProd(result, input(g, "factors", result.Shape(), factors)))))
}

// input is a node with a value.
func input(g *gorgonia.ExprGraph, name string, shape []int, backing any) *gorgonia.Node {
	value := tensor.New(tensor.WithShape(shape...), tensor.WithBacking(backing))
	return gorgonia.NewTensor(g, value.Dtype(), len(shape), gorgonia.WithName(name), gorgonia.WithShape(shape...), gorgonia.WithValue(value))
}

func runTape(t *testing.T, g *gorgonia.ExprGraph) {
	t.Helper()
	machine := gorgonia.NewTapeMachine(g, gorgonia.TraceExec())
	defer machine.Close()
	if err := machine.RunAll(); err != nil {
		t.Fatal(err)
	}
}

func floats(t *testing.T, n *gorgonia.Node) []float32 {
	t.Helper()
	buffer, err := ops.FromValue(n.Value())
	if err != nil {
		t.Fatal(err)
	}
	return buffer.F32
}
