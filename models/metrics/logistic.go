package metrics

import "math"

// Sigmoid returns the probability of class 1 for a logit, 1/(1+exp(-z)), with an
// error of at most 2 units in the last place and the same bits on every machine.
func Sigmoid(logit float32) float64 {
	z := float64(logit)
	if z >= 0 {
		return 1 / (1 + expNegative(-z))
	}
	e := expNegative(z)
	return e / (1 + e)
}

// LogLoss returns the negative log-likelihood, in nats, of a label (0 or 1)
// under a logit: log(1+exp(-z)) for label 1 and log(1+exp(z)) for label 0. The
// form max(z,0) - z*y + log1p(exp(-|z|)) neither overflows nor cancels.
func LogLoss(logit, label float32) float64 {
	z := float64(logit)
	wrong := z // the logit's size where it speaks for the other class, else 0
	if label == 1 {
		wrong = -z
	}
	return max(wrong, 0) + log1pUnit(expNegative(-math.Abs(z)))
}

// Likeliest returns the class with the highest logit, the first of equals.
func Likeliest(logits []float32) int {
	best := 0
	for i, z := range logits {
		if z > logits[best] {
			best = i
		}
	}
	return best
}

// AppendSoftmax appends the probabilities of classes by their logits, with the same
// bits on every machine.
func AppendSoftmax(dst []float64, logits []float32) []float64 {
	begin := len(dst)
	largest, sum := float64(logits[Likeliest(logits)]), 0.0
	for _, z := range logits {
		e := expNegative(float64(z) - largest)
		dst = append(dst, e)
		sum += e
	}
	for i := range dst[begin:] {
		dst[begin+i] /= sum
	}
	return dst
}

// ClassLoss returns the negative log-likelihood, in nats, of a class under logits.
// Where the class is the likeliest the loss keeps its relative precision.
func ClassLoss(logits []float32, class int) float64 {
	largest := Likeliest(logits)
	others := 0.0 // than the likeliest, relative to it
	for i, z := range logits {
		if i != largest {
			others += expNegative(float64(z) - float64(logits[largest]))
		}
	}
	return float64(logits[largest]) - float64(logits[class]) + log1p(others)
}

// log1p returns log(1+x) for x >= 0.
func log1p(x float64) float64 {
	if x <= 1 { // where the rounding of 1+x would matter
		return log1pUnit(x)
	}
	fraction, exponent := math.Frexp(1 + x)
	return float64(float64(exponent-1)*math.Ln2) + log1pUnit(2*fraction-1)
}

// The two parts of ln 2: the first has 21 trailing zero bits, so that its
// products with the exponents of float64 are exact (fdlibm, e_exp.c).
const (
	ln2Hi = 6.93147180369123816490e-01
	ln2Lo = 1.90821492927058770002e-10
)

// inverseFactorials are the coefficients of the series of exp.
var inverseFactorials = [...]float64{
	1, 1, 1. / 2, 1. / 6, 1. / 24, 1. / 120, 1. / 720, 1. / 5040, 1. / 40320, 1. / 362880,
	1. / 3628800, 1. / 39916800, 1. / 479001600, 1. / 6227020800,
}

// expNegative returns exp(x) for x <= 0. math.Exp is not used since its assembly
// takes fused multiply-adds where the processor has them. With x = k ln2 + r and
// |r| <= ln2/2, the series of exp(r) to r^13 leaves an error below 2^-57. Results
// that float64 cannot hold in full precision are returned as 0.
func expNegative(x float64) float64 {
	if x < -708 {
		return 0
	}
	k := math.Floor(float64(x*math.Log2E) + 0.5)
	r := x - float64(k*ln2Hi) - float64(k*ln2Lo)
	power := math.Float64frombits(uint64(1023+int(k)) << 52) // 2^k, never subnormal
	return series(inverseFactorials[:], r) * power
}

// inverseOdds are the coefficients of the series of artanh(s)/s in s^2, after the 1.
var inverseOdds = [...]float64{
	1. / 3, 1. / 5, 1. / 7, 1. / 9, 1. / 11, 1. / 13, 1. / 15, 1. / 17,
	1. / 19, 1. / 21, 1. / 23, 1. / 25, 1. / 27, 1. / 29, 1. / 31, 1. / 33,
}

// log1pUnit returns log(1+u) for 0 <= u <= 1 as 2 artanh(s) with s = u/(2+u),
// which is at most 1/3: the terms from s^35 on are below 2^-57 of the sum. The
// leading term is added last, to round its size once only.
func log1pUnit(u float64) float64 {
	s := u / (2 + u)
	square := s * s
	return 2*s + float64(2*s*square*series(inverseOdds[:], square))
}

// series returns the sum of coefficients[i] x^i by Horner's rule. The conversion
// keeps compilers from fusing the product and the sum.
func series(coefficients []float64, x float64) float64 {
	var sum float64
	for i := len(coefficients) - 1; i >= 0; i-- {
		sum = coefficients[i] + float64(sum*x)
	}
	return sum
}
