package plan

import (
	"github.com/penstock-ml/penstock/models"
	"github.com/penstock-ml/penstock/models/ops"
)

// Gradients are those of all groups of some plans of one model with respect to the
// dense parameters, block by block. Where a large layer's gradients have rows or
// columns of zeros in all groups, blocks leave these out.
type Gradients struct {
	arrangement *models.Arrangement
	plans       []*Groups
	supports    []support // one a dense parameter
	begins      []int     // where each one's values begin in the compact vector, and where that ends
	division
}

// NewGradients is for plans of a model with this arrangement.
func NewGradients(a *models.Arrangement) *Gradients {
	return &Gradients{arrangement: a, supports: whole(a)}
}

// Take makes g the gradients of plans that have run and tells whether Keep has to be
// called for each of them, in any order or at once, before Reduce.
func (g *Gradients) Take(plans []*Groups) (keep bool) {
	g.plans = plans
	for param, r := range plans[0].reductions {
		if r.sparing != nil {
			g.supports[param].find(plans, param)
			keep = keep || g.supports[param].limited()
		}
	}
	g.divide()
	return keep
}

// divide finds the blocks and the places of all that is not left out.
func (g *Gradients) divide() {
	g.cut(g.supports, longestBlock(g.arrangement))
	g.begins = append(g.begins[:0], 0)
	for i := range g.supports {
		g.begins = append(g.begins, g.begins[i]+g.supports[i].floats())
	}
}

// Keep copies what a plan's gradients are made of where they are not zero.
func (g *Gradients) Keep(plan int) {
	for param, r := range g.plans[plan].reductions {
		if g.supports[param].limited() {
			r.keep(&g.supports[param])
		}
	}
}

// Blocks divide what is not left out, the same for all groups.
func (g *Gradients) Blocks() []Block { return g.blocks }

// LongestBlock bounds the length of a block, whatever the plans.
func (g *Gradients) LongestBlock() int { return longestBlock(g.arrangement) }

// Scratch is the number of floats that Reduce needs besides the block.
func (g *Gradients) Scratch() int { return g.LongestBlock() * g.plans[0].depth }

// Reduce sets out to a block of the gradient of the sum of a group's weighted losses.
// Any number of goroutines may call it.
func (g *Gradients) Reduce(out []float32, block, plan, group int, scratch []float32) {
	for i := g.blocks[block].parts.From; i < g.blocks[block].parts.To; i++ {
		p := &g.parts[i]
		g.reducePart(out[:p.floats()], p, g.plans[plan], group, scratch)
		out = out[p.floats():]
	}
}

func (g *Gradients) reducePart(out []float32, p *part, of *Groups, group int, scratch []float32) {
	if of.separate != nil {
		of.separate.copy(out, group, &g.arrangement.Params[p.param], p)
		return
	}
	batch := ops.Range{From: group * of.rows, To: (group + 1) * of.rows}
	r := of.reductions[p.param]
	if g.supports[p.param].limited() {
		r.kernel.Reduce(out, r.sparing.in, batch, p.rows, p.columns)
		return
	}
	r.into(out, scratch, batch, p)
}
