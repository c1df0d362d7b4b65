package modeltest

import (
	"testing"

	"github.com/penstock-ml/penstock/models/features"
	"github.com/penstock-ml/penstock/models/plan"
)

// checkGroups: a plan for several groups gives the bits that each group has
// alone. The last group is padded.
func checkGroups(t *testing.T, s *subject) {
	for _, shape := range [][2]int{{1, 1}, {1, 3}, {5, 1}, {8, 2}, {24, 5}} {
		n, groups := shape[0], shape[1]
		g, err := plan.CompileGroups(s.model, s.arrangement, s.layout, n, groups)
		if err != nil {
			t.Fatal(err)
		}
		g.Bind(s.weights)
		rows := randomRows(s.layout, n*groups, uint64(20+n))
		clear(rows.Weights[len(rows.Weights)-n/2:])
		for pass := range 2 { // the second one in memory that the first has left
			fill(g.Input(), rows, pass)
			if err := g.Run(); err != nil {
				t.Fatal(err)
			}
			for group := range groups {
				alone := s.train(t, part(g.Input(), group*n, n))
				if i := differ(alone.Losses(), g.Losses(group)); i >= 0 {
					t.Fatalf("%d rows, %d groups: row %d of group %d has loss %v, alone %v", n, groups, i, group, g.Losses(group)[i], alone.Losses()[i])
				}
				want, got := s.gradient(alone), s.groupGradient(g, group)
				if i := differ(want, got); i >= 0 {
					t.Fatalf("%d rows, %d groups: float %d of group %d has gradient %v, alone %v", n, groups, i, group, got[i], want[i])
				}
			}
		}
	}
}

// part copies n rows from one on.
func part(rows *features.Rows, from, n int) *features.Rows {
	p := &features.Rows{
		N:       n,
		Numeric: make([]float32, n*len(rows.Numeric)/rows.N),
		IDs:     make([]int32, n*len(rows.IDs)/rows.N),
		Labels:  make([]float32, n),
		Weights: make([]float32, n),
	}
	copyRows(p, 0, rows, from, n)
	return p
}

// groupGradient is a group's gradient as one vector in the arrangement's order.
func (s *subject) groupGradient(g *plan.Groups, group int) []float32 {
	vector := make([]float32, s.arrangement.Total)
	gradients := plan.NewGradients(s.arrangement)
	if gradients.Take([]*plan.Groups{g}) {
		gradients.Keep(0)
	}
	values, scratch := make([]float32, gradients.LongestBlock()), make([]float32, gradients.Scratch())
	compact := make([]float32, gradients.Compact())
	for i := range gradients.Blocks() {
		gradients.Reduce(values, i, 0, group, scratch)
		plan.Place(gradients, compact, i, values)
	}
	plan.Expand(gradients, vector[:s.arrangement.Dense], 0, make([]float32, s.arrangement.Dense), func(dst []float32, begin int) { copy(dst, compact[begin:]) })
	for table := range g.Tables() {
		s.addPairs(vector, g.Sparse(group, table))
	}
	return vector
}
