package plan

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/penstock-ml/penstock/models"
	"github.com/penstock-ml/penstock/models/features"
	"github.com/penstock-ml/penstock/models/ops"
	"gorgonia.org/gorgonia"
)

// A small is a network over two numbers and the parameters w, v, b and c.
type small func(in *models.Inputs, w, v, b, c *gorgonia.Node) (*gorgonia.Node, error)

func (small) Params() []models.Param {
	return []models.Param{{Name: "w", Shape: []int{2, 2}}, {Name: "v", Shape: []int{2, 1}}, {Name: "b", Shape: []int{2}}, {Name: "c", Shape: []int{1}}}
}

func (s small) Logits(in *models.Inputs) (*gorgonia.Node, error) {
	return s(in, in.Param("w"), in.Param("v"), in.Param("b"), in.Param("c"))
}

func dense(x, w, b *gorgonia.Node) *gorgonia.Node { return gorgonia.Must(ops.Dense(x, w, b, true)) }

// What can be cut between the groups is: the other way takes longer.
func TestWhatIsCutBetweenGroups(t *testing.T) {
	layout := &features.Layout{Numeric: []string{"x", "y"}}
	for name, test := range map[string]struct {
		network small
		cut     bool
	}{
		"layers": {func(in *models.Inputs, w, v, b, c *gorgonia.Node) (*gorgonia.Node, error) {
			return ops.Squeeze(dense(dense(in.Numeric, w, b), v, c))
		}, true},
		"weights used twice": {func(in *models.Inputs, w, v, b, c *gorgonia.Node) (*gorgonia.Node, error) {
			return ops.Squeeze(dense(dense(dense(in.Numeric, w, b), w, b), v, c))
		}, true},
		"sum of layers": {func(in *models.Inputs, w, v, b, c *gorgonia.Node) (*gorgonia.Node, error) {
			x := dense(in.Numeric, w, b)
			return ops.Squeeze(dense(gorgonia.Must(gorgonia.Add(x, dense(x, w, b))), v, c))
		}, true},
		"weights that are computed": {func(in *models.Inputs, w, v, b, c *gorgonia.Node) (*gorgonia.Node, error) {
			return ops.Squeeze(dense(dense(in.Numeric, gorgonia.Must(ops.ReLU(w)), b), v, c))
		}, false},
		"plain operation": {func(in *models.Inputs, w, v, b, c *gorgonia.Node) (*gorgonia.Node, error) {
			return ops.Squeeze(dense(gorgonia.Must(gorgonia.Tanh(dense(in.Numeric, w, b))), v, c))
		}, false},
		"constant": {func(in *models.Inputs, w, v, b, c *gorgonia.Node) (*gorgonia.Node, error) {
			x := dense(in.Numeric, w, b)
			ones := gorgonia.NewConstant(ops.NewBuffer(x.Shape()).Value())
			return ops.Squeeze(dense(gorgonia.Must(gorgonia.Add(x, ones)), v, c))
		}, false},
	} {
		a, err := models.Arrange(test.network.Params())
		if err != nil {
			t.Fatal(err)
		}
		g, err := CompileGroups(test.network, a, layout, 3, 4)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if cut := g.separate == nil; cut != test.cut {
			t.Errorf("%s: cut between groups: %t, want %t", name, cut, test.cut)
		}
	}
}

// Blocks bring every float to its place, and zeros to what is in no support.
func TestBlocksDivideTheParameters(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for _, params := range [][]models.Param{
		{{Name: "a", Shape: []int{3}}},
		{{Name: "a", Shape: []int{5000, 1}}, {Name: "b", Shape: []int{2}}, {Name: "c", Shape: []int{2, 2100}}, {Name: "d", Shape: []int{9, 2, 2}}},
		{{Name: "a", Shape: []int{1000, 1000}}, {Name: "b", Shape: []int{1000}}, {Name: "c", Shape: []int{2, 40000}}},
		{{Name: "a", Shape: []int{50000, 2}, Sparse: true}},
	} {
		a, err := models.Arrange(params)
		if err != nil {
			t.Fatal(err)
		}
		g := NewGradients(a)
		for _, kept := range []float64{1, 0.5, 0.01, 1} {
			for i := range g.supports {
				limitRandomly(&g.supports[i].rows, kept, random)
				limitRandomly(&g.supports[i].columns, kept, random)
			}
			g.divide()
			checkBlocks(t, g, random)
		}
	}
}

