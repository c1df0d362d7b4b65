package plan_test

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/penstock-ml/penstock/models"
	"github.com/penstock-ml/penstock/models/features"
	"github.com/penstock-ml/penstock/models/modeltest"
	"github.com/penstock-ml/penstock/models/ops"
	"github.com/penstock-ml/penstock/models/plan"
	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// A network is a model from its parts.
type network struct {
	params []models.Param
	logits func(in *models.Inputs) (*gorgonia.Node, error)
}

func (n network) Params() []models.Param                           { return n.params }
func (n network) Logits(in *models.Inputs) (*gorgonia.Node, error) { return n.logits(in) }

var layout = &features.Layout{
	Numeric:     []string{"x", "y"},
	Categorical: []features.Categorical{{Name: "c", Size: 4}, {Name: "d", Size: 4}},
}

var linear = network{
	params: []models.Param{{Name: "w", Shape: []int{2, 1}}, {Name: "b", Shape: []int{1}}},
	logits: func(in *models.Inputs) (*gorgonia.Node, error) {
		z, err := ops.Dense(in.Numeric, in.Param("w"), in.Param("b"), false)
		if err != nil {
			return nil, err
		}
		return ops.Squeeze(z)
	},
}

func compile(t *testing.T, m models.Model, batch int, mode plan.Mode) (*plan.Plan, *models.Arrangement, error) {
	t.Helper()
	a, err := models.Arrange(m.Params())
	if err != nil {
		t.Fatal(err)
	}
	p, err := plan.Compile(m, a, layout, batch, mode)
	return p, a, err
}

// train compiles a model and runs it once on the weights and rows.
func train(t *testing.T, m models.Model, weights []float32, rows features.Rows) *plan.Plan {
	t.Helper()
	p, _, err := compile(t, m, rows.N, plan.Train)
	if err != nil {
		t.Fatal(err)
	}
	p.Bind(weights)
	in := p.Input()
	copy(in.Numeric, rows.Numeric)
	copy(in.IDs, rows.IDs)
	copy(in.Labels, rows.Labels)
	copy(in.Weights, rows.Weights)
	if err := p.Run(); err != nil {
		t.Fatal(err)
	}
	return p
}

// twoRows have logits 0 under zero weights: each loss is weight * ln 2, and
// the logits' gradients are 0.5 and -1.
var twoRows = features.Rows{
	N: 2, Numeric: []float32{1, 2, 3, 4}, IDs: []int32{1, 2, 3, 1}, Labels: []float32{0, 1}, Weights: []float32{1, 2},
}

func TestGradientsAreSums(t *testing.T) {
	p := train(t, linear, []float32{0, 0, 0}, twoRows)
	if want := []float32{0.5 - 3, 1 - 4, 0.5 - 1}; !slices.Equal(p.Dense(), want) {
		t.Errorf("gradient %v, want %v", p.Dense(), want)
	}
	for i, loss := range p.Losses() {
		if want := float64(twoRows.Weights[i]) * math.Ln2; math.Abs(float64(loss)-want) > 1e-6 {
			t.Errorf("row %d has loss %v, want %v", i, loss, want)
		}
	}
	if err := p.Run(); err != nil {
		t.Fatal(err)
	}
	if want := []float32{-2.5, -3, -0.5}; !slices.Equal(p.Dense(), want) {
		t.Errorf("gradient %v after a second run, want %v again", p.Dense(), want)
	}
}

func TestBindIsByReference(t *testing.T) {
	weights := []float32{0, 0, 0}
	p := train(t, linear, weights, twoRows)
	weights[2] = 5
	if err := p.Run(); err != nil {
		t.Fatal(err)
	}
	if p.Logits()[0] != 5 {
		t.Errorf("logit %v after the bias became 5", p.Logits()[0])
	}
	p.Bind([]float32{1, 1, 0})
	if err := p.Run(); err != nil {
		t.Fatal(err)
	}
	if p.Logits()[0] != 3 {
		t.Errorf("logit %v under other weights, want 3", p.Logits()[0])
	}
}

func TestScoreHasNoGradients(t *testing.T) {
	p, _, err := compile(t, linear, 2, plan.Score)
	if err != nil {
		t.Fatal(err)
	}
	if p.Dense() != nil || p.Losses() != nil || len(p.Sparse()) != 0 {
		t.Errorf("gradient %v, losses %v, pairs %v: want none", p.Dense(), p.Losses(), p.Sparse())
	}
}

func TestRunRefuses(t *testing.T) {
	m := network{
		params: []models.Param{{Name: "t", Shape: []int{4, 1}}, {Name: "b", Shape: []int{1}}},
		logits: func(in *models.Inputs) (*gorgonia.Node, error) {
			return ops.Squeeze(gorgonia.Must(ops.Indicator(in.Param("b"), in.IDs, []int{1}, []*gorgonia.Node{in.Param("t")})))
		},
	}
	p, a, err := compile(t, m, 3, plan.Score)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Run(); err == nil || !strings.Contains(err.Error(), "call Bind first") {
		t.Errorf("running without weights gave %v", err)
	}
	p.Bind(a.Initial(1))
	for _, id := range []int32{4, -1} {
		p.Input().IDs[5] = id
		if err := p.Run(); err == nil || !strings.Contains(err.Error(), `row 2 of the batch has id`) || !strings.Contains(err.Error(), `column "d"`) {
			t.Errorf("id %d gave %v", id, err)
		}
	}
}

