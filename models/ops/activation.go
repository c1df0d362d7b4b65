package ops

import (
	"fmt"

	"github.com/chewxy/hm"
	"github.com/penstock-ml/penstock/models/kernel"
	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// Names of activations besides the rectifier, which has operations of its own.
const (
	Tanh    = "tanh"
	Sigmoid = "sigmoid"
	SiLU    = "silu" // x * sigmoid(x) (arXiv 1702.03118)
)

// activations compute a function of a row and, given the gradient with respect to
// its result, that with respect to x; scratch is as long.
var activations = map[string]struct {
	compute  func(dst, x []float32)
	gradient func(dst, grad, x, scratch []float32)
}{
	Tanh:    {kernel.Tanh, tanhGradient},
	Sigmoid: {kernel.Sigmoid, sigmoidGradient},
	SiLU:    {silu, siluGradient},
}

// The conversions below keep compilers from fusing products and sums.

func tanhGradient(dst, grad, x, y []float32) {
	kernel.Tanh(y, x)
	for i, g := range grad {
		dst[i] = g * (1 - float32(y[i]*y[i]))
	}
}

func sigmoidGradient(dst, grad, x, y []float32) {
	kernel.Sigmoid(y, x)
	for i, g := range grad {
		dst[i] = g * float32(y[i]*(1-y[i]))
	}
}

func silu(dst, x []float32) {
	kernel.Sigmoid(dst, x)
	kernel.Mul(dst, dst, x)
}

func siluGradient(dst, grad, x, s []float32) {
	kernel.Sigmoid(s, x)
	for i, g := range grad {
		dst[i] = g * (s[i] + float32(float32(x[i]*s[i])*(1-s[i])))
	}
}

// Activation adds a function of each element of a matrix.
func Activation(name string, x *gorgonia.Node) (*gorgonia.Node, error) {
	return apply(&ActivationKernel{Name: name}, x)
}

// ActivationKernel computes [Activation].
type ActivationKernel struct {
	rowWise
	Name string
}

func (k *ActivationKernel) String() string { return fmt.Sprintf("Activation(%s)", k.Name) }

// Type: x.
func (k *ActivationKernel) Type() ([]hm.Type, hm.Type) { return []hm.Type{matrix}, matrix }

// Shape is that of x.
func (k *ActivationKernel) Shape(in []tensor.Shape) (tensor.Shape, error) {
	if _, known := activations[k.Name]; !known {
		return nil, fmt.Errorf("there is no activation %q", k.Name)
	}
	return in[0].Clone(), nil
}

// Compute implements Kernel.
func (k *ActivationKernel) Compute(out *Buffer, in []*Buffer, _ []float32) {
	compute := activations[k.Name].compute
	for i := range out.Rows() {
		compute(out.Row(i), in[0].Row(i))
	}
}

// DiffWRT is true.
func (k *ActivationKernel) DiffWRT() []bool { return []bool{true} }

// SymDiff implements Differentiable.
func (k *ActivationKernel) SymDiff(in gorgonia.Nodes, _, grad *gorgonia.Node) (gorgonia.Nodes, error) {
	dx, err := apply(&ActivationGradientKernel{Name: k.Name}, grad, in[0])
	return gorgonia.Nodes{dx}, err
}

// ActivationGradientKernel computes the gradient of [Activation] with respect to x
// from that of its result and x itself, both [batch, units].
type ActivationGradientKernel struct {
	rowWise
	Name string
}

func (k *ActivationGradientKernel) String() string {
	return fmt.Sprintf("ActivationGradient(%s)", k.Name)
}

// Type: gradient, x.
func (k *ActivationGradientKernel) Type() ([]hm.Type, hm.Type) {
	return []hm.Type{matrix, matrix}, matrix
}

// Shape is that of x.
func (k *ActivationGradientKernel) Shape(in []tensor.Shape) (tensor.Shape, error) {
	if !in[0].Eq(in[1]) {
		return nil, fmt.Errorf("gradient has shape %v, x %v: they must be equal", in[0], in[1])
	}
	return in[1].Clone(), nil
}

// Overwrites the gradient of the result.
func (k *ActivationGradientKernel) Overwrites() int { return 0 }

// Compute implements Kernel.
func (k *ActivationGradientKernel) Compute(out *Buffer, in []*Buffer, scratch []float32) {
	gradient := activations[k.Name].gradient
	for i := range out.Rows() {
		gradient(out.Row(i), in[0].Row(i), in[1].Row(i), scratch)
	}
}

// Scratch is for a row.
func (k *ActivationGradientKernel) Scratch(in []tensor.Shape) int { return in[1][1] }