// limitRandomly leaves each element in a support with a probability.
func limitRandomly(x *axis, kept float64, random *rand.Rand) {
	x.largest = make([]uint32, x.size)
	for i := range x.largest {
		if random.Float64() < kept {
			x.largest[i] = 1
		}
	}
	x.limit(random.IntN(3) > 0)
}

// checkBlocks numbers all floats, lets the blocks bring those in the supports to a vector and expands it, cut anywhere.
func checkBlocks(t *testing.T, g *Gradients, random *rand.Rand) {
	t.Helper()
	compact, want := make([]int64, g.Compact()), make([]int64, g.arrangement.Dense)
	for block := range g.Blocks() {
		var values []int64
		for _, p := range g.parts[g.blocks[block].parts.From:g.blocks[block].parts.To] {
			param, s := &g.arrangement.Params[p.param], &g.supports[p.param]
			for row := p.rows.From; row < p.rows.To; row++ {
				for column := p.columns.From; column < p.columns.To; column++ {
					at := param.Offset + s.rows.at(row)*s.columns.size + s.columns.at(column)
					want[at] = int64(at + 1)
					values = append(values, want[at])
				}
			}
		}
		if n := g.Blocks()[block].Len; n != len(values) || n > g.LongestBlock() {
			t.Errorf("a block of length %d has %d floats, the longest may have %d", n, len(values), g.LongestBlock())
		}
		Place(g, compact, block, values)
	}
	vector := make([]int64, len(want))
	for i := range vector {
		vector[i] = -1
	}
	for from := 0; from < len(vector); {
		part := vector[from:min(from+1+random.IntN(9000), len(vector))]
		Expand(g, part, from, make([]int64, len(part)), func(dst []int64, begin int) { copy(dst, compact[begin:]) })
		from += len(part)
	}
	for i := range want {
		if vector[i] != want[i] {
			t.Fatalf("float %d is %d, want %d", i, vector[i], want[i])
		}
	}
}

// at is the row or column that is the i-th of the support.
func (x *axis) at(i int) int {
	if x.some == nil {
		return i
	}
	return int(x.some[i])
}

// A deep has two layers so large that their gradients' supports are looked for.
type deep struct{}

const deepUnits = 300

func (deep) Params() []models.Param {
	return []models.Param{
		{Name: "w", Shape: []int{2, deepUnits}}, {Name: "b", Shape: []int{deepUnits}},
		{Name: "v", Shape: []int{deepUnits, deepUnits}}, {Name: "c", Shape: []int{deepUnits}},
		{Name: "u", Shape: []int{deepUnits, 1}}, {Name: "d", Shape: []int{1}},
	}
}

func (deep) Logits(in *models.Inputs) (*gorgonia.Node, error) {
	hidden := dense(dense(in.Numeric, in.Param("w"), in.Param("b")), in.Param("v"), in.Param("c"))
	return ops.Squeeze(gorgonia.Must(ops.Dense(hidden, in.Param("u"), in.Param("d"), false)))
}

