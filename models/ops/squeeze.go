package ops

import (
	"fmt"

	"github.com/chewxy/hm"
	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// Squeeze makes a matrix of one column, [batch, 1], a vector [batch].
func Squeeze(x *gorgonia.Node) (*gorgonia.Node, error) { return apply(&SqueezeKernel{}, x) }

// SqueezeKernel computes [Squeeze].
type SqueezeKernel struct{ rowWise }

func (k *SqueezeKernel) String() string { return "Squeeze" }

// Type: x.
func (k *SqueezeKernel) Type() ([]hm.Type, hm.Type) { return []hm.Type{matrix}, vector }

// Shape is [batch].
func (k *SqueezeKernel) Shape(in []tensor.Shape) (tensor.Shape, error) {
	if in[0][1] != 1 {
		return nil, fmt.Errorf("x has %d columns: it must have 1", in[0][1])
	}
	return tensor.Shape{in[0][0]}, nil
}

// Overwrites x.
func (k *SqueezeKernel) Overwrites() int { return 0 }

// Compute implements Kernel.
func (k *SqueezeKernel) Compute(out *Buffer, in []*Buffer, _ []float32) { copy(out.F32, in[0].F32) }

// DiffWRT is true.
func (k *SqueezeKernel) DiffWRT() []bool { return []bool{true} }

// SymDiff implements Differentiable.
func (k *SqueezeKernel) SymDiff(_ gorgonia.Nodes, _, grad *gorgonia.Node) (gorgonia.Nodes, error) {
	dx, err := apply(&UnsqueezeKernel{}, grad)
	return gorgonia.Nodes{dx}, err
}

// UnsqueezeKernel computes the gradient of [Squeeze]: it makes a vector
// [batch] a matrix [batch, 1].
type UnsqueezeKernel struct{ rowWise }

func (k *UnsqueezeKernel) String() string { return "Unsqueeze" }

// Type: gradient.
func (k *UnsqueezeKernel) Type() ([]hm.Type, hm.Type) { return []hm.Type{vector}, matrix }

// Shape is [batch, 1].
func (k *UnsqueezeKernel) Shape(in []tensor.Shape) (tensor.Shape, error) {
	return tensor.Shape{in[0][0], 1}, nil
}

// Overwrites the gradient.
func (k *UnsqueezeKernel) Overwrites() int { return 0 }

// Compute implements Kernel.
func (k *UnsqueezeKernel) Compute(out *Buffer, in []*Buffer, _ []float32) { copy(out.F32, in[0].F32) }
