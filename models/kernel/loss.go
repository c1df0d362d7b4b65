package kernel

// SigmoidCrossEntropy computes the weighted log loss of each logit z with label y in [0, 1] and weight w, and its
// derivative by the logit:
//
//	losses[i]  = w * (max(z, 0) - z*y + log1p(e^-|z|))
//	dlogits[i] = w * (sigmoid(z) - y)
//
// Both keep their relative precision where the prediction is all but certain: the difference is taken before the
// division, not between rounded probabilities.
func SigmoidCrossEntropy(losses, dlogits, logits, labels, weights []float32) {
	n := len(logits)
	active.sigmoidCrossEntropy(losses[:n], dlogits[:n], logits, labels[:n], weights[:n])
}

// SoftmaxCrossEntropy computes the weighted log loss of one row of logits z with the index y of its class and weight w,
// and its gradient:
//
//	loss[0]    = w * (log(sum(e^z)) - z[y])
//	dlogits[i] = w * (softmax(z)[i] - (i == y))
//
// Both keep their relative precision where the prediction is all but certain. Sums are taken in ascending order.
func SoftmaxCrossEntropy(loss, dlogits, logits []float32, y int, w float32) {
	dlogits = dlogits[:len(logits)]
	largest := shiftedExp(dlogits, logits)
	var others float32
	for i, e := range dlogits {
		if i != y {
			others += e
		}
	}
	sum := others + dlogits[y]
	if loss = loss[:1]; others <= dlogits[y] {
		loss[0] = others / dlogits[y]
		active.log1p(loss, loss)
	} else {
		loss[0] = sum
		active.log(loss, loss)
		loss[0] += largest - logits[y]
	}
	loss[0] *= w
	for i, e := range dlogits {
		dlogits[i] = w * (e / sum)
	}
	dlogits[y] = -w * (others / sum)
}

// SquaredError computes the weighted loss of each output z with label y and weight w, and its derivative:
//
//	losses[i]   = w * (z - y)^2 / 2
//	doutputs[i] = w * (z - y)
func SquaredError(losses, doutputs, outputs, labels, weights []float32) {
	for i, z := range outputs {
		difference := z - labels[i]
		doutputs[i] = weights[i] * difference
		losses[i] = doutputs[i] * (difference / 2)
	}
}

// Huber computes [SquaredError] where |z - y| <= 1. Elsewhere the loss grows along a line, w * (|z - y| - 1/2) (Huber,
// "Robust Estimation of a Location Parameter", 1964).
func Huber(losses, doutputs, outputs, labels, weights []float32) {
	for i, z := range outputs {
		difference := z - labels[i]
		slope := min(max(difference, -1), 1)
		doutputs[i] = weights[i] * slope
		losses[i] = doutputs[i] * (difference - slope/2)
	}
}
