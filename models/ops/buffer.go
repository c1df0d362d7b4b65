package ops

import (
	"fmt"

	"github.com/penstock-ml/penstock/models/kernel"
	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// A Buffer is the memory of one value, row-major. Exactly one of F32 and I32 is
// used.
type Buffer struct {
	Shape tensor.Shape // () for a scalar, which has one float
	F32   []float32
	I32   []int32

	stride int // between rows; 0: there are no gaps
}

// NewBuffer allocates floats for a shape.
func NewBuffer(shape tensor.Shape) *Buffer {
	return &Buffer{Shape: shape, F32: make([]float32, shape.TotalSize())}
}

// aliasing is a distance, in floats, at whose multiples the first cache keeps
// lines in few places: a column of such a matrix would not fit into it.
const aliasing = 256

// line is a cache line in floats: vectors that straddle two are read at half the speed.
const line = 16

// NewSpread allocates floats for a shape, with gaps between the rows of a matrix
// where they help the caches. Only kernels can read it.
func NewSpread(shape tensor.Shape) *Buffer {
	if len(shape) != 2 || shape[1] < 2*line {
		return NewBuffer(shape)
	}
	stride := (shape[1] + line - 1) &^ (line - 1)
	if stride%aliasing == 0 {
		stride += line
	}
	return &Buffer{Shape: shape, F32: make([]float32, shape[0]*stride), stride: stride}
}

// Over returns a buffer of a shape, and of as many elements, in the memory of b.
func (b *Buffer) Over(shape tensor.Shape) *Buffer {
	return &Buffer{Shape: shape, F32: b.F32, stride: b.stride}
}

// Rows is the first dimension.
func (b *Buffer) Rows() int { return b.Shape[0] }

// Columns is the number of elements in a row; 1 for a vector.
func (b *Buffer) Columns() int {
	if len(b.Shape) == 1 {
		return 1
	}
	return b.Shape[1]
}

// Stride is the distance between rows in elements.
func (b *Buffer) Stride() int {
	if b.stride > 0 {
		return b.stride
	}
	return b.Columns()
}

// Row is the floats of row i.
func (b *Buffer) Row(i int) []float32 { return b.F32[i*b.Stride():][:b.Columns()] }

// Value returns a Gorgonia value over the buffer's own memory; a scalar is
// copied. There are no gaps between the buffer's rows.
func (b *Buffer) Value() gorgonia.Value {
	if b.I32 != nil {
		return tensor.New(tensor.WithShape(b.Shape...), tensor.WithBacking(b.I32))
	}
	if b.Shape.IsScalar() {
		return gorgonia.NewF32(b.F32[0])
	}
	return tensor.New(tensor.WithShape(b.Shape...), tensor.WithBacking(b.F32))
}

// FromValue returns the memory of a float32 or int32 value. It is shared where
// the value's elements lie row-major without gaps, and a copy otherwise.
func FromValue(v gorgonia.Value) (*Buffer, error) {
	if dense, ok := v.(*tensor.Dense); ok && dense.RequiresIterator() {
		v = dense.Materialize().(*tensor.Dense)
	}
	b := &Buffer{Shape: v.Shape()}
	switch data := v.Data().(type) {
	case []float32:
		b.F32 = data
	case float32:
		b.F32 = []float32{data}
	case []int32:
		b.I32 = data
	default:
		return nil, fmt.Errorf("operand of type %T: it must be float32 or int32", data)
	}
	return b, nil
}

// copyRows copies a matrix to one of the same shape.
func copyRows(dst, src *Buffer) {
	kernel.CopyRows(dst.F32, dst.Stride(), src.F32, src.Stride(), dst.Rows(), dst.Columns())
}
