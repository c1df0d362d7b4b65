package ops

import (
	"fmt"

	"github.com/chewxy/hm"
	"github.com/penstock-ml/penstock/models/kernel"
	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// SigmoidCrossEntropy adds the sum over the batch of the weighted logistic
// losses, weight * (log(1 + exp(logit)) - label*logit) in nats, a scalar. Its
// operands are logits, labels (0 or 1) and weights, each [batch]; there is no
// gradient with respect to labels and weights.
func SigmoidCrossEntropy(logits, labels, weights *gorgonia.Node) (*gorgonia.Node, error) {
	return apply(&SigmoidCrossEntropyKernel{}, logits, labels, weights)
}

// SigmoidCrossEntropyKernel computes [SigmoidCrossEntropy].
type SigmoidCrossEntropyKernel struct{}

func (k *SigmoidCrossEntropyKernel) String() string { return "SigmoidCrossEntropy" }

// Type: logits, labels, weights.
func (k *SigmoidCrossEntropyKernel) Type() ([]hm.Type, hm.Type) {
	return []hm.Type{vector, vector, vector}, scalar
}

// Shape is ().
func (k *SigmoidCrossEntropyKernel) Shape(in []tensor.Shape) (tensor.Shape, error) {
	return tensor.ScalarShape(), sameBatch(in[:3])
}

func sameBatch(in []tensor.Shape) error {
	for _, shape := range in {
		if !shape.Eq(in[0]) {
			return fmt.Errorf("logits, labels and weights have shapes %v: they must be equal", in)
		}
	}
	return nil
}

// Scratch is for the losses and the gradients of the logits.
func (k *SigmoidCrossEntropyKernel) Scratch(in []tensor.Shape) int { return 2 * in[0][0] }

// Compute implements Kernel.
func (k *SigmoidCrossEntropyKernel) Compute(out *Buffer, in []*Buffer, scratch []float32) {
	logits, labels, weights := in[0], in[1], in[2]
	losses, gradient := scratch[:logits.Rows()], scratch[logits.Rows():]
	kernel.SigmoidCrossEntropy(losses, gradient, logits.F32, labels.F32, weights.F32)
	var sum float64
	for _, loss := range losses {
		sum += float64(loss)
	}
	out.F32[0] = float32(sum)
}

// DiffWRT is true for the logits alone.
func (k *SigmoidCrossEntropyKernel) DiffWRT() []bool { return []bool{true, false, false} }

// SymDiff implements Differentiable.
func (k *SigmoidCrossEntropyKernel) SymDiff(in gorgonia.Nodes, _, grad *gorgonia.Node) (gorgonia.Nodes, error) {
	dlogits, err := apply(&SigmoidCrossEntropyGradientKernel{}, in[0], in[1], in[2], grad)
	return gorgonia.Nodes{dlogits, nil, nil}, err
}

// SigmoidCrossEntropyGradientKernel computes the gradient of
// [SigmoidCrossEntropy] with respect to the logits. Its operands are logits,
// labels, weights and the gradient of the loss, a scalar; its result, [batch],
// is gradient * weight * (sigmoid(logit) - label), or zero where that is tiny.
// It leaves the weighted losses, one a row, in its scratch memory.
type SigmoidCrossEntropyGradientKernel struct{}

func (k *SigmoidCrossEntropyGradientKernel) String() string { return "SigmoidCrossEntropyGradient" }

// Type: logits, labels, weights, gradient.
func (k *SigmoidCrossEntropyGradientKernel) Type() ([]hm.Type, hm.Type) {
	return []hm.Type{vector, vector, vector, scalar}, vector
}

// Shape is [batch].
func (k *SigmoidCrossEntropyGradientKernel) Shape(in []tensor.Shape) (tensor.Shape, error) {
	return in[0].Clone(), sameBatch(in[:3])
}

// Whole is true for the gradient of the loss.
func (k *SigmoidCrossEntropyGradientKernel) Whole(operand int) bool { return operand == 3 }

// Scratch is for the losses.
func (k *SigmoidCrossEntropyGradientKernel) Scratch(in []tensor.Shape) int { return in[0][0] }

// Compute implements Kernel.
func (k *SigmoidCrossEntropyGradientKernel) Compute(out *Buffer, in []*Buffer, losses []float32) {
	logits, labels, weights, grad := in[0], in[1], in[2], in[3]
	kernel.SigmoidCrossEntropy(losses, out.F32, logits.F32, labels.F32, weights.F32)
	dropTiny(out.F32)
	if scale := grad.F32[0]; scale != 1 {
		kernel.Scale(out.F32, out.F32, scale)
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
