package kernel

import "math"

func sqrt(x float32) float32 { return float32(math.Sqrt(float64(x))) }

// Moments that no gradient renews would decay to the smallest numbers below float32's normal range and stay there, since
// .9 of these rounds to themselves, and processors take a hundred times as long for each product with such a number. They
// become 0 before: those of gradients where they have long ceased to move a weight, those of squares at the range's end.
// Smaller gradients, whose squares would begin there, are left out.
const (
	smallestGradient = 0x1p-50
	smallestMoment   = 0x1p-100
	smallestSquare   = 0x1p-126
)

// flush makes what is smaller than a bound 0.
func flush(x, smallest float32) float32 {
	if float32(math.Abs(float64(x))) < smallest {
		return 0
	}
	return x
}

func sgdPortable(w, grad []float32, lr float32) {
	for i, g := range grad {
		w[i] -= float32(lr * g)
	}
}

func momentumPortable(w, v, grad []float32, lr, mu float32) {
	for i, g := range grad {
		v[i] = flush(float32(mu*v[i])+g, smallestMoment)
		w[i] -= float32(lr * v[i])
	}
}

func adamPortable(w, m, v, grad []float32, lr, beta1, beta2, eps, correction1, correction2 float32) {
	rest1, rest2 := 1-beta1, 1-beta2
	for i, g := range grad {
		g = flush(g, smallestGradient)
		m[i] = flush(float32(beta1*m[i])+float32(rest1*g), smallestMoment)
		v[i] = flush(float32(beta2*v[i])+float32(float32(rest2*g)*g), smallestSquare)
		step := float32(lr * float32(m[i]*correction1))
		w[i] -= step / (sqrt(float32(v[i]*correction2)) + eps)
	}
}

func adagradPortable(w, acc, grad []float32, lr, eps float32) {
	for i, g := range grad {
		acc[i] += float32(g * g)
		w[i] -= float32(lr*g) / (sqrt(acc[i]) + eps)
	}
}

func ftrlPortable(w, z, n, grad []float32, lr, l1, l2, beta float32) {
	for i, g := range grad {
		before := sqrt(n[i])
		n[i] += float32(g * g)
		after := sqrt(n[i])
		sigma := (after - before) / lr
		z[i] = z[i] + g - float32(sigma*w[i])
		w[i] = ftrlWeight(z[i], after, lr, l1, l2, beta)
	}
}

func ftrlWeight(z, root, lr, l1, l2, beta float32) float32 {
	if float32(math.Abs(float64(z))) <= l1 {
		return 0
	}
	return (float32(math.Copysign(float64(l1), float64(z))) - z) / ((beta+root)/lr + l2)
}

const sumLanes = 16

func sumSquaresPortable(x []float32) float64 {
	var lanes [sumLanes]float64
	squareLanes(&lanes, x)
	return foldLanes(&lanes)
}

// squareLanes adds the square of x[i] to lane i mod 16. The square is exact, so whether the compiler fuses it with the
// addition changes nothing.
func squareLanes(lanes *[sumLanes]float64, x []float32) {
	for i, v := range x {
		lanes[i%sumLanes] += float64(v) * float64(v)
	}
}

// foldLanes adds the upper half of the lanes to the lower until one is left.
func foldLanes(lanes *[sumLanes]float64) float64 {
	for half := sumLanes / 2; half > 0; half /= 2 {
		for i := range half {
			lanes[i] += lanes[i+half]
		}
	}
	return lanes[0]
}

func fixedCheckPortable(x []float32, limit float32) int {
	for i, v := range x {
		if !(v >= -limit && v <= limit) || math.IsInf(float64(v), 0) {
			return i
		}
	}
	return -1
}

func fixedAddPortable(acc []int64, x []float32) {
	for i, v := range x {
		acc[i] += int64(math.RoundToEven(float64(v) * FixedScale))
	}
}

func fixedSumPortable(acc []int64, accumulate bool, x [][]float32, limit float32) bool {
	return fixedSumFrom(acc, accumulate, x, 0, limit)
}

// fixedSumFrom sums the elements from begin on.
func fixedSumFrom(acc []int64, accumulate bool, x [][]float32, begin int, limit float32) bool {
	within := true
	if !accumulate {
		clear(acc[begin:])
	}
	for _, v := range x {
		rest := v[begin:len(acc)]
		fixedAddPortable(acc[begin:], rest)
		within = within && fixedCheckPortable(rest, limit) < 0
	}
	return within
}

func fixedMergePortable(acc, sums []int64) {
	for i, sum := range sums {
		acc[i] += sum
	}
}

func fixedMeanPortable(dst []float32, acc []int64, weight float64) {
	for i, sum := range acc {
		dst[i] = float32(float64(sum) * (1.0 / FixedScale) / weight)
	}
}
