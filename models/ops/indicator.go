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

// Indicator adds the product of one-hot columns with their weights: row i of
// the result is bias + the sum over j of tables[j][ids[i, columns[j]]]. Its
// operands are bias [units], ids [batch, categoricals] and for each column a
// table [size, units]; its result is [batch, units].
func Indicator(bias, ids *gorgonia.Node, columns []int, tables []*gorgonia.Node) (*gorgonia.Node, error) {
	operands := append(gorgonia.Nodes{bias, ids}, tables...)
	return apply(&IndicatorKernel{Columns: columns}, operands...)
}

// IndicatorKernel computes [Indicator].
type IndicatorKernel struct {
	Columns []int // of ids, one a table
}

func (k *IndicatorKernel) String() string { return fmt.Sprintf("Indicator(columns=%v)", k.Columns) }

// Type: bias, ids, tables.
func (k *IndicatorKernel) Type() ([]hm.Type, hm.Type) {
	return repeat(matrix, len(k.Columns), vector, idType), matrix
}

// Shape is [batch, units].
func (k *IndicatorKernel) Shape(in []tensor.Shape) (tensor.Shape, error) {
	bias, ids, tables := in[0], in[1], in[2:]
	if err := checkColumns(k.Columns, ids[1]); err != nil {
		return nil, err
	}
	for _, table := range tables {
		if table[1] != bias[0] {
			return nil, fmt.Errorf("a table has %d columns, the bias %d: they must be equal", table[1], bias[0])
		}
	}
	return tensor.Shape{ids[0], bias[0]}, nil
}

func checkColumns(columns []int, n int) error {
	if len(columns) == 0 {
		return errors.New("no columns are chosen")
	}
	for _, c := range columns {
		if c < 0 || c >= n {
			return fmt.Errorf("there is no column %d: there are %d", c, n)
		}
	}
	return nil
}

// Compute implements Kernel.
func (k *IndicatorKernel) Compute(out *Buffer, in []*Buffer, _ []float32) {
	bias, ids, tables := in[0], in[1], in[2:]
	table := func(j int) []float32 { return tables[j].F32 }
	kernel.GatherSum(out.F32, out.Stride(), bias.F32, table, out.Columns(), ids.I32, ids.Columns(), k.Columns, out.Rows())
}

// Whole is false for the ids alone.
func (k *IndicatorKernel) Whole(operand int) bool { return operand != 1 }

// DiffWRT is false for the ids alone.
func (k *IndicatorKernel) DiffWRT() []bool { return allBut(1, 2+len(k.Columns)) }

// allBut is true for n operands except the one that holds ids.
func allBut(ids, n int) []bool {
	all := slices.Repeat([]bool{true}, n)
	all[ids] = false
	return all
}

// SymDiff implements Differentiable.
func (k *IndicatorKernel) SymDiff(in gorgonia.Nodes, _, grad *gorgonia.Node) (gorgonia.Nodes, error) {
	ids, tables := in[1], in[2:]
	var build builder
	grads := gorgonia.Nodes{build.apply(&BiasGradientKernel{}, grad), nil}
	for j, table := range tables {
		rows, dim := table.Shape()[0], table.Shape()[1]
		grads = append(grads, build.apply(&TableGradientKernel{Column: k.Columns[j], Rows: rows, Dim: dim}, grad, ids))
	}
	return grads, build.err
}

// TableGradientKernel computes the gradient with respect to a table of which
// rows were looked up by a column of ids: row r of the result is the sum, i
// ascending, of gradient[i, Offset:Offset+Dim] over the i with ids[i, Column]
// = r. Its operands are the gradient [batch, width] of what was looked up and
// ids [batch, categoricals]; its result is [Rows, Dim].
type TableGradientKernel struct {
	Column    int // of ids
	Rows, Dim int // of the table
	Offset    int // of the looked-up row in the gradient's row
}

func (k *TableGradientKernel) String() string {
	return fmt.Sprintf("TableGradient(column=%d, shape=[%d, %d], offset=%d)", k.Column, k.Rows, k.Dim, k.Offset)
}

// Type: gradient, ids.
func (k *TableGradientKernel) Type() ([]hm.Type, hm.Type) { return []hm.Type{matrix, idType}, matrix }

// Shape is [Rows, Dim].
func (k *TableGradientKernel) Shape(in []tensor.Shape) (tensor.Shape, error) {
	grad, ids := in[0], in[1]
	if grad[0] != ids[0] || k.Offset+k.Dim > grad[1] {
		return nil, fmt.Errorf("gradient has shape %v, ids %v: they do not belong to this table", grad, ids)
	}
	return tensor.Shape{k.Rows, k.Dim}, nil
}

// Compute implements Kernel.
func (k *TableGradientKernel) Compute(out *Buffer, in []*Buffer, _ []float32) {
	k.Reduce(out.F32, in, Range{0, in[0].Rows()}, Range{0, k.Rows}, Range{0, k.Dim})
}

// Reduce implements Reducer.
func (k *TableGradientKernel) Reduce(out []float32, in []*Buffer, batch, rows, columns Range) {
	grad, ids := in[0], in[1]
	column, stride := ids.I32[batch.From*ids.Columns()+k.Column:], ids.Columns()
	values := grad.F32[batch.From*grad.Stride()+k.Offset+columns.From:]
	dim := columns.Len()
	if rows.Len() == k.Rows {
		segmentSum(out, dim, column, stride, values, grad.Stride(), batch.Len())
		return
	}
	clear(out)
	for i := range batch.Len() {
		if row := int(column[i*stride]) - rows.From; row >= 0 && row < rows.Len() {
			sum := out[row*dim:][:dim]
			kernel.Add(sum, sum, values[i*grad.Stride():])
		}
	}
}

// segmentSum is kernel.SegmentSum with a short way for tables of one column, which are most of a wide row's.
func segmentSum(table []float32, n int, ids []int32, stride int, src []float32, lds, m int) {
	if n > 1 {
		kernel.SegmentSum(table, n, ids, stride, src, lds, m)
		return
	}
	clear(table)
	for i := range m {
		table[ids[i*stride]] += src[i*lds]
	}
}
