package kernel

import "math"

// The constants of the transcendental functions. The generator of the assembly has the same: tests compare all bits.
const (
	roundToInteger = 3 << 22 // adding it to a small float32 rounds that to an integer, kept in the low bits

	expMin, expMax = -104, 89 // e^x is zero below and infinite above
	log2E          = 1.44269504
	ln2High        = 0x1.62e4p-1 // 16 bits, so that its products with exponents are exact
	ln2Low         = 0x1.7f7d1cp-20
)

// expPolynomial approximates (e^r - 1 - r) / r^2 for |r| <= ln(2)/2; highest power first (Moshier, Cephes, expf).
var expPolynomial = [...]float32{1.9875691500e-4, 1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2, 1.6666665459e-1, 5.0000001201e-1}

// logPolynomial approximates (log(1+f) - f + f^2/2) / f^3 for 1+f in [sqrt(1/2), sqrt(2)] (Moshier, Cephes, logf).
var logPolynomial = [...]float32{7.0376836292e-2, -1.1514610310e-1, 1.1676998740e-1, -1.2420140846e-1, 1.4249322787e-1,
	-1.6668057665e-1, 2.0000714765e-1, -2.4999993993e-1, 3.3333331174e-1}

// tanhPolynomial approximates (tanh(x) - x) / x^3 in x^2 for |x| < 0.625 (Moshier, Cephes, tanhf).
var tanhPolynomial = [...]float32{-5.70498872745e-3, 2.06390887954e-2, -5.37397155531e-2, 1.33314422036e-1, -3.33332819422e-1}

// horner evaluates a polynomial with the highest power first.
func horner(coefficients []float32, x float32) float32 {
	y := coefficients[0]
	for _, c := range coefficients[1:] {
		y = fma(y, x, c)
	}
	return y
}

// exp is 2^n e^r with r = x - n ln(2). The power of two is applied in two halves, so that neither leaves the normal
// range while the result may be denormal or infinite.
func exp(x float32) float32 {
	if x < expMin {
		x = expMin
	}
	if x > expMax {
		x = expMax
	}
	t := fma(x, log2E, roundToInteger)
	n := t - roundToInteger
	r := fma(n, -ln2High, x)
	r = fma(n, -ln2Low, r)
	y := fma(horner(expPolynomial[:], r), float32(r*r), r) + 1
	i := int32(math.Float32bits(t)) - int32(math.Float32bits(roundToInteger))
	half := i >> 1
	return float32(float32(y*power2(half)) * power2(i-half))
}

// power2 is 2^i for i in the normal range; for others (a NaN's exponent) any value will do.
func power2(i int32) float32 { return math.Float32frombits(uint32(i+127) << 23) }

const (
	smallestNormal32 = 0x1p-126
	denormalScale    = 0x1p25
	denormalExponent = 25
	sqrtHalfBits     = 0x3f3504f3
	logLn2High       = 0.693359375
	logLn2Low        = -2.12194440e-4
)

// log is e ln(2) + log(1+f) where x = 2^e (1+f), 1+f in [sqrt(1/2), sqrt(2)].
func log(x float32) float32 {
	switch {
	case x == 0:
		return float32(math.Inf(-1))
	case !(x >= 0): // negative or NaN
		return float32(math.NaN())
	case x > math.MaxFloat32:
		return x
	}
	var offset int32
	if x < smallestNormal32 {
		x, offset = x*denormalScale, denormalExponent
	}
	bits := int32(math.Float32bits(x))
	exponent := (bits - sqrtHalfBits) >> 23
	f := math.Float32frombits(uint32(bits-exponent<<23)) - 1
	e := float32(exponent - offset)
	square := float32(f * f)
	y := float32(horner(logPolynomial[:], f) * float32(square*f))
	y = fma(e, logLn2Low, y)
	y = fma(square, -0.5, y)
	return fma(e, logLn2High, f+y)
}

// log1p corrects the logarithm of u = 1 + x by the error of that sum: log(u + error) = log(u) + error/u.
func log1p(x float32) float32 {
	u := 1 + x
	y := log(u)
	if u == 0 || u > math.MaxFloat32 {
		return y
	}
	high := u - 1
	e := (1 - (u - high)) + (x - high)
	return y + e/u
}

// sigmoidParts returns numerators a and b and a denominator d of sigmoid(z) = a/d and 1 - sigmoid(z) = b/d; e is the
// exponential in them.
func sigmoidParts(z float32) (a, b, d, e float32) {
	e = exp(-float32(math.Abs(float64(z))))
	if z < 0 {
		return e, 1, 1 + e, e
	}
	return 1, e, 1 + e, e
}

func sigmoid(z float32) float32 {
	a, _, d, _ := sigmoidParts(z)
	return a / d
}

const tanhSmall = 0.625 // below it the exponential would cancel

func tanh(x float32) float32 {
	magnitude := float32(math.Abs(float64(x)))
	if magnitude < tanhSmall {
		square := float32(x * x)
		return fma(float32(horner(tanhPolynomial[:], square)*square), x, x)
	}
	y := 1 - 2/(exp(magnitude+magnitude)+1)
	return float32(math.Copysign(float64(y), float64(x)))
}

func sigmoidCrossEntropyPortable(losses, dlogits, logits, labels, weights []float32) {
	for i, z := range logits {
		y, w := labels[i], weights[i]
		a, b, d, e := sigmoidParts(z)
		loss := rectify(z) - float32(z*y) + log1p(e)
		derivative := (float32(a*(1-y)) - float32(b*y)) / d
		losses[i] = loss * w
		dlogits[i] = derivative * w
	}
}
