package ops

import (
	"fmt"

	"github.com/chewxy/hm"
	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// Embedding adds a look-up of dense vectors: row i of the result is the
// tables' rows tables[j][ids[i, columns[j]]] side by side. Its operands are
// ids [batch, categoricals] and for each column a table [size, dim]; its
// result is [batch, sum of dims].
func Embedding(ids *gorgonia.Node, columns []int, tables []*gorgonia.Node) (*gorgonia.Node, error) {
	operands := append(gorgonia.Nodes{ids}, tables...)
	return apply(&EmbeddingKernel{Columns: columns}, operands...)
}

// EmbeddingKernel computes [Embedding].
type EmbeddingKernel struct {
	Columns []int // of ids, one a table
}

func (k *EmbeddingKernel) String() string { return fmt.Sprintf("Embedding(columns=%v)", k.Columns) }

// Type: ids, tables.
func (k *EmbeddingKernel) Type() ([]hm.Type, hm.Type) {
	return repeat(matrix, len(k.Columns), idType), matrix
}

// Shape is [batch, sum of dims].
func (k *EmbeddingKernel) Shape(in []tensor.Shape) (tensor.Shape, error) {
	ids, tables := in[0], in[1:]
	if err := checkColumns(k.Columns, ids[1]); err != nil {
		return nil, err
	}
	width := 0
	for _, table := range tables {
		width += table[1]
	}
	return tensor.Shape{ids[0], width}, nil
}

// Compute implements Kernel.
func (k *EmbeddingKernel) Compute(out *Buffer, in []*Buffer, _ []float32) {
	ids, tables := in[0], in[1:]
	offset := 0
	for j, table := range tables {
		dim := table.Columns()
		copyLookedUp(out.F32[offset:], out.Stride(), table.F32, dim, ids.I32[k.Columns[j]:], ids.Columns(), out.Rows())
		offset += dim
	}
}

// copyLookedUp sets row i of dst [m, dim] to row ids[i*stride] of a table.
func copyLookedUp(dst []float32, ldd int, table []float32, dim int, ids []int32, stride, m int) {
	for i := range m {
		row := int(ids[i*stride])
		copy(dst[i*ldd:][:dim], table[row*dim:][:dim])
	}
}

// Whole is false for the ids alone.
func (k *EmbeddingKernel) Whole(operand int) bool { return operand != 0 }

// DiffWRT is false for the ids alone.
func (k *EmbeddingKernel) DiffWRT() []bool { return allBut(0, 1+len(k.Columns)) }

// SymDiff implements Differentiable.
func (k *EmbeddingKernel) SymDiff(in gorgonia.Nodes, _, grad *gorgonia.Node) (gorgonia.Nodes, error) {
	ids, tables := in[0], in[1:]
	var build builder
	grads := gorgonia.Nodes{nil}
	offset := 0
	for j, table := range tables {
		rows, dim := table.Shape()[0], table.Shape()[1]
		gradient := &TableGradientKernel{Column: k.Columns[j], Rows: rows, Dim: dim, Offset: offset}
		grads = append(grads, build.apply(gradient, grad, ids))
		offset += dim
	}
	return grads, build.err
}
