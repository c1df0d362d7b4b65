package features

import "math"

// log1p is log(1+x) for x > -1, within a unit in the last place. math.Log1p
// would give other bits where the compiler fuses multiplications and additions,
// and with them other weights; here each product is rounded on its own.
//
// The method is that of FreeBSD's s_log1p.c: 1+x = 2^k (1+f) with 1+f near 1,
// and log(1+f) = f - f²/2 + s (f²/2 + R(s²)) with s = f / (2+f) and a polynomial R.
func log1p(x float64) float64 {
	k, f, correction := 0, x, 0.0
	if x <= math.Sqrt2/2-1 || x >= math.Sqrt2-1 {
		k, f, correction = reduce(x)
	}
	half := float64(float64(0.5*f) * f)
	s := f / (2 + f)
	tail := float64(s * (half + polynomial(float64(s*s))))
	if k == 0 {
		return f - (half - tail)
	}
	low := float64(float64(k)*ln2Low) + correction
	return float64(float64(k)*ln2High) - ((half - (tail + low)) - f)
}

// ln2High has so many zeros at its end that products with small integers are exact.
const (
	ln2High = 6.93147180369123816490e-01
	ln2Low  = 1.90821492927058770002e-10
)

// reduce finds k, f and the error that rounding 1+x leaves in the logarithm.
func reduce(x float64) (k int, f, correction float64) {
	u := 1 + x
	if x > 1 {
		correction = (1 - (u - x)) / u
	} else {
		correction = (x - (u - 1)) / u
	}
	m, k := math.Frexp(u)
	if m < math.Sqrt2/2 {
		m, k = 2*m, k-1
	}
	return k, m - 1, correction
}

// polynomial is R of z = s², by Horner's rule.
func polynomial(z float64) float64 {
	r := 1.479819860511658591e-01
	for _, c := range [...]float64{
		1.531383769920937332e-01, 1.818357216161805012e-01, 2.222219843214978396e-01,
		2.857142874366239149e-01, 3.999999999940941908e-01, 6.666666666666735130e-01,
	} {
		r = float64(r*z) + c
	}
	return float64(r * z)
}
