package main

import (
	"math"

	"github.com/mmcloughlin/avo/reg"
)

// The functions below repeat portable_math.go of package kernel operation by operation; see there for what they do.
// The package's tests hold the two to the same bits.

const (
	roundToInteger   = 3 << 22
	expMin, expMax   = -104, 89
	log2E            = 1.44269504
	ln2High          = 0x1.62e4p-1
	ln2Low           = 0x1.7f7d1cp-20
	exponentBias     = 127
	significandBits  = 23
	smallestNormal   = 0x1p-126
	denormalScale    = 0x1p25
	denormalExponent = 25
	sqrtHalfBits     = 0x3f3504f3
	logLn2High       = 0.693359375
	logLn2Low        = -2.12194440e-4
	tanhSmall        = 0.625
)

var (
	expPolynomial = []float32{1.9875691500e-4, 1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2, 1.6666665459e-1, 5.0000001201e-1}
	logPolynomial = []float32{7.0376836292e-2, -1.1514610310e-1, 1.1676998740e-1, -1.2420140846e-1, 1.4249322787e-1,
		-1.6668057665e-1, 2.0000714765e-1, -2.4999993993e-1, 3.3333331174e-1}
	tanhPolynomial = []float32{-5.70498872745e-3, 2.06390887954e-2, -5.37397155531e-2, 1.33314422036e-1, -3.33332819422e-1}
)

func (v *isa) horner(coefficients []float32, x reg.Register) reg.VecVirtual {
	y := v.copy(v.float(coefficients[0]))
	for _, c := range coefficients[1:] {
		v.VFMADD213PS(v.float(c), x, y)
	}
	return y
}

func (v *isa) exp(x reg.Register) reg.VecVirtual {
	x = v.max(v.copy(v.float(expMin)), x)
	x = v.min(v.copy(v.float(expMax)), x)
	t := v.fma(x, v.copy(v.float(log2E)), v.float(roundToInteger))
	n := v.sub(t, v.float(roundToInteger))
	r := v.fmaConstant(n, v.float(-ln2High), x)
	r = v.fmaConstant(n, v.float(-ln2Low), r)
	y := v.add(v.fma(v.horner(expPolynomial, r), v.mul(r, r), r), v.float(1))
	i := v.binary(v.VPSUBD, t, v.float(roundToInteger))
	half := v.shift(v.VPSRAD, i, 1)
	y = v.mul(y, v.power2(half))
	return v.mul(y, v.power2(v.binary(v.VPSUBD, i, half)))
}

func (v *isa) power2(i reg.Register) reg.VecVirtual {
	return v.shift(v.VPSLLD, v.binary(v.VPADDD, i, v.bits(exponentBias)), significandBits)
}

func (v *isa) log(x reg.Register) reg.VecVirtual {
	tiny := v.compare(less, x, v.float(smallestNormal))
	bits := v.choose(tiny, v.mul(x, v.float(denormalScale)), x)
	offset := v.choose(tiny, v.bits(denormalExponent), v.zero())
	exponent := v.shift(v.VPSRAD, v.binary(v.VPSUBD, bits, v.bits(sqrtHalfBits)), significandBits)
	f := v.sub(v.binary(v.VPSUBD, bits, v.shift(v.VPSLLD, exponent, significandBits)), v.float(1))
	e := v.vec()
	v.VCVTDQ2PS(v.binary(v.VPSUBD, exponent, offset), e)
	square := v.mul(f, f)
	y := v.mul(v.horner(logPolynomial, f), v.mul(square, f))
	y = v.fmaConstant(e, v.float(logLn2Low), y)
	y = v.fmaConstant(square, v.float(-0.5), y)
	y = v.fmaConstant(e, v.float(logLn2High), v.add(f, y))
	y = v.choose(v.compare(equal, x, v.float(0)), v.float(float32(math.Inf(-1))), y)
	y = v.choose(v.compare(greater, x, v.float(math.MaxFloat32)), x, y)
	return v.choose(v.compare(notGreaterEqual, x, v.float(0)), v.float(float32(math.NaN())), y)
}

func (v *isa) log1p(x reg.Register) reg.VecVirtual {
	u := v.add(x, v.float(1))
	y := v.log(u)
	high := v.sub(u, v.float(1))
	below := v.sub(v.copy(v.float(1)), v.sub(u, high))
	e := v.add(below, v.sub(x, high))
	sum := v.add(y, v.div(e, u))
	sum = v.choose(v.compare(equal, u, v.float(0)), y, sum)
	return v.choose(v.compare(greater, u, v.float(math.MaxFloat32)), y, sum)
}

func (v *isa) sigmoidParts(z reg.Register) (a, b, d, e reg.VecVirtual) {
	e = v.exp(v.or(z, v.bits(signBit)))
	negative := v.compare(less, z, v.float(0))
	one := v.copy(v.float(1))
	return v.choose(negative, e, one), v.choose(negative, one, e), v.add(one, e), e
}

func (v *isa) sigmoid(z reg.Register) reg.VecVirtual {
	a, _, d, _ := v.sigmoidParts(z)
	return v.div(a, d)
}

func (v *isa) tanh(x reg.Register) reg.VecVirtual {
	magnitude := v.abs(x)
	square := v.mul(x, x)
	near := v.fma(v.mul(v.horner(tanhPolynomial, square), square), x, x)
	denominator := v.add(v.exp(v.add(magnitude, magnitude)), v.float(1))
	ratio := v.div(v.copy(v.float(2)), denominator)
	far := v.withSign(v.sub(v.copy(v.float(1)), ratio), x)
	return v.choose(v.compare(less, magnitude, v.float(tanhSmall)), near, far)
}

func (v *isa) transcendentals() {
	for _, f := range []struct {
		name, doc string
		of        func(reg.Register) reg.VecVirtual
	}{
		{"exp", "sets dst = e^src.", v.exp},
		{"log", "sets dst = log(src).", v.log},
		{"log1p", "sets dst = log(1 + src).", v.log1p},
		{"sigmoid", "sets dst = 1 / (1 + e^-src).", v.sigmoid},
		{"tanh", "sets dst = tanh(src).", v.tanh},
	} {
		v.function(f.name, "func(dst, src []float32)", f.doc)
		v.overSlices([]string{"dst", "src"}, func(s *span) { s.store("dst", f.of(s.load("src"))) })
	}
	v.crossEntropy()
}

func (v *isa) crossEntropy() {
	v.function("sigmoidCrossEntropy", "func(losses, dlogits, logits, labels, weights []float32)",
		"sets losses to the weighted log losses and dlogits to their derivatives.")
	v.overSlices([]string{"losses", "dlogits", "logits", "labels", "weights"}, func(s *span) {
		z, y := s.load("logits"), s.load("labels")
		a, b, d, e := v.sigmoidParts(z)
		difference := v.sub(v.mul(a, v.sub(v.copy(v.float(1)), y)), v.mul(b, y))
		derivative := v.div(difference, d)
		loss := v.add(v.sub(v.max(v.zero(), z), v.mul(z, y)), v.log1p(e))
		w := s.load("weights")
		s.store("losses", v.mul(loss, w))
		s.store("dlogits", v.mul(derivative, w))
	})
}