// sharedTable looks one table up by two columns.
func sharedTable(sparse bool) network {
	return network{
		params: []models.Param{{Name: "t", Shape: []int{4, 1}, Group: "g", Sparse: sparse}, {Name: "b", Shape: []int{1}, Group: "g"}},
		logits: func(in *models.Inputs) (*gorgonia.Node, error) {
			table := in.Param("t")
			return ops.Squeeze(gorgonia.Must(ops.Indicator(in.Param("b"), in.IDs, []int{0, 1}, []*gorgonia.Node{table, table})))
		},
	}
}

func TestSparseGradient(t *testing.T) {
	p := train(t, sharedTable(true), make([]float32, 5), twoRows)
	pairs := p.Sparse()[0]
	if want := []int32{1, 2, 3}; !slices.Equal(pairs.Rows, want) || pairs.Param != 1 {
		t.Errorf("parameter %d, rows %v, want 1 and %v", pairs.Param, pairs.Rows, want)
	}
	if want := []float32{0.5 - 1, 0.5, -1}; !slices.Equal(pairs.Values, want) {
		t.Errorf("values %v, want %v", pairs.Values, want)
	}
	if want := []float32{-0.5}; !slices.Equal(p.Dense(), want) {
		t.Errorf("dense gradient %v, want %v", p.Dense(), want)
	}
	dense := train(t, sharedTable(false), make([]float32, 5), twoRows)
	if want := []float32{0, -0.5, 0.5, -1, -0.5}; !slices.Equal(dense.Dense(), want) {
		t.Errorf("dense gradient %v, want %v", dense.Dense(), want)
	}
}

func TestPaddingTouchesNoRows(t *testing.T) {
	rows := twoRows
	rows.Weights = []float32{1, 0}
	if got := train(t, sharedTable(true), make([]float32, 5), rows).Sparse()[0].Rows; !slices.Equal(got, []int32{1, 2}) {
		t.Errorf("rows %v, want those of the first example alone: 1, 2", got)
	}
}

// Networks in which values have several readers, so that no result may take the
// place of an operand, nor a product be masked for one of them alone.
var awkward = map[string]network{
	"shared table": sharedTable(true),
	"value and its rectifier": {
		params: []models.Param{hidden, bias, {Name: "v", Shape: []int{6, 1}, Group: "g"}, {Name: "c", Shape: []int{1}, Group: "g"}},
		logits: func(in *models.Inputs) (*gorgonia.Node, error) {
			z := gorgonia.Must(ops.Dense(in.Numeric, in.Param("w"), in.Param("b"), false))
			both := gorgonia.Must(ops.Concat(gorgonia.Must(ops.ReLU(z)), z))
			return ops.Squeeze(gorgonia.Must(ops.Dense(both, in.Param("v"), in.Param("c"), false)))
		},
	},
	"mean in plain operations": {
		params: []models.Param{hidden, bias},
		logits: func(in *models.Inputs) (*gorgonia.Node, error) {
			z := gorgonia.Must(ops.Dense(in.Numeric, in.Param("w"), in.Param("b"), true))
			return gorgonia.Mean(z, 1)
		},
	},
	"ids from a plain operation": {
		params: []models.Param{{Name: "t", Shape: []int{4, 1}, Group: "g"}, {Name: "c", Shape: []int{1}, Group: "g"}},
		logits: func(in *models.Inputs) (*gorgonia.Node, error) {
			ids := gorgonia.Must(gorgonia.Slice(in.IDs, nil, gorgonia.S(0, 2)))
			return ops.Squeeze(gorgonia.Must(ops.Indicator(in.Param("c"), ids, []int{1}, []*gorgonia.Node{in.Param("t")})))
		},
	},
	"residual": {
		params: []models.Param{
			hidden, bias,
			{Name: "shortcut", Shape: []int{2, 3}, Group: "g", Init: models.Normal(1)}, {Name: "none", Shape: []int{3}, Group: "g"},
			{Name: "v", Shape: []int{3, 1}, Group: "g"}, {Name: "c", Shape: []int{1}, Group: "g"},
		},
		logits: func(in *models.Inputs) (*gorgonia.Node, error) {
			rectified := gorgonia.Must(ops.Dense(in.Numeric, in.Param("w"), in.Param("b"), true))
			shortcut := gorgonia.Must(ops.Dense(in.Numeric, in.Param("shortcut"), in.Param("none"), false))
			sum := gorgonia.Must(gorgonia.Add(rectified, shortcut))
			return ops.Squeeze(gorgonia.Must(ops.Dense(sum, in.Param("v"), in.Param("c"), false)))
		},
	},
}

