package plan

import (
	"github.com/penstock-ml/penstock/models"
	"github.com/penstock-ml/penstock/models/kernel"
	"github.com/penstock-ml/penstock/models/ops"
)

// A role tells what a value has to do with the rows of a batch.
type role int

const (
	shared  role = iota // the same for all rows: parameters and what is made of them
	perRow              // its row i is that of example i
	reduced             // a sum over rows
)

// classify finds the values' roles. It returns false where a network cannot be
// cut between rows: it has operations that are not ours, which may do anything,
// or uses ours in ways that mix rows.
func (c *compiler) classify(a *models.Arrangement) bool {
	for _, v := range c.order {
		var ok bool
		if v.role, ok = c.roleOf(v); !ok {
			return false
		}
	}
	for i, gradient := range c.gradients {
		if !a.Params[i].Sparse && c.values[gradient].role != reduced {
			return false
		}
	}
	for _, terms := range c.terms {
		for _, t := range terms {
			if c.values[t.gradient].role != perRow || c.values[t.ids].role != perRow {
				return false
			}
		}
	}
	return c.values[c.logits].role == perRow
}

func (c *compiler) roleOf(v *value) (r role, ok bool) {
	switch k := v.kernel.(type) {
	case nil:
		return c.roleOfLeaf(v)
	case ops.Reducer:
		return reduced, v.allIn(perRow)
	case *sum:
		if v.allIn(reduced) {
			return reduced, true
		}
		return c.roleOfRows(v, k)
	case ops.RowWise:
		return c.roleOfRows(v, k)
	default:
		return shared, false
	}
}

func (v *value) allIn(r role) bool {
	for _, in := range v.in {
		if in.role != r {
			return false
		}
	}
	return true
}

// roleOfLeaf refuses constants with dimensions: whether they have a row an
// example, only the model knows.
func (c *compiler) roleOfLeaf(v *value) (role, bool) {
	switch v.node {
	case c.Numeric, c.IDs, c.Keys, c.labels, c.weights:
		return perRow, true
	}
	return shared, v.leaf() && (v.isParam(c) || v.node.IsScalar())
}

func (v *value) isParam(c *compiler) bool {
	for i := range c.plan.params {
		if c.plan.params[i].value == v {
			return true
		}
	}
	return false
}

// roleOfRows is the role of what a kernel makes row by row. Beside what it reads
// whole there may be vectors that all rows share, such as a bias.
func (c *compiler) roleOfRows(v *value, k ops.RowWise) (role, bool) {
	if v.allIn(shared) {
		return shared, true
	}
	shape := v.node.Shape()
	for i, in := range v.in {
		vector := in.node.Dims() < len(shape)
		switch {
		case in.role == reduced, in.role == perRow && k.Whole(i), in.role == shared && !k.Whole(i) && !vector:
			return perRow, false
		case in.role == perRow && vector && shape[1] > 1:
			return perRow, false // a vector with a row an example, as a bias
		}
	}
	return perRow, shape[0] == c.Batch
}

// A reduction computes the gradient of a dense parameter: a sum over rows, or
// the sum of two such sums where a parameter is used twice.
type reduction struct {
	kernel  ops.Reducer // nil: a + b
	in      []*ops.Buffer
	sparing *sparing // nil: all of it is computed
	a, b    *reduction
}

// reduction makes one of a value that is reduced, when its operands have their
// memory.
func (c *compiler) reduction(v *value) *reduction {
	r := &reduction{}
	k, leaf := v.kernel.(ops.Reducer)
	if !leaf {
		r.a, r.b = c.reduction(v.in[0]), c.reduction(v.in[1])
		return r
	}
	r.kernel = k
	for _, in := range v.in {
		r.in = append(r.in, in.buffer)
	}
	return r
}

// depth is how many vectors of scratch memory into needs.
func (r *reduction) depth() int {
	if r.kernel != nil {
		return 0
	}
	return max(r.a.depth(), 1+r.b.depth())
}

// into computes a part of the gradient over some rows of the batch.
func (r *reduction) into(out, scratch []float32, batch ops.Range, p *part) {
	if r.kernel != nil {
		r.kernel.Reduce(out, r.in, batch, p.rows, p.columns)
		return
	}
	second := scratch[:len(out)]
	r.a.into(out, scratch, batch, p)
	r.b.into(second, scratch[len(out):], batch, p)
	kernel.Add(out, out, second)
}
