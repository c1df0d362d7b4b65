package ops

import (
	"fmt"

	"github.com/chewxy/hm"
	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// OneHot adds the dense one-hot encoding of columns of ids: 1 at each column's
// id, else 0. Its operand is ids [batch, categoricals]; its result, float32
// [batch, sum of sizes], has sizes[j] places for columns[j]. It is for networks
// in plain operations with few ids; [Indicator] and [Embedding] do without it.
func OneHot(ids *gorgonia.Node, columns, sizes []int) (*gorgonia.Node, error) {
	return apply(&OneHotKernel{Columns: columns, Sizes: sizes}, ids)
}

// OneHotKernel computes [OneHot].
type OneHotKernel struct {
	rowWise
	Columns []int // of ids
	Sizes   []int // ids of Columns[j] are in [0, Sizes[j])
}

func (k *OneHotKernel) String() string {
	return fmt.Sprintf("OneHot(columns=%v, sizes=%v)", k.Columns, k.Sizes)
}

// Type: ids.
func (k *OneHotKernel) Type() ([]hm.Type, hm.Type) { return []hm.Type{idType}, matrix }

// Shape is [batch, sum of sizes].
func (k *OneHotKernel) Shape(in []tensor.Shape) (tensor.Shape, error) {
	ids := in[0]
	if err := checkColumns(k.Columns, ids[1]); err != nil {
		return nil, err
	}
	if len(k.Columns) != len(k.Sizes) {
		return nil, fmt.Errorf("%d columns have %d sizes", len(k.Columns), len(k.Sizes))
	}
	return tensor.Shape{ids[0], sum(k.Sizes)}, nil
}

func sum(sizes []int) (total int) {
	for _, size := range sizes {
		total += size
	}
	return total
}

// Compute implements Kernel.
func (k *OneHotKernel) Compute(out *Buffer, in []*Buffer, _ []float32) {
	ids := in[0]
	clear(out.F32)
	offset := 0
	for j, column := range k.Columns {
		for i := range out.Rows() {
			id := int(ids.I32[i*ids.Columns()+column])
			out.Row(i)[offset+id] = 1
		}
		offset += k.Sizes[j]
	}
}

// DiffWRT is false: ids have no gradient.
func (k *OneHotKernel) DiffWRT() []bool { return []bool{false} }

// SymDiff implements Differentiable, for networks of which the gradient with
// respect to the result is asked for.
func (k *OneHotKernel) SymDiff(gorgonia.Nodes, *gorgonia.Node, *gorgonia.Node) (gorgonia.Nodes, error) {
	return gorgonia.Nodes{nil}, nil
}
