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
	g.cut(g.supports, longestBlock(g.arrangement))
	return keep
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

// Place copies a block's values, such as sums of what Reduce gave, to where they
// belong in the dense parameters' vector, and zeros to what was left out beside
// them. All blocks together write all of the vector.
func Place[T int64 | float32](g *Gradients, vector []T, block int, values []T) {
	for i := g.blocks[block].parts.From; i < g.blocks[block].parts.To; i++ {
		p := &g.parts[i]
		place(&g.supports[p.param], vector[g.arrangement.Params[p.param].Offset:], p, values)
		values = values[p.floats():]
	}
}

// place copies the rows of a part of one parameter.
func place[T any](s *support, vector []T, p *part, values []T) {
	width := s.columns.size
	if !s.limited() && p.columns.Len() == width {
		copy(vector[p.rows.From*width:], values[:p.floats()])
		return
	}
	rows, columns := s.rows.span(p.rows), s.columns.span(p.columns)
	next := p.rows.From
	for row := rows.From; row < rows.To; row++ {
		dst := vector[row*width+columns.From:][:columns.Len()]
		if s.rows.some != nil && (next == p.rows.To || int(s.rows.some[next]) != row) {
			clear(dst)
			continue
		}
		spread(dst, values[:p.columns.Len()], s.columns.some, p.columns.From, columns.From)
		values = values[p.columns.Len():]
		next++
	}
}

// spread copies values to the columns that a support has from one on, and zeros to
// those between them; dst begins with a column.
func spread[T any](dst, values []T, some []int32, from, begin int) {
	if some == nil {
		copy(dst, values)
		return
	}
	clear(dst)
	for i, column := range some[from:][:len(values)] {
		dst[int(column)-begin] = values[i]
	}
}
