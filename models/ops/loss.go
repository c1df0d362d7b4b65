package ops

import (
	"fmt"

	"github.com/chewxy/hm"
	"github.com/penstock-ml/penstock/models/kernel"
	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// Names of losses.
const (
	// LogLoss is the cross-entropy in nats: of the log-odds of one of two
	// classes, log(1 + exp(z)) - label*z, and of logits of several,
	// log(sum(exp(z))) - z[label].
	LogLoss = "log_loss"
	// SquaredError is (output - label)^2 / 2.
	SquaredError = "squared_error"
	// Huber is the same where |output - label| <= 1, and |output - label| - 1/2 elsewhere.
	Huber = "huber"
)

// Loss adds the sum over the batch of weight * loss, a scalar. Its operands are a
// network's outputs, [batch] or for the log loss of several classes
// [batch, classes], labels and weights, each [batch]. Labels are numbers, or the
// indices of classes. There is no gradient with respect to labels and weights.
func Loss(name string, outputs, labels, weights *gorgonia.Node) (*gorgonia.Node, error) {
	return apply(&LossKernel{name}, outputs, labels, weights)
}

// LossKernel computes [Loss].
type LossKernel struct{ Name string }

func (k *LossKernel) String() string { return fmt.Sprintf("Loss(%s)", k.Name) }

// Type: outputs, which may be a vector or a matrix, labels, weights.
func (k *LossKernel) Type() ([]hm.Type, hm.Type) {
	return []hm.Type{hm.TypeVariable('a'), vector, vector}, scalar
}

// Shape is ().
func (k *LossKernel) Shape(in []tensor.Shape) (tensor.Shape, error) {
	return tensor.ScalarShape(), checkLoss(k.Name, in)
}

func checkLoss(name string, in []tensor.Shape) error {
	outputs, labels, weights := in[0], in[1], in[2]
	if outputs.Dims() == 0 || outputs[0] != labels[0] || !labels.Eq(weights) {
		return fmt.Errorf("outputs, labels and weights have shapes %v: they must have the same rows", in[:3])
	}
	if _, known := vectorLosses[name]; !known || name != LogLoss && len(outputs) > 1 {
		return fmt.Errorf("there is no loss %s of outputs of shape %v", name, outputs)
	}
	return nil
}

// Scratch is for the losses and the gradients of the outputs.
func (k *LossKernel) Scratch(in []tensor.Shape) int { return in[1][0] + in[0].TotalSize() }

// Compute implements Kernel.
func (k *LossKernel) Compute(out *Buffer, in []*Buffer, scratch []float32) {
	n := in[1].Rows()
	losses := scratch[:n]
	lossGradient(k.Name, losses, &Buffer{Shape: in[0].Shape, F32: scratch[n:]}, in)
	var sum float64
	for _, loss := range losses {
		sum += float64(loss)
	}
	out.F32[0] = float32(sum)
}

// DiffWRT is true for the outputs alone.
func (k *LossKernel) DiffWRT() []bool { return []bool{true, false, false} }

// SymDiff implements Differentiable.
func (k *LossKernel) SymDiff(in gorgonia.Nodes, _, grad *gorgonia.Node) (gorgonia.Nodes, error) {
	doutputs, err := apply(&LossGradientKernel{k.Name}, in[0], in[1], in[2], grad)
	return gorgonia.Nodes{doutputs, nil, nil}, err
}

// LossGradientKernel computes the gradient of [Loss] with respect to the
// outputs. Its operands are outputs, labels, weights and the gradient of the
// loss, a scalar; its result has the outputs' shape, and zeros where it would be
// tiny. It leaves the weighted losses, one a row, in its scratch memory.
type LossGradientKernel struct{ Name string }

func (k *LossGradientKernel) String() string { return fmt.Sprintf("LossGradient(%s)", k.Name) }

// Type: outputs, labels, weights, gradient.
func (k *LossGradientKernel) Type() ([]hm.Type, hm.Type) {
	return []hm.Type{hm.TypeVariable('a'), vector, vector, scalar}, hm.TypeVariable('a')
}

// Shape is that of the outputs.
func (k *LossGradientKernel) Shape(in []tensor.Shape) (tensor.Shape, error) {
	return in[0].Clone(), checkLoss(k.Name, in)
}

// Whole is true for the gradient of the loss.
func (k *LossGradientKernel) Whole(operand int) bool { return operand == 3 }

// Scratch is for the losses.
func (k *LossGradientKernel) Scratch(in []tensor.Shape) int { return in[1][0] }

// Compute implements Kernel.
func (k *LossGradientKernel) Compute(out *Buffer, in []*Buffer, losses []float32) {
	lossGradient(k.Name, losses, out, in)
	scale := in[3].F32[0]
	for i := range out.Rows() {
		if scale == 1 {
			break
		}
		kernel.Scale(out.Row(i), out.Row(i), scale)
	}
}

// vectorLosses compute weighted losses, and their derivatives, of one output a row.
var vectorLosses = map[string]func(losses, derivatives, outputs, labels, weights []float32){
	LogLoss:      kernel.SigmoidCrossEntropy,
	SquaredError: kernel.SquaredError,
	Huber:        kernel.Huber,
}

// lossGradient computes the losses and the gradient of outputs, labels and weights.
func lossGradient(name string, losses []float32, gradient *Buffer, in []*Buffer) {
	outputs, labels, weights := in[0], in[1].F32, in[2].F32
	if len(outputs.Shape) == 1 {
		vectorLosses[name](losses, gradient.F32, outputs.F32, labels, weights)
		dropTiny(gradient.F32)
		return
	}
	for i := range outputs.Rows() {
		row := gradient.Row(i)
		kernel.SoftmaxCrossEntropy(losses[i:i+1], row, outputs.Row(i), int(labels[i]), weights[i])
		dropTiny(row)
	}
}

// tiny is far below what the exact average of a batch resolves, 2^-40, and far
// enough above the smallest normal number that its products with weights and
// activations are normal too.
const tiny = 0x1p-64

// dropTiny sets derivatives between -tiny and tiny to zero. Examples that a
// model is sure of have them, ever more as it learns them by heart, and a
// processor takes a hundred times longer over each product that is denormal.
func dropTiny(derivatives []float32) {
	for i, d := range derivatives {
		if -tiny < d && d < tiny {
			derivatives[i] = 0
		}
	}
}
