package kernel

// The errors below are the largest found against float64, in units of the last place of the result, normal or denormal;
// a test holds them.

// Exp sets dst = e^src, within 1.02 ulp. It overflows to +Inf above 88.72284 and underflows through the denormals to zero.
func Exp(dst, src []float32) { active.exp(dst, src[:len(dst)]) }

// Log sets dst to the natural logarithm of src, within 1 ulp: -Inf of zero, NaN of negative numbers.
func Log(dst, src []float32) { active.log(dst, src[:len(dst)]) }

// Log1p sets dst = log(1 + src), within 2 ulp, also where src is tiny: -Inf of -1, NaN below.
func Log1p(dst, src []float32) { active.log1p(dst, src[:len(dst)]) }

// Sigmoid sets dst = 1 / (1 + e^-src), within 3 ulp, also where the result is tiny.
func Sigmoid(dst, src []float32) { active.sigmoid(dst, src[:len(dst)]) }

// Tanh sets dst to the hyperbolic tangent of src, within 2 ulp.
func Tanh(dst, src []float32) { active.tanh(dst, src[:len(dst)]) }

// Softmax sets each row of dst [m, n] to the softmax of that row of src [m, n], both without gaps between rows. The
// exponentials are of the difference to the row's maximum and are summed in ascending order.
func Softmax(dst, src []float32, m, n int) {
	for i := 0; i < m; i++ {
		softmaxRow(dst[i*n:(i+1)*n], src[i*n:(i+1)*n])
	}
}

func softmaxRow(dst, src []float32) {
	if len(src) == 0 {
		return
	}
	shiftedExp(dst, src)
	var sum float32
	for _, e := range dst {
		sum += e
	}
	for i := range dst {
		dst[i] /= sum
	}
}

// shiftedExp sets dst to e^(src - largest), where largest is that of src, and returns it.
func shiftedExp(dst, src []float32) (largest float32) {
	largest = src[0]
	for _, x := range src {
		if x > largest {
			largest = x
		}
	}
	for i, x := range src {
		dst[i] = x - largest
	}
	active.exp(dst, dst)
	return largest
}
