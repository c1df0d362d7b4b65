package plan

import (
	"fmt"
	"slices"

	"github.com/penstock-ml/penstock/models"
	"github.com/penstock-ml/penstock/models/kernel"
	"github.com/penstock-ml/penstock/models/ops"
	"gorgonia.org/gorgonia"
)

// A SparseGradient is the gradient with respect to the rows of a table that a
// batch touched. Rows for which it is 0 in every example are left out, so
// padding does not show.
type SparseGradient struct {
	Param  int       // index in the arrangement's Params
	Rows   []int32   // unique, ascending
	Values []float32 // [rows, dim], row-major
}

// A tableTerm is the gradient from one look-up in a table.
type tableTerm struct {
	kernel        *ops.TableGradientKernel
	gradient, ids *gorgonia.Node
}

// tableTerms finds the look-ups whose gradients make up that of a table.
func tableTerms(n *gorgonia.Node, p *models.Placed) ([]tableTerm, error) {
	switch k := kernelOf(n).(type) {
	case *ops.TableGradientKernel:
		in := operands(n)
		return []tableTerm{{k, in[0], in[1]}}, nil
	case *sum:
		var terms []tableTerm
		for _, operand := range operands(n) {
			more, err := tableTerms(operand, p)
			if err != nil {
				return nil, err
			}
			terms = append(terms, more...)
		}
		return terms, nil
	default:
		return nil, fmt.Errorf("parameter %q is sparse, but operation %v makes its gradient dense: use the table in ops.Embedding or ops.Indicator alone", p.Name, n.Op())
	}
}

// sparse prepares the gradients of the sparse parameters, over so many rows of
// the batch at a time.
func (c *compiler) sparse(a *models.Arrangement, rows int) (gradients []*sparseGradient) {
	for i := range a.Params {
		if !a.Params[i].Sparse || c.gradients == nil {
			continue
		}
		s := &sparseGradient{param: i, dim: a.Params[i].Shape[1], batch: rows}
		for _, t := range c.terms[len(gradients)] {
			s.terms = append(s.terms, lookup{t.kernel, c.values[t.gradient].buffer, c.values[t.ids].buffer})
		}
		s.reserve()
		gradients = append(gradients, s)
	}
	return gradients
}

// A sparseGradient gathers the gradient of one table.
type sparseGradient struct {
	param, dim int
	first      int // row of the batch
	batch      int // examples a term
	terms      []lookup
	keys       []uint64 // row, then the number of the example among all terms'
	rows       []int32
	values     []float32
	partial    []float32 // [dim]
}

// A lookup is a tableTerm in a plan's memory.
type lookup struct {
	kernel        *ops.TableGradientKernel
	gradient, ids *ops.Buffer
}

// reserve allocates for the terms, of which each touches a row an example at
// most.
func (s *sparseGradient) reserve() {
	n := s.batch * len(s.terms)
	s.keys = make([]uint64, 0, n)
	s.rows = make([]int32, 0, n)
	s.values = make([]float32, 0, n*s.dim)
	s.partial = make([]float32, s.dim)
}

// collect sums the gradients of each row over the examples from one on, in the
// order in which a dense gradient is summed: each term over its examples,
// ascending, then over the terms.
func (s *sparseGradient) collect(first int) SparseGradient {
	s.first = first
	s.keys, s.rows, s.values = s.keys[:0], s.rows[:0], s.values[:0]
	for t := range s.terms {
		s.list(t)
	}
	slices.Sort(s.keys)
	last := int32(-1)
	for i := 0; i < len(s.keys); {
		if row := int32(s.keys[i] >> 32); row != last {
			s.open(row)
			last = row
		}
		i = s.addTerm(i)
	}
	return SparseGradient{Param: s.param, Rows: s.rows, Values: s.values}
}

// addTerm adds the examples from a key on that are of the same row and term to
// the last row's sum. It returns the position after them.
func (s *sparseGradient) addTerm(i int) int {
	clear(s.partial)
	first := s.keys[i]
	for ; i < len(s.keys) && s.sameTerm(s.keys[i], first); i++ {
		kernel.Add(s.partial, s.partial, s.example(uint32(s.keys[i])))
	}
	sum := s.values[len(s.values)-s.dim:]
	kernel.Add(sum, sum, s.partial)
	return i
}

func (s *sparseGradient) sameTerm(a, b uint64) bool {
	return a>>32 == b>>32 && int(uint32(a))/s.batch == int(uint32(b))/s.batch
}

// list adds the keys of the examples of a term with a gradient other than 0.
func (s *sparseGradient) list(t int) {
	term := &s.terms[t]
	stride := term.ids.Columns()
	for i := range s.batch {
		position := t*s.batch + i
		if !allZero(s.example(uint32(position))) {
			row := term.ids.I32[(s.first+i)*stride+term.kernel.Column]
			s.keys = append(s.keys, uint64(row)<<32|uint64(position))
		}
	}
}

// example is the gradient of an example, numbered through all terms.
func (s *sparseGradient) example(position uint32) []float32 {
	term := &s.terms[int(position)/s.batch]
	return term.gradient.Row(s.first + int(position)%s.batch)[term.kernel.Offset:][:s.dim]
}

// open starts the sum of a row at 0.
func (s *sparseGradient) open(row int32) {
	s.rows = append(s.rows, row)
	s.values = s.values[:len(s.values)+s.dim]
	clear(s.values[len(s.values)-s.dim:])
}

func allZero(x []float32) bool {
	for _, v := range x {
		if v != 0 {
			return false
		}
	}
	return true
}
