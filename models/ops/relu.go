package ops

import (
	"fmt"

	"github.com/chewxy/hm"
	"github.com/penstock-ml/penstock/models/kernel"
	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// ReLU adds the rectifier max(x, 0) of a matrix. [Dense] has its own.
func ReLU(x *gorgonia.Node) (*gorgonia.Node, error) { return apply(&ReLUKernel{}, x) }

// ReLUKernel computes [ReLU].
type ReLUKernel struct{ rowWise }

func (k *ReLUKernel) String() string { return "ReLU" }

// Type: x.
func (k *ReLUKernel) Type() ([]hm.Type, hm.Type) { return []hm.Type{matrix}, matrix }

// Shape is that of x.
func (k *ReLUKernel) Shape(in []tensor.Shape) (tensor.Shape, error) { return in[0].Clone(), nil }

// Overwrites x.
func (k *ReLUKernel) Overwrites() int { return 0 }

// Compute implements Kernel.
func (k *ReLUKernel) Compute(out *Buffer, in []*Buffer, _ []float32) {
	rectify(out, in[0])
}

func rectify(out, x *Buffer) {
	if out.Stride() == x.Stride() { // what is in gaps does not matter
		kernel.ReLU(out.F32, x.F32)
		return
	}
	for i := range out.Rows() {
		kernel.ReLU(out.Row(i), x.Row(i))
	}
}

// DiffWRT is true.
func (k *ReLUKernel) DiffWRT() []bool { return []bool{true} }

// SymDiff implements Differentiable.
func (k *ReLUKernel) SymDiff(_ gorgonia.Nodes, out, grad *gorgonia.Node) (gorgonia.Nodes, error) {
	dx, err := apply(&ReLUGradientKernel{}, grad, out)
	return gorgonia.Nodes{dx}, err
}

// ReLUGradientKernel computes the gradient through a rectifier from that of
// its output and the output itself, both [batch, units]: the gradient where
// the output is positive, else 0.
type ReLUGradientKernel struct{ rowWise }

func (k *ReLUGradientKernel) String() string { return "ReLUGradient" }

// Type: gradient, output.
func (k *ReLUGradientKernel) Type() ([]hm.Type, hm.Type) { return []hm.Type{matrix, matrix}, matrix }

// Shape is that of the output.
func (k *ReLUGradientKernel) Shape(in []tensor.Shape) (tensor.Shape, error) {
	if !in[0].Eq(in[1]) {
		return nil, fmt.Errorf("gradient has shape %v, output %v: they must be equal", in[0], in[1])
	}
	return in[0].Clone(), nil
}

// Overwrites the gradient of the output.
func (k *ReLUGradientKernel) Overwrites() int { return 0 }

// Compute implements Kernel.
func (k *ReLUGradientKernel) Compute(out *Buffer, in []*Buffer, _ []float32) {
	grad, output := in[0], in[1]
	if out.Stride() == grad.Stride() && out.Stride() == output.Stride() {
		kernel.ReLUMask(out.F32, grad.F32, output.F32)
		return
	}
	for i := range out.Rows() {
		kernel.ReLUMask(out.Row(i), grad.Row(i), output.Row(i))
	}
}
