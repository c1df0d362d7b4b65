package plan

import (
	"fmt"

	"github.com/penstock-ml/penstock/models"
	"github.com/penstock-ml/penstock/models/features"
	"gorgonia.org/gorgonia"
)

// Groups is a plan for several batches of one size, the groups, under the same
// weights. [Groups.Run] takes them as one batch through everything that treats
// rows alone: the forward pass and the gradients of activations. What sums over
// rows, the gradients of parameters, is computed afterwards: for the dense ones see
// [Gradients]. Every number has the bits that a [Plan] for the group alone gives it,
// but for the sign of a zero.
//
// Run belongs to one goroutine at a time. After it one for each table may call
// Sparse.
type Groups struct {
	rows, groups int
	plan         *Plan
	reductions   []*reduction // one a dense parameter
	depth        int          // of the deepest
	sparse       []*sparseGradient
	separate     *separate // for networks that cannot be cut; plan is for one group then
}

// CompileGroups makes the plan of a model for groups of rows each, to train. The
// arrangement and layout are as for [Compile].
func CompileGroups(m models.Model, a *models.Arrangement, layout *features.Layout, rows, groups int) (*Groups, error) {
	if groups < 1 {
		return nil, fmt.Errorf("plan.CompileGroups: there are %d groups: there must be at least 1", groups)
	}
	g := &Groups{rows: rows, groups: groups}
	if g.compile(m, a, layout) {
		return g, nil
	}
	p, err := Compile(m, a, layout, rows, Train)
	if err != nil {
		return nil, err
	}
	g.plan, g.separate = p, newSeparate(p, groups)
	return g, nil
}

// compile tells whether the network can be cut between the groups.
func (g *Groups) compile(m models.Model, a *models.Arrangement, layout *features.Layout) bool {
	if g.rows < 1 {
		return false
	}
	graph, err := newGraph(m, a, layout, g.rows*g.groups, Train)
	if err != nil {
		return false
	}
	c := &compiler{graph: graph, values: map[*gorgonia.Node]*value{}, spread: true}
	if c.begin(a) != nil || !c.classify(a) {
		return false
	}
	c.placeComputed()
	if c.emit(Train) != nil {
		return false
	}
	c.plan.logits = c.values[c.logits].buffer
	g.plan, g.sparse = c.plan, c.sparse(a, g.rows)
	for i := range c.gradients {
		if !a.Params[i].Sparse {
			r := c.reduction(c.values[c.gradients[i]])
			r.sparing = newSparing(r)
			g.reductions = append(g.reductions, r)
			g.depth = max(g.depth, r.depth())
		}
	}
	return true
}

// Input is the memory from which Run reads, as [Plan.Input] is: rows of group 0,
// then those of group 1, and so on.
func (g *Groups) Input() *features.Rows {
	if g.separate != nil {
		return &g.separate.input
	}
	return g.plan.Input()
}

// Bind makes Run use a vector of weights, as [Plan.Bind] does.
func (g *Groups) Bind(weights []float32) { g.plan.Bind(weights) }

// Run computes losses and all that gradients are made of.
func (g *Groups) Run() error {
	if g.separate != nil {
		return g.separate.run(g.plan)
	}
	if err := g.plan.Run(); err != nil {
		return err
	}
	for _, r := range g.reductions {
		if r.sparing != nil {
			r.measure()
		}
	}
	return nil
}

// Losses are the weighted losses of a group's rows in nats, [rows], valid until
// the next Run.
func (g *Groups) Losses(group int) []float32 {
	losses := g.plan.Losses()
	if g.separate != nil {
		losses = g.separate.losses
	}
	return losses[group*g.rows:][:g.rows]
}

// Sparse is a group's gradient with respect to a sparse parameter, numbered among
// these; valid until the next call for the same table.
func (g *Groups) Sparse(group, table int) SparseGradient {
	if g.separate != nil {
		return g.separate.sparse[group][table]
	}
	return g.sparse[table].collect(group * g.rows)
}

// Groups is the number of groups.
func (g *Groups) Groups() int { return g.groups }

// Tables is the number of sparse parameters.
func (g *Groups) Tables() int {
	return len(g.plan.sparse) + len(g.sparse)
}
