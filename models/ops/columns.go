package ops

import (
	"errors"
	"fmt"
	"slices"

	"github.com/chewxy/hm"
	"github.com/penstock-ml/penstock/models/kernel"
	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// Columns adds a choice of columns of x [batch, width], each at most once; its
// result is [batch, number of columns], in the order given.
func Columns(x *gorgonia.Node, columns []int) (*gorgonia.Node, error) {
	return apply(&ColumnsKernel{Columns: columns}, x)
}

// ColumnsKernel computes [Columns].
type ColumnsKernel struct {
	rowWise
	Columns []int
}

func (k *ColumnsKernel) String() string { return fmt.Sprintf("Columns(%v)", k.Columns) }

// Type: x.
func (k *ColumnsKernel) Type() ([]hm.Type, hm.Type) { return []hm.Type{matrix}, matrix }

// Shape is [batch, number of columns].
func (k *ColumnsKernel) Shape(in []tensor.Shape) (tensor.Shape, error) {
	if err := checkColumns(k.Columns, in[0][1]); err != nil {
		return nil, err
	}
	seen := map[int]bool{}
	for _, c := range k.Columns {
		if seen[c] {
			return nil, fmt.Errorf("column %d is chosen twice", c)
		}
		seen[c] = true
	}
	return tensor.Shape{in[0][0], len(k.Columns)}, nil
}

// Range is the columns, if they lie side by side.
func (k *ColumnsKernel) Range() (r Range, ok bool) {
	first := k.Columns[0]
	for i, column := range k.Columns {
		if column != first+i {
			return Range{}, false
		}
	}
	return Range{first, first + len(k.Columns)}, true
}

// Compute implements Kernel.
func (k *ColumnsKernel) Compute(out *Buffer, in []*Buffer, _ []float32) {
	if r, ok := k.Range(); ok {
		kernel.CopyRows(out.F32, out.Stride(), in[0].F32[r.From:], in[0].Stride(), out.Rows(), r.Len())
		return
	}
	for i := range out.Rows() {
		row, chosen := in[0].Row(i), out.Row(i)
		for j, c := range k.Columns {
			chosen[j] = row[c]
		}
	}
}

// DiffWRT is true.
func (k *ColumnsKernel) DiffWRT() []bool { return []bool{true} }

// SymDiff implements Differentiable.
func (k *ColumnsKernel) SymDiff(in gorgonia.Nodes, _, grad *gorgonia.Node) (gorgonia.Nodes, error) {
	dx, err := apply(&SpreadColumnsKernel{Columns: k.Columns, Width: in[0].Shape()[1]}, grad)
	return gorgonia.Nodes{dx}, err
}

// SpreadColumnsKernel computes the gradient of [Columns]: it puts the columns
// back into a matrix [batch, Width] of zeros.
type SpreadColumnsKernel struct {
	rowWise
	Columns []int
	Width   int
}

func (k *SpreadColumnsKernel) String() string {
	return fmt.Sprintf("SpreadColumns(%v, width=%d)", k.Columns, k.Width)
}

// Type: gradient.
func (k *SpreadColumnsKernel) Type() ([]hm.Type, hm.Type) { return []hm.Type{matrix}, matrix }

// Shape is [batch, Width].
func (k *SpreadColumnsKernel) Shape(in []tensor.Shape) (tensor.Shape, error) {
	return tensor.Shape{in[0][0], k.Width}, nil
}

// Compute implements Kernel.
func (k *SpreadColumnsKernel) Compute(out *Buffer, in []*Buffer, _ []float32) {
	clear(out.F32)
	for i := range out.Rows() {
		row, chosen := out.Row(i), in[0].Row(i)
		for j, c := range k.Columns {
			row[c] = chosen[j]
		}
	}
}

// Concat puts matrices of as many rows side by side.
func Concat(parts ...*gorgonia.Node) (*gorgonia.Node, error) {
	if len(parts) == 0 {
		return nil, errors.New("ops.Concat: there is nothing to put side by side")
	}
	return apply(&ConcatKernel{Parts: len(parts)}, parts...)
}

// ConcatKernel computes [Concat].
type ConcatKernel struct {
	rowWise
	Parts int
}

func (k *ConcatKernel) String() string { return fmt.Sprintf("Concat(parts=%d)", k.Parts) }

// Type: the parts.
func (k *ConcatKernel) Type() ([]hm.Type, hm.Type) { return repeat(matrix, k.Parts), matrix }

// Shape is [batch, sum of columns].
func (k *ConcatKernel) Shape(in []tensor.Shape) (tensor.Shape, error) {
	out := tensor.Shape{in[0][0], 0}
	for _, part := range in {
		if part[0] != out[0] {
			return nil, fmt.Errorf("a part has %d rows, another %d: they must be equal", out[0], part[0])
		}
		out[1] += part[1]
	}
	return out, nil
}

// Compute implements Kernel.
func (k *ConcatKernel) Compute(out *Buffer, in []*Buffer, _ []float32) {
	offset := 0
	for _, part := range in {
		kernel.CopyRows(out.F32[offset:], out.Stride(), part.F32, part.Stride(), out.Rows(), part.Columns())
		offset += part.Columns()
	}
}

// DiffWRT is true for all operands.
func (k *ConcatKernel) DiffWRT() []bool { return slices.Repeat([]bool{true}, k.Parts) }

// SymDiff implements Differentiable.
func (k *ConcatKernel) SymDiff(in gorgonia.Nodes, _, grad *gorgonia.Node) (gorgonia.Nodes, error) {
	var build builder
	var grads gorgonia.Nodes
	offset := 0
	for _, part := range in {
		columns := make([]int, part.Shape()[1])
		for j := range columns {
			columns[j] = offset + j
		}
		grads = append(grads, build.apply(&ColumnsKernel{Columns: columns}, grad))
		offset += len(columns)
	}
	return grads, build.err
}