var (
	hidden = models.Param{Name: "w", Shape: []int{2, 3}, Group: "g", Init: models.Normal(1)}
	bias   = models.Param{Name: "b", Shape: []int{3}, Group: "g"}
)

func TestConformanceOfAwkwardNetworks(t *testing.T) {
	for name, m := range awkward {
		t.Run(name, func(t *testing.T) {
			modeltest.Run(t, func(*testing.T) (models.Model, *features.Layout) { return m, layout })
		})
	}
}

// Two parameters with one gradient node: the second gets a copy.
func TestOneGradientForTwoParameters(t *testing.T) {
	m := network{
		params: []models.Param{{Name: "a", Shape: []int{2}}, {Name: "b", Shape: []int{2}}},
		logits: func(in *models.Inputs) (*gorgonia.Node, error) {
			return gorgonia.Add(in.Param("a"), in.Param("b"))
		},
	}
	if want := []float32{0.5, -1, 0.5, -1}; !slices.Equal(train(t, m, make([]float32, 4), twoRows).Dense(), want) {
		t.Errorf("gradient %v, want %v", train(t, m, make([]float32, 4), twoRows).Dense(), want)
	}
}

// Plain operations read what kernels wrote, and kernels what they wrote.
func TestForeignOperationsBetweenKernels(t *testing.T) {
	m := network{
		params: []models.Param{{Name: "w", Shape: []int{2, 3}}, {Name: "b", Shape: []int{3}}, {Name: "v", Shape: []int{3, 1}}, {Name: "c", Shape: []int{1}}},
		logits: func(in *models.Inputs) (*gorgonia.Node, error) {
			hidden := gorgonia.Must(ops.Dense(in.Numeric, in.Param("w"), in.Param("b"), false))
			hidden = gorgonia.Must(gorgonia.Tanh(hidden))
			return ops.Squeeze(gorgonia.Must(ops.Dense(hidden, in.Param("v"), in.Param("c"), false)))
		},
	}
	weights := []float32{0.1, 0.2, 0.3, -0.1, 0, 0.2, 0.5, 0, -0.5, 1, 2, 3, 0.25}
	got := train(t, m, weights, twoRows)
	for i := range 2 {
		want := 0.25
		for j := range 3 {
			x, y := float64(twoRows.Numeric[2*i]), float64(twoRows.Numeric[2*i+1])
			h := math.Tanh(float64(weights[6+j]) + x*float64(weights[j]) + y*float64(weights[3+j]))
			want += h * float64(weights[9+j])
		}
		if math.Abs(float64(got.Logits()[i])-want) > 1e-5 {
			t.Errorf("row %d has logit %v, want %v", i, got.Logits()[i], want)
		}
	}
}

// Dropout leaves the values alone when a plan scores.
func TestDropoutIsForTraining(t *testing.T) {
	m := network{linear.params, func(in *models.Inputs) (*gorgonia.Node, error) {
		z := gorgonia.Must(ops.Dense(in.Numeric, in.Param("w"), in.Param("b"), false))
		return ops.Squeeze(gorgonia.Must(gorgonia.Dropout(z, 0.5)))
	}}
	p, _, err := compile(t, m, 64, plan.Score)
	if err != nil {
		t.Fatal(err)
	}
	p.Bind([]float32{0, 0, 3})
	if err := p.Run(); err != nil {
		t.Fatal(err)
	}
	for i, logit := range p.Logits() {
		if logit != 3 {
			t.Errorf("row %d has logit %v, want 3", i, logit)
		}
	}
}

func TestCompileRefuses(t *testing.T) {
	for want, m := range map[string]network{
		"the network's outputs have shape (2, 1)": {linear.params, func(in *models.Inputs) (*gorgonia.Node, error) {
			return ops.Dense(in.Numeric, in.Param("w"), in.Param("b"), false)
		}},
		`parameter "unused" has no effect`: {
			append(slices.Clone(linear.params), models.Param{Name: "unused", Shape: []int{3}}), linear.logits,
		},
		`parameter "w" is sparse, but operation`: {
			[]models.Param{{Name: "w", Shape: []int{2, 1}, Sparse: true}, {Name: "b", Shape: []int{1}}}, linear.logits,
		},
		"that nothing fills": {linear.params, func(in *models.Inputs) (*gorgonia.Node, error) {
			z := gorgonia.Must(linear.logits(in))
			return gorgonia.Add(z, gorgonia.NewVector(in.Graph, tensor.Float32, gorgonia.WithShape(in.Batch), gorgonia.WithName("mine")))
		}},
	} {
		if _, _, err := compile(t, m, 2, plan.Train); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("gave %v, want an error with %q", err, want)
		}
	}
	if _, _, err := compile(t, linear, 0, plan.Score); err == nil || !strings.Contains(err.Error(), "at least 1") {
		t.Errorf("a batch of 0 rows gave %v", err)
	}
}
