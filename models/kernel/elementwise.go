package kernel

// Add sets dst = a + b.
func Add(dst, a, b []float32) { active.add(dst, a[:len(dst)], b[:len(dst)]) }

// Mul sets dst = a * b, elementwise.
func Mul(dst, a, b []float32) { active.mul(dst, a[:len(dst)], b[:len(dst)]) }

// Scale sets dst = a * s.
func Scale(dst, a []float32, s float32) { active.scale(dst, a[:len(dst)], s) }

// Axpy adds a * s to dst, the product rounded first. With the weights as a and the gradients as dst it is L2
// regularisation.
func Axpy(dst, a []float32, s float32) { active.axpy(dst, a[:len(dst)], s) }

// Fill sets every element of dst to s.
func Fill(dst []float32, s float32) {
	for i := range dst {
		dst[i] = s
	}
}

// ReLU sets dst = max(0, src); NaN and -0 stay as they are.
func ReLU(dst, src []float32) { active.relu(dst, src[:len(dst)]) }

// ReLUMask sets dst = 0 where y <= 0 and dy elsewhere: the gradient through a ReLU whose outputs were y.
func ReLUMask(dst, dy, y []float32) { active.reluMask(dst, dy[:len(dst)], y[:len(dst)]) }

// SumColumns sets dst[j] to the sum of src[0:m, j], for j < n: plain additions to zero, rows ascending.
func SumColumns(dst []float32, src []float32, lds, m, n int) {
	if n <= 0 {
		return
	}
	checkMatrix("src", src, m, n, lds)
	// The product of a row of ones, one element repeated, with src: 1*x + sum is rounded as x + sum is.
	active.multiply(product{c: dst[:n], ldc: n, a: one[:], b: src, ldb: lds, m: 1, n: n, k: m})
}

var one = [1]float32{1}