// Units that are zero for all examples are left out, and change nothing: neither in plans where others are zero, nor
// where a number is not finite.
func TestGradientsLeaveOutZeros(t *testing.T) {
	const rows, groups, plans = 3, 2, 2
	layout := &features.Layout{Numeric: []string{"x", "y"}}
	a, err := models.Arrange(deep{}.Params())
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		dead     int     // of 4 units
		first    float32 // number of the first row
		leaveOut bool
	}{
		"half":       {2, 1, true},
		"none":       {0, 1, false},
		"all":        {4, 1, true},
		"not finite": {2, float32(math.Inf(1)), false},
	} {
		weights, random := make([]float32, a.Total), rand.New(rand.NewPCG(4, 5))
		for i := range weights {
			weights[i] = (random.Float32() - 0.5) / 10
		}
		for i := range deepUnits {
			first, second := float32(1), float32(5) // so that no unit is zero by chance
			if i%4 < test.dead {
				first, second = -1e5, -1e5
			}
			if i%8 == 0 && test.dead > 0 { // not zero where y is positive, which it is in the second plan alone
				a.Params[0].In(weights)[deepUnits+i], first = 10, -1
			}
			a.Params[1].In(weights)[i], a.Params[3].In(weights)[i] = first, second
		}
		var all []*Groups
		for i := range plans {
			all = append(all, deepGroups(t, a, layout, rows, groups, weights, uint64(i), test.first))
		}
		g := NewGradients(a)
		if keep := g.Take(all); keep != test.leaveOut {
			t.Errorf("%s: leaves out: %t, want %t", name, keep, test.leaveOut)
		}
		for i := range all {
			g.Keep(i)
		}
		checkGradients(t, name, g, a, layout, rows, weights)
	}
}

func deepGroups(t *testing.T, a *models.Arrangement, layout *features.Layout, rows, groups int, weights []float32, seed uint64, first float32) *Groups {
	t.Helper()
	g, err := CompileGroups(deep{}, a, layout, rows, groups)
	if err != nil {
		t.Fatal(err)
	}
	random, in := rand.New(rand.NewPCG(seed, 3)), g.Input()
	for i := range in.Numeric {
		in.Numeric[i] = random.Float32() - 0.5
		if i%2 == 1 {
			in.Numeric[i] = (0.2 + random.Float32()) * (2*float32(seed) - 1)
		}
	}
	in.Numeric[0] = first
	for i := range in.Labels {
		in.Labels[i], in.Weights[i] = float32(i%2), 1
	}
	g.Bind(weights)
	if err := g.Run(); err != nil {
		t.Fatal(err)
	}
	return g
}

// checkGradients compares each group's gradient with that of a plan for it alone.
func checkGradients(t *testing.T, name string, g *Gradients, a *models.Arrangement, layout *features.Layout, rows int, weights []float32) {
	t.Helper()
	values, got := make([]float32, g.LongestBlock()), make([]float32, a.Dense)
	compact, scratch := make([]float32, g.Compact()), make([]float32, a.Dense)
	for i, p := range g.plans {
		for group := range p.Groups() {
			for block := range g.Blocks() {
				g.Reduce(values, block, i, group, nil)
				Place(g, compact, block, values)
			}
			Expand(g, got, 0, scratch, func(dst []float32, begin int) { copy(dst, compact[begin:]) })
			alone, err := Compile(deep{}, a, layout, rows, Train)
			if err != nil {
				t.Fatal(err)
			}
			alone.Bind(weights)
			fill(alone.Input(), p.Input(), group)
			if err := alone.Run(); err != nil {
				t.Fatal(err)
			}
			for j, want := range alone.Dense() {
				if got[j] != want && !(want != want && got[j] != got[j]) {
					t.Fatalf("%s: plan %d, group %d: float %d is %v, alone %v", name, i, group, j, got[j], want)
				}
			}
		}
	}
}

func TestCompileGroupsRefuses(t *testing.T) {
	network := small(func(in *models.Inputs, w, v, b, c *gorgonia.Node) (*gorgonia.Node, error) {
		return ops.Squeeze(dense(dense(in.Numeric, w, b), v, c))
	})
	a, err := models.Arrange(network.Params())
	if err != nil {
		t.Fatal(err)
	}
	layout := &features.Layout{Numeric: []string{"x", "y"}}
	for _, shape := range [][2]int{{0, 1}, {1, 0}, {-1, -1}} {
		if _, err := CompileGroups(network, a, layout, shape[0], shape[1]); err == nil || !strings.Contains(err.Error(), "at least 1") {
			t.Errorf("%d rows, %d groups gave %v", shape[0], shape[1], err)
		}
	}
	g, err := CompileGroups(network, a, layout, 1, 1)
	if err != nil {
		t.Fatal(err)
	}
	if err := g.Run(); err == nil || !strings.Contains(err.Error(), "call Bind first") {
		t.Errorf("running without weights gave %v", err)
	}
}
