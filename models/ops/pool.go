package ops

import (
	"fmt"

	"github.com/chewxy/hm"
	"github.com/penstock-ml/penstock/models/kernel"
	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// Pool adds up so many parts of equal width that stand side by side in x
// [batch, parts * width]; its result is [batch, width].
func Pool(x *gorgonia.Node, parts int) (*gorgonia.Node, error) {
	return apply(&PoolKernel{Parts: parts}, x)
}

// PoolKernel computes [Pool].
type PoolKernel struct {
	rowWise
	Parts int
}

func (k *PoolKernel) String() string { return fmt.Sprintf("Pool(parts=%d)", k.Parts) }

// Type: x.
func (k *PoolKernel) Type() ([]hm.Type, hm.Type) { return []hm.Type{matrix}, matrix }

// Shape is [batch, width].
func (k *PoolKernel) Shape(in []tensor.Shape) (tensor.Shape, error) {
	if k.Parts < 1 || in[0][1]%k.Parts != 0 {
		return nil, fmt.Errorf("x has %d columns, which are no %d parts of equal width", in[0][1], k.Parts)
	}
	return tensor.Shape{in[0][0], in[0][1] / k.Parts}, nil
}

// Compute implements Kernel.
func (k *PoolKernel) Compute(out *Buffer, in []*Buffer, _ []float32) {
	width := out.Columns()
	for i := range out.Rows() {
		sum, parts := out.Row(i), in[0].Row(i)
		copy(sum, parts)
		for at := width; at < len(parts); at += width {
			kernel.Add(sum, sum, parts[at:at+width])
		}
	}
}

// DiffWRT is true.
func (k *PoolKernel) DiffWRT() []bool { return []bool{true} }

// SymDiff implements Differentiable.
func (k *PoolKernel) SymDiff(_ gorgonia.Nodes, _, grad *gorgonia.Node) (gorgonia.Nodes, error) {
	dx, err := apply(&RepeatKernel{Parts: k.Parts}, grad)
	return gorgonia.Nodes{dx}, err
}

// RepeatKernel computes the gradient of [Pool]: it puts a matrix side by side with
// itself.
type RepeatKernel struct {
	rowWise
	Parts int
}

func (k *RepeatKernel) String() string { return fmt.Sprintf("Repeat(parts=%d)", k.Parts) }

// Type: gradient.
func (k *RepeatKernel) Type() ([]hm.Type, hm.Type) { return []hm.Type{matrix}, matrix }

// Shape is [batch, parts * width].
func (k *RepeatKernel) Shape(in []tensor.Shape) (tensor.Shape, error) {
	return tensor.Shape{in[0][0], k.Parts * in[0][1]}, nil
}

// Compute implements Kernel.
func (k *RepeatKernel) Compute(out *Buffer, in []*Buffer, _ []float32) {
	for i := range out.Rows() {
		row, once := out.Row(i), in[0].Row(i)
		for at := 0; at < len(row); at += len(once) {
			copy(row[at:], once)
		}
	}
}
