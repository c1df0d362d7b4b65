package plan

import (
	"slices"

	"github.com/penstock-ml/penstock/models"
	"github.com/penstock-ml/penstock/models/kernel"
	"github.com/penstock-ml/penstock/models/ops"
)

// The gradient of a large layer's weights has rows and columns of zeros: those of
// units that a rectifier leaves at zero for all examples, often half of them. The
// support is the others, to which the gradient's products and sums are limited.
type support struct{ rows, columns axis }

// whole is the supports of gradients of which nothing is known.
func whole(a *models.Arrangement) []support {
	var all []support
	for i := range a.Params {
		p := &a.Params[i]
		if p.Sparse {
			break // the dense ones come first
		}
		all = append(all, support{axis{size: p.Shape[0]}, axis{size: p.Size() / p.Shape[0]}})
	}
	return all
}

// find sets the support of a parameter's gradients in all plans. Numbers that are
// not finite make NaN even of zeros: then it is everything.
func (s *support) find(plans []*Groups, param int) {
	rows, columns := s.rows.look(plans, param, 0), s.columns.look(plans, param, 1)
	finite := max(rows, columns) < infinity
	s.rows.limit(finite)
	s.columns.limit(finite)
}

// limited tells whether it leaves anything out.
func (s *support) limited() bool { return s.rows.some != nil || s.columns.some != nil }

// An axis is the rows or the columns of a parameter, and those of them that a
// support has, in ascending order; nil: all.
type axis struct {
	size    int
	some    []int32
	largest []uint32 // magnitudes of what gives a row or column of the gradients
	found   []int32  // memory
}

const infinity = 0x7f800000 // as bits: the magnitudes of numbers that are finite are smaller

// look takes the magnitudes of all plans together and returns the largest.
func (x *axis) look(plans []*Groups, param, operand int) (largest uint32) {
	x.largest = slices.Grow(x.largest[:0], x.size)[:x.size]
	for i := range x.largest {
		most := uint32(0)
		for _, p := range plans {
			most = max(most, p.reductions[param].sparing.largest[operand][i])
		}
		x.largest[i] = most
		largest = max(largest, most)
	}
	return largest
}

// limit leaves out what has zeros alone, if that may be and pays.
func (x *axis) limit(may bool) {
	var pays bool
	x.some = nil
	if x.found, pays = kernel.UsedColumns(x.found, x.largest); may && pays {
		x.some = x.found
	}
}

// n is how many there are in the support.
func (x *axis) n() int {
	if x.some == nil {
		return x.size
	}
	return len(x.some)
}

// worthSupport is the fewest floats of a gradient whose support is worth knowing.
const worthSupport = 64 << 10

// A sparing is what a reduction has that may be limited to a support.
type sparing struct {
	largest [2][]uint32    // magnitudes in the operands' columns
	kept    [2]*ops.Buffer // their columns in the support
	in      []*ops.Buffer  // operands, or what is kept of them
}

// newSparing is nil unless the reduction is one large product. A column of zeros in
// an operand makes it a row or a column of zeros.
func newSparing(r *reduction) *sparing {
	_, product := r.kernel.(*ops.WeightGradientKernel)
	if !product || r.in[0].Columns()*r.in[1].Columns() < worthSupport {
		return nil
	}
	s := &sparing{in: make([]*ops.Buffer, len(r.in))}
	for i, operand := range r.in {
		s.largest[i] = make([]uint32, operand.Columns())
		s.kept[i] = ops.NewSpread(operand.Shape.Clone())
	}
	return s
}

// measure looks at the operands.
func (r *reduction) measure() {
	for i, in := range r.in {
		kernel.LargestMagnitudes(r.sparing.largest[i], in.F32, in.Stride(), in.Rows())
	}
}

// keep copies the operands' columns that are in the support.
func (r *reduction) keep(s *support) {
	for i, columns := range [2][]int32{s.rows.some, s.columns.some} {
		in, kept := r.in[i], r.sparing.kept[i]
		r.sparing.in[i] = in
		if columns == nil {
			continue
		}
		kept.Shape[1] = len(columns)
		kernel.GatherColumns(kept.F32, kept.Stride(), in.F32, in.Stride(), in.Rows(), in.Columns(), columns)
		r.sparing.in[i] = kept
	}
}
