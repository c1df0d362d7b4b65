package ops_test

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/penstock-ml/penstock/models/ops"
	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// graph has some inputs to apply operations to.
type graph struct {
	*gorgonia.ExprGraph
	ids                   *gorgonia.Node // [3, 2]
	matrix, other, column *gorgonia.Node // [3, 4], [2, 4], [3, 1]
	table, narrow         *gorgonia.Node // [4, 2], [4, 1]
	three, two            *gorgonia.Node // [3], [2]
}

func newGraph() *graph {
	g := gorgonia.NewGraph()
	count := func(n int) []float32 {
		values := make([]float32, n)
		for i := range values {
			values[i] = float32(i + 1)
		}
		return values
	}
	return &graph{
		ExprGraph: g,
		ids:       input(g, "ids", idShape, idColumns),
		matrix:    input(g, "matrix", []int{3, 4}, count(12)),
		other:     input(g, "other", []int{2, 4}, count(8)),
		column:    input(g, "column", []int{3, 1}, count(3)),
		table:     input(g, "table", []int{4, 2}, count(8)),
		narrow:    input(g, "narrow", []int{4, 1}, count(4)),
		three:     input(g, "three", []int{3}, count(3)),
		two:       input(g, "two", []int{2}, count(2)),
	}
}

func TestResults(t *testing.T) {
	for name, test := range map[string]struct {
		apply func(g *graph) (*gorgonia.Node, error)
		shape tensor.Shape
		want  []float32
	}{
		"Indicator": {
			func(g *graph) (*gorgonia.Node, error) {
				return ops.Indicator(g.two, g.ids, []int{0, 1}, []*gorgonia.Node{g.table, g.table})
			},
			tensor.Shape{3, 2}, []float32{1 + 3 + 5, 2 + 4 + 6, 1 + 7 + 1, 2 + 8 + 2, 1 + 3 + 5, 2 + 4 + 6},
		},
		"Embedding": {
			func(g *graph) (*gorgonia.Node, error) {
				return ops.Embedding(g.ids, []int{1, 0}, []*gorgonia.Node{g.narrow, g.table})
			},
			tensor.Shape{3, 3}, []float32{3, 3, 4, 1, 7, 8, 3, 3, 4},
		},
		"OneHot": {
			func(g *graph) (*gorgonia.Node, error) { return ops.OneHot(g.ids, []int{1, 0}, []int{3, 4}) },
			tensor.Shape{3, 7}, []float32{0, 0, 1, 0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 1, 0, 0, 1, 0, 1, 0, 0},
		},
		"Columns": {
			func(g *graph) (*gorgonia.Node, error) { return ops.Columns(g.matrix, []int{3, 1}) },
			tensor.Shape{3, 2}, []float32{4, 2, 8, 6, 12, 10},
		},
		"Columns side by side": {
			func(g *graph) (*gorgonia.Node, error) { return ops.Columns(g.matrix, []int{1, 2}) },
			tensor.Shape{3, 2}, []float32{2, 3, 6, 7, 10, 11},
		},
		"Concat": {
			func(g *graph) (*gorgonia.Node, error) { return ops.Concat(g.column, g.matrix) },
			tensor.Shape{3, 5}, []float32{1, 1, 2, 3, 4, 2, 5, 6, 7, 8, 3, 9, 10, 11, 12},
		},
		"Squeeze": {
			func(g *graph) (*gorgonia.Node, error) { return ops.Squeeze(g.column) },
			tensor.Shape{3}, []float32{1, 2, 3},
		},
		"Dense": {
			func(g *graph) (*gorgonia.Node, error) { return ops.Dense(g.matrix, g.table, g.two, false) },
			tensor.Shape{3, 2}, []float32{51, 62, 115, 142, 179, 222},
		},
	} {
		g := newGraph()
		n, err := test.apply(g)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		runTape(t, g.ExprGraph)
		if !n.Value().Shape().Eq(test.shape) || !slices.Equal(floats(t, n), test.want) {
			t.Errorf("%s gave %v %v, want %v %v", name, n.Value().Shape(), floats(t, n), test.shape, test.want)
		}
	}
}

func TestLoss(t *testing.T) {
	g := gorgonia.NewGraph()
	logits, labels, weights := []float32{-100, 0, 3, 100}, []float32{1, 0, 1, 0}, []float32{1, 2, 0.5, 0}
	shape := []int{4}
	cost, err := ops.Loss(ops.LogLoss, input(g, "z", shape, logits), input(g, "y", shape, labels), input(g, "w", shape, weights))
	if err != nil {
		t.Fatal(err)
	}
	runTape(t, g)
	want := 100 + 2*math.Ln2 + 0.5*math.Log1p(math.Exp(-3))
	if got := float64(floats(t, cost)[0]); math.Abs(got-want) > 1e-4 {
		t.Errorf("loss %v, want %v", got, want)
	}
}

