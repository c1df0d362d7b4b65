package plan

import "slices"

// A compact vector is one of the dense parameters without what their supports leave out: of one parameter after the
// other the used rows, and of these the used columns.

// Compact is the length of a compact vector.
func (g *Gradients) Compact() int { return g.begins[len(g.supports)] }

// Dense is the length of a whole vector.
func (g *Gradients) Dense() int { return g.arrangement.Dense }

// Place copies a block's values, such as sums of what Reduce gave, to where they belong in a compact vector. All blocks
// together write all of it.
func Place[T any](g *Gradients, compact []T, block int, values []T) {
	for i := g.blocks[block].parts.From; i < g.blocks[block].parts.To; i++ {
		p := &g.parts[i]
		width, n := g.supports[p.param].columns.n(), p.columns.Len()
		to := compact[g.begins[p.param]:]
		if n == width {
			values = values[copy(to[p.rows.From*width:p.rows.To*width], values):]
			continue
		}
		for row := p.rows.From; row < p.rows.To; row++ {
			copy(to[row*width+p.columns.From:][:n], values)
			values = values[n:]
		}
	}
}

// Expand sets dst to the elements of the dense parameters from one on: to 0 where a compact vector has none, and to what
// values writes for a stretch of the compact vector, which begins at an element of it. The scratch is as long as dst.
func Expand[T any](g *Gradients, dst []T, from int, scratch []T, values func(dst []T, begin int)) {
	for i := range g.supports {
		p := &g.arrangement.Params[i]
		begin, end := max(from, p.Offset), min(from+len(dst), p.Offset+p.Size())
		if begin < end {
			e := expansion[T]{&g.supports[i], g.begins[i], scratch, values}
			e.expand(dst[begin-from:end-from], begin-p.Offset)
		}
	}
}

// expansion is of one parameter.
type expansion[T any] struct {
	*support
	begin   int // in the compact vector
	scratch []T
	values  func(dst []T, begin int)
}

// expand sets dst to the parameter's elements from one on.
func (e *expansion[T]) expand(dst []T, from int) {
	if !e.limited() {
		e.values(dst, e.begin+from)
		return
	}
	width := e.columns.size
	for len(dst) > 0 {
		row, column := from/width, from%width
		n := min(width-column, len(dst))
		e.expandRow(dst[:n], row, column)
		dst, from = dst[n:], from+n
	}
}

// expandRow sets dst to the elements of a row from a column on.
func (e *expansion[T]) expandRow(dst []T, row, column int) {
	row, used := e.rows.index(row)
	if !used {
		clear(dst)
		return
	}
	first, _ := e.columns.index(column)
	last, _ := e.columns.index(column + len(dst))
	at := e.begin + row*e.columns.n() + first
	if e.columns.some == nil {
		e.values(dst, at)
		return
	}
	values := e.scratch[:last-first]
	e.values(values, at)
	clear(dst)
	for i, x := range e.columns.some[first:last] {
		dst[int(x)-column] = values[i]
	}
}

// floats is how many the support has.
func (s *support) floats() int { return s.rows.n() * s.columns.n() }

// index is how many rows or columns of the support come before one, and whether that is in the support.
func (x *axis) index(of int) (i int, used bool) {
	if x.some == nil {
		return of, true
	}
	return slices.BinarySearch(x.some, int32(of))
}
