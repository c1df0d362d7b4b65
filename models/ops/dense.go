package ops

import (
	"fmt"

	"github.com/chewxy/hm"
	"github.com/penstock-ml/penstock/models/kernel"
	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// Dense adds a fully connected layer, x*weights + start, rectified if relu.
// Its operands are x [batch, inputs], weights [inputs, units] and start, which
// is a bias [units] or a matrix [batch, units]; its result is [batch, units].
func Dense(x, weights, start *gorgonia.Node, relu bool) (*gorgonia.Node, error) {
	return apply(&DenseKernel{ReLU: relu}, x, weights, start)
}

// DenseKernel computes [Dense].
type DenseKernel struct{ ReLU bool }

func (k *DenseKernel) String() string { return fmt.Sprintf("Dense(relu=%t)", k.ReLU) }

// Type: x, weights, start, which may be a vector or a matrix.
func (k *DenseKernel) Type() ([]hm.Type, hm.Type) {
	return []hm.Type{matrix, matrix, hm.TypeVariable('a')}, matrix
}

// Shape is [batch, units].
func (k *DenseKernel) Shape(in []tensor.Shape) (tensor.Shape, error) {
	x, weights, start := in[0], in[1], in[2]
	if x[1] != weights[0] {
		return nil, fmt.Errorf("x has %d columns, weights %d rows: they must be equal", x[1], weights[0])
	}
	out := tensor.Shape{x[0], weights[1]}
	if !start.Eq(out) && !start.Eq(out[1:]) {
		return nil, fmt.Errorf("start has shape %v: it must be %v or %v", start, out[1:], out)
	}
	return out, nil
}

// Overwrites the start, where that is a matrix.
func (k *DenseKernel) Overwrites() int { return 2 }

// Compute implements Kernel.
func (k *DenseKernel) Compute(out *Buffer, in []*Buffer, _ []float32) {
	x, weights, start := in[0], in[1], in[2]
	m, n, inner := out.Rows(), out.Columns(), x.Columns()
	if len(start.Shape) == 1 {
		kernel.MulNN(out.F32, out.Stride(), x.F32, x.Stride(), weights.F32, weights.Stride(), m, n, inner, start.F32, k.ReLU)
		return
	}
	if &out.F32[0] != &start.F32[0] {
		copyRows(out, start)
	}
	kernel.MulNNAdd(out.F32, out.Stride(), x.F32, x.Stride(), weights.F32, weights.Stride(), m, n, inner)
	if k.ReLU {
		rectify(out, out)
	}
}

// Whole is true for the weights.
func (k *DenseKernel) Whole(operand int) bool { return operand == 1 }

// DiffWRT is true for all operands.
func (k *DenseKernel) DiffWRT() []bool { return []bool{true, true, true} }

// SymDiff implements Differentiable.
func (k *DenseKernel) SymDiff(in gorgonia.Nodes, out, grad *gorgonia.Node) (gorgonia.Nodes, error) {
	x, weights, start := in[0], in[1], in[2]
	var build builder
	if k.ReLU {
		grad = build.apply(&ReLUGradientKernel{}, grad, out)
	}
	dx := build.apply(&InputGradientKernel{}, grad, weights)
	dw := build.apply(&WeightGradientKernel{}, x, grad)
	ds := grad
	if start.IsVector() {
		ds = build.apply(&BiasGradientKernel{}, grad)
	}
	return gorgonia.Nodes{dx, dw, ds}, build.err
}

// A builder applies kernels until the first error.
type builder struct{ err error }

func (b *builder) apply(k Kernel, in ...*gorgonia.Node) *gorgonia.Node {
	if b.err != nil {
		return nil
	}
	var node *gorgonia.Node
	node, b.err = apply(k, in...)
	return node
}

// InputGradientKernel computes the gradient of [Dense] with respect to x. Its
// operands are that of the product, [batch, units], the weights
// [inputs, units] and, if Masked, a matrix [batch, inputs] that makes the
// result 0 where it is not positive; its result is [batch, inputs], or those of
// its columns that Inputs has.
type InputGradientKernel struct {
	// Masked is the gradient through a rectifier whose output the mask is.
	Masked bool
	// Inputs are those whose gradient is wanted; all if there are none.
	Inputs Range
}

func (k *InputGradientKernel) String() string {
	return fmt.Sprintf("InputGradient(masked=%t, inputs=%v)", k.Masked, k.Inputs)
}

// Type: gradient, weights and possibly the mask.
func (k *InputGradientKernel) Type() ([]hm.Type, hm.Type) {
	if k.Masked {
		return []hm.Type{matrix, matrix, matrix}, matrix
	}
	return []hm.Type{matrix, matrix}, matrix
}

// Shape is [batch, inputs].
func (k *InputGradientKernel) Shape(in []tensor.Shape) (tensor.Shape, error) {
	grad, weights := in[0], in[1]
	if grad[1] != weights[1] {
		return nil, fmt.Errorf("gradient has %d columns, weights %d: they must be equal", grad[1], weights[1])
	}
	out := tensor.Shape{grad[0], weights[0]}
	if k.Masked && !in[2].Eq(out) {
		return nil, fmt.Errorf("mask has shape %v: it must be %v", in[2], out)
	}
	if n := k.Inputs.Len(); n > 0 {
		out[1] = n
	}
	return out, nil
}

// Scratch is for the transposed weights.
func (k *InputGradientKernel) Scratch(in []tensor.Shape) int {
	return kernel.TransposeScratch(in[1][0], in[1][1])
}

// Compute implements Kernel.
func (k *InputGradientKernel) Compute(out *Buffer, in []*Buffer, scratch []float32) {
	grad, weights := in[0], in[1]
	var mask []float32
	ldm := 0
	if k.Masked {
		mask, ldm = in[2].F32[k.Inputs.From:], in[2].Stride()
	}
	m, n, inner := out.Rows(), out.Columns(), grad.Columns()
	rows := weights.F32[k.Inputs.From*weights.Stride():]
	kernel.MulNT(out.F32, out.Stride(), grad.F32, grad.Stride(), rows, weights.Stride(), m, n, inner, mask, ldm, scratch)
}

// Whole is true for the weights.
func (k *InputGradientKernel) Whole(operand int) bool { return operand == 1 }

// WeightGradientKernel computes the gradient of [Dense] with respect to the
// weights: x [batch, inputs], transposed, times the gradient [batch, units].
type WeightGradientKernel struct{}

func (k *WeightGradientKernel) String() string { return "WeightGradient" }

// Type: x, gradient.
func (k *WeightGradientKernel) Type() ([]hm.Type, hm.Type) { return []hm.Type{matrix, matrix}, matrix }

// Shape is [inputs, units].
func (k *WeightGradientKernel) Shape(in []tensor.Shape) (tensor.Shape, error) {
	x, grad := in[0], in[1]
	if x[0] != grad[0] {
		return nil, fmt.Errorf("x has %d rows, gradient %d: they must be equal", x[0], grad[0])
	}
	return tensor.Shape{x[1], grad[1]}, nil
}

// Compute implements Kernel.
func (k *WeightGradientKernel) Compute(out *Buffer, in []*Buffer, _ []float32) {
	k.Reduce(out.F32, in, Range{0, in[0].Rows()}, Range{0, out.Rows()}, Range{0, out.Columns()})
}

// Reduce implements Reducer.
func (k *WeightGradientKernel) Reduce(out []float32, in []*Buffer, batch, rows, columns Range) {
	x, grad := in[0], in[1]
	n := columns.Len()
	kernel.MulTN(out, n, x.F32[batch.From*x.Stride()+rows.From:], x.Stride(), grad.F32[batch.From*grad.Stride()+columns.From:], grad.Stride(), rows.Len(), n, batch.Len())
}

// BiasGradientKernel sums the rows of [batch, units] to [units].
type BiasGradientKernel struct{}

func (k *BiasGradientKernel) String() string { return "BiasGradient" }

// Type: gradient.
func (k *BiasGradientKernel) Type() ([]hm.Type, hm.Type) { return []hm.Type{matrix}, vector }

// Shape is [units].
func (k *BiasGradientKernel) Shape(in []tensor.Shape) (tensor.Shape, error) {
	return tensor.Shape{in[0][1]}, nil
}

// Compute implements Kernel.
func (k *BiasGradientKernel) Compute(out *Buffer, in []*Buffer, _ []float32) {
	k.Reduce(out.F32, in, Range{0, in[0].Rows()}, Range{0, out.Rows()}, Range{0, 1})
}

// Reduce implements Reducer.
func (k *BiasGradientKernel) Reduce(out []float32, in []*Buffer, batch, rows, _ Range) {
	grad := in[0]
	kernel.SumColumns(out, grad.F32[batch.From*grad.Stride()+rows.From:], grad.Stride(), batch.Len(), rows.Len())
}
