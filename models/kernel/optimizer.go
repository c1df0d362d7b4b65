package kernel

// Each optimizer updates weights w and its own state in place from the gradient grad; all slices have len(w) elements.

// SGD is gradient descent: w -= lr*grad.
func SGD(w, grad []float32, lr float32) { active.sgd(w, grad[:len(w)], lr) }

// Momentum is gradient descent with momentum (Polyak, 1964): v = mu*v + grad; w -= lr*v. A v below 2^-100 becomes 0.
// The gradient may be w itself.
func Momentum(w, v, grad []float32, lr, mu float32) {
	active.momentum(w, v[:len(w)], grad[:len(w)], lr, mu)
}

// Adam is the method of Kingma and Ba, "Adam: a method for stochastic optimization", 2015:
//
//	m = beta1*m + (1-beta1)*grad
//	v = beta2*v + (1-beta2)*grad*grad
//	w -= lr * (m*correction1) / (sqrt(v*correction2) + eps)
//
// The corrections of the bias after t steps, counted from 1, are correction1 = 1/(1-beta1^t), correction2 = 1/(1-beta2^t).
// A gradient below 2^-50 counts as 0, and an m below 2^-100 and a v below 2^-126 become 0.
func Adam(w, m, v, grad []float32, lr, beta1, beta2, eps, correction1, correction2 float32) {
	n := len(w)
	active.adam(w, m[:n], v[:n], grad[:n], lr, beta1, beta2, eps, correction1, correction2)
}

// Adagrad is the diagonal method of Duchi, Hazan and Singer, "Adaptive subgradient methods", 2011:
// acc += grad*grad; w -= lr*grad / (sqrt(acc) + eps).
func Adagrad(w, acc, grad []float32, lr, eps float32) {
	active.adagrad(w, acc[:len(w)], grad[:len(w)], lr, eps)
}

// FTRL is FTRL-Proximal by coordinate, algorithm 1 of McMahan and others, "Ad click prediction: a view from the
// trenches", 2013, where lr, beta, l1 and l2 are alpha, beta, lambda1 and lambda2:
//
//	sigma = (sqrt(n + grad*grad) - sqrt(n)) / lr
//	z += grad - sigma*w
//	n += grad*grad
//	w = 0 where |z| <= l1, else (sign(z)*l1 - z) / ((beta + sqrt(n))/lr + l2)
//
// A weight that is to start at w0 needs z = -w0 * ((beta + sqrt(n))/lr + l2) - sign(w0)*l1.
func FTRL(w, z, n, grad []float32, lr, l1, l2, beta float32) {
	active.ftrl(w, z[:len(w)], n[:len(w)], grad[:len(w)], lr, l1, l2, beta)
}

// SumSquaresBlock is the number of elements that SumSquares sums on their own.
const SumSquaresBlock = 4096

// SumSquares is the sum of squares of x, in float64. Blocks of SumSquaresBlock elements are summed on their own and
// their sums added in ascending order, so parts of x that begin at multiples of a block can be summed anywhere, block
// by block, without changing a bit. Within a block element i belongs to lane i mod 16; the lanes are folded in halves.
func SumSquares(x []float32) float64 {
	var sum float64
	for len(x) > SumSquaresBlock {
		sum += active.sumSquares(x[:SumSquaresBlock])
		x = x[SumSquaresBlock:]
	}
	return sum + active.sumSquares(x)
}