// Denormal derivatives of examples that are all but certain made training ever slower.
func TestLossHasNoTinyDerivatives(t *testing.T) {
	g := gorgonia.NewGraph()
	nan := float32(math.NaN())
	shape, ones := []int{5}, []float32{1, 1, 1, 1, 1}
	logits := input(g, "z", shape, []float32{-40, -50, -100, 50, nan})
	cost, err := ops.Loss(ops.LogLoss, logits, input(g, "y", shape, []float32{0, 0, 0, 1, 1}), input(g, "w", shape, ones))
	if err != nil {
		t.Fatal(err)
	}
	gradients, err := gorgonia.Grad(cost, logits)
	if err != nil {
		t.Fatal(err)
	}
	runTape(t, g)
	got := floats(t, gradients[0])
	if want := math.Exp(-40); math.Abs(float64(got[0])-want) > 1e-6*want || !slices.Equal(got[1:4], []float32{0, 0, 0}) || got[4] == got[4] {
		t.Errorf("the derivatives are %v, want %v, three zeros and NaN", got, want)
	}
}

func TestWrongOperandsAreErrors(t *testing.T) {
	for want, apply := range map[string]func(g *graph) (*gorgonia.Node, error){
		"x has 4 columns, weights 2 rows": func(g *graph) (*gorgonia.Node, error) { return ops.Dense(g.matrix, g.other, g.two, true) },
		"start has shape (3)":             func(g *graph) (*gorgonia.Node, error) { return ops.Dense(g.matrix, g.table, g.three, true) },
		"there is no column 2":            func(g *graph) (*gorgonia.Node, error) { return ops.OneHot(g.ids, []int{2}, []int{3}) },
		"1 columns have 2 sizes":          func(g *graph) (*gorgonia.Node, error) { return ops.OneHot(g.ids, []int{1}, []int{3, 4}) },
		"no columns are chosen":           func(g *graph) (*gorgonia.Node, error) { return ops.Columns(g.matrix, nil) },
		"column 1 is chosen twice":        func(g *graph) (*gorgonia.Node, error) { return ops.Columns(g.matrix, []int{1, 1}) },
		"x has 4 columns: it must have 1": func(g *graph) (*gorgonia.Node, error) { return ops.Squeeze(g.matrix) },
		"a part has 3 rows, another 2":    func(g *graph) (*gorgonia.Node, error) { return ops.Concat(g.matrix, g.other) },
		"nothing to put side by side":     func(g *graph) (*gorgonia.Node, error) { return ops.Concat() },
		"a table has 1 columns, the bias 2": func(g *graph) (*gorgonia.Node, error) {
			return ops.Indicator(g.two, g.ids, []int{0}, []*gorgonia.Node{g.narrow})
		},
		"outputs, labels and weights have sh": func(g *graph) (*gorgonia.Node, error) { return ops.Loss(ops.LogLoss, g.three, g.three, g.two) },
		"ype":                                 func(g *graph) (*gorgonia.Node, error) { return ops.ReLU(g.ids) }, // Gorgonia's own words
	} {
		if _, err := apply(newGraph()); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("gave %v, want an error with %q", err, want)
		}
	}
}

// Gorgonia takes nodes with the same operation and operands for one.
func TestSettingsTellOperationsApart(t *testing.T) {
	g := newGraph()
	a := gorgonia.Must(ops.Columns(g.matrix, []int{0, 1}))
	b := gorgonia.Must(ops.Columns(g.matrix, []int{1, 0}))
	c := gorgonia.Must(ops.Columns(g.matrix, []int{0, 1}))
	if a == b {
		t.Error("two choices of columns are one node")
	}
	if a != c {
		t.Error("the same choice of columns is two nodes")
	}
	d := gorgonia.Must(ops.Dense(g.matrix, g.table, g.two, true))
	e := gorgonia.Must(ops.Dense(g.matrix, g.table, g.two, false))
	if d == e {
		t.Error("a layer with and one without rectifier are one node")
	}
}

func TestFromValueOfATransposedTensor(t *testing.T) {
	value := tensor.New(tensor.WithShape(2, 3), tensor.WithBacking([]float32{1, 2, 3, 4, 5, 6}))
	if err := value.T(); err != nil {
		t.Fatal(err)
	}
	b, err := ops.FromValue(value)
	if err != nil {
		t.Fatal(err)
	}
	if want := []float32{1, 4, 2, 5, 3, 6}; !slices.Equal(b.F32, want) || !b.Shape.Eq(tensor.Shape{3, 2}) {
		t.Errorf("memory %v of shape %v, want %v of (3, 2)", b.F32, b.Shape, want)
	}
}

func TestUsePreallocDoReusesMemory(t *testing.T) {
	g := newGraph()
	n := gorgonia.Must(ops.Columns(g.matrix, []int{2}))
	prealloc := tensor.New(tensor.WithShape(3, 1), tensor.WithBacking([]float32{-1, -1, -1}))
	v, err := n.Op().(gorgonia.UsePreallocDoer).UsePreallocDo(prealloc, g.matrix.Value())
	if err != nil {
		t.Fatal(err)
	}
	if v != gorgonia.Value(prealloc) || !slices.Equal(prealloc.Data().([]float32), []float32{3, 7, 11}) {
		t.Errorf("gave %v in %v", v, prealloc)
	}
}
