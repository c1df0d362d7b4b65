package plan

import (
	"slices"
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

// Blocks cover every parameter once, in order, and are neither many nor large.
func TestBlocksDivideTheParameters(t *testing.T) {
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
		covered := make([]bool, a.Dense)
		for _, b := range blocks(a) {
			checkBlock(t, a, &b, covered)
		}
		if i := slices.Index(covered, false); i >= 0 {
			t.Errorf("float %d is in no block", i)
		}
	}
}

// checkBlock finds the runs' floats in the parts, row by row, and marks them.
func checkBlock(t *testing.T, a *models.Arrangement, b *Block, covered []bool) {
	t.Helper()
	var floats []int
	for _, p := range b.parts {
		param := &a.Params[p.param]
		width := param.Size() / param.Shape[0]
		for row := p.rows.From; row < p.rows.To; row++ {
			for column := p.columns.From; column < p.columns.To; column++ {
				floats = append(floats, param.Offset+row*width+column)
			}
		}
	}
	if len(floats) != b.Len || b.Len > mostFloats {
		t.Errorf("a block of length %d has %d floats", b.Len, len(floats))
	}
	for _, r := range b.Runs {
		for i := range r.Len {
			if at := floats[r.At+i]; at != r.Offset+i || covered[at] {
				t.Fatalf("float %d of run %+v is %d, or had already: %t", i, r, at, covered[at])
			}
			covered[r.Offset+i] = true
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
