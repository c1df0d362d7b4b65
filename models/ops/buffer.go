package ops

import (
	"fmt"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// A Buffer is the memory of one value, row-major without gaps. Exactly one of
// F32 and I32 is used.
type Buffer struct {
	Shape tensor.Shape // () for a scalar, which has one float
	F32   []float32
	I32   []int32
}

// NewBuffer allocates floats for a shape.
func NewBuffer(shape tensor.Shape) *Buffer {
	return &Buffer{Shape: shape, F32: make([]float32, shape.TotalSize())}
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

// Value returns a Gorgonia value over the buffer's own memory; a scalar is
// copied.
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
