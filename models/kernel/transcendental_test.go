package kernel

import (
	"math"
	"slices"
	"testing"
)

// TestAccuracy measures each function against float64 over a sweep of all exponents and signs.
func TestAccuracy(t *testing.T) {
	functions := []struct {
		name  string
		call  func(dst, src []float32)
		exact func(float64) float64
		ulps  float64
	}{
		{"Exp", Exp, math.Exp, 1.02},
		{"Log", Log, math.Log, 1},
		{"Log1p", Log1p, math.Log1p, 2},
		{"Sigmoid", Sigmoid, func(x float64) float64 { return 1 / (1 + math.Exp(-x)) }, 3},
		{"Tanh", Tanh, math.Tanh, 2},
	}
	arguments := sweep()
	eachKernel(t, func(t *testing.T) {
		got := make([]float32, len(arguments))
		for _, f := range functions {
			f.call(got, arguments)
			worst, at := 0.0, float32(0)
			for i, x := range arguments {
				if e := ulps(got[i], f.exact(float64(x))); e > worst {
					worst, at = e, x
				}
			}
			t.Logf("%s: largest error %.3f ulp, at %v", f.name, worst, at)
			if worst > f.ulps {
				t.Errorf("%s(%v) is %.3f ulp away, want at most %v", f.name, at, worst, f.ulps)
			}
		}
	})
}

// sweep has half a million float32s of all signs and exponents, and more where functions are hard.
func sweep() []float32 {
	var x []float32
	for bits := uint64(0); bits < 1<<32; bits += 997 * 8 {
		x = append(x, math.Float32frombits(uint32(bits)))
	}
	for v := float32(-110); v < 110; v += 0.0037 { // densely where the exponential is neither zero nor infinite
		x = append(x, v)
	}
	for v := float32(0.3); v < 3; v += 0.000037 { // and where the logarithm cancels
		x = append(x, v, v-1)
	}
	return append(x, special...)
}

// ulps is the distance of got from the exact value in units of the last place of the latter as a float32.
func ulps(got float32, exact float64) float64 {
	rounded := float32(exact)
	if got == rounded || got != got && exact != exact {
		return 0
	}
	if got != got || exact != exact || math.IsInf(float64(got), 0) || math.IsInf(float64(rounded), 0) {
		return math.Inf(1)
	}
	magnitude := float32(math.Abs(float64(rounded)))
	ulp := float64(math.Nextafter32(magnitude, float32(math.Inf(1)))) - float64(magnitude)
	return math.Abs(float64(got)-exact) / ulp
}

func TestSigmoidCrossEntropy(t *testing.T) {
	eachKernel(t, func(t *testing.T) {
		for z := float32(-60); z < 60; z += 0.17 {
			for _, y := range []float32{0, 1, 0.25} {
				checkCrossEntropy(t, z, y, 1.5)
			}
		}
	})
}

func checkCrossEntropy(t *testing.T, z, y, w float32) {
	t.Helper()
	var loss, derivative [1]float32
	SigmoidCrossEntropy(loss[:], derivative[:], []float32{z}, []float32{y}, []float32{w})
	x, label, weight := float64(z), float64(y), float64(w)
	wantLoss := weight * (math.Max(x, 0) - x*label + math.Log1p(math.Exp(-math.Abs(x))))
	p, q := 1/(1+math.Exp(-x)), 1/(1+math.Exp(x))
	wantDerivative := weight * (p*(1-label) - q*label)
	// Where y is between the classes the terms of the difference cancel: the error is relative to them.
	if math.Abs(float64(loss[0])-wantLoss) > 4e-7*wantLoss+1e-7*math.Abs(x)*label*(1-label) {
		t.Errorf("loss of (%v, %v) is %v, want %v", z, y, loss[0], wantLoss)
	}
	if math.Abs(float64(derivative[0])-wantDerivative) > 4e-7*(weight*p*(1-label)+weight*q*label) {
		t.Errorf("derivative of (%v, %v) is %v, want %v", z, y, derivative[0], wantDerivative)
	}
}

func TestSoftmax(t *testing.T) {
	eachKernel(t, func(t *testing.T) {
		x := []float32{1, 2, 3, 1000, 1000, -1000, -3, 0, 3}
		Softmax(x, x, 3, 3)
		e := math.Exp
		sum1, sum3 := e(-2)+e(-1)+1, e(-6)+e(-3)+1
		want := []float64{e(-2) / sum1, e(-1) / sum1, 1 / sum1, 0.5, 0.5, 0, e(-6) / sum3, e(-3) / sum3, 1 / sum3}
		for i := range want {
			if math.Abs(float64(x[i])-want[i]) > 3e-7*want[i] {
				t.Errorf("element %d is %v, want %v", i, x[i], want[i])
			}
		}
	})
}

// TestSoftmaxCrossEntropy compares with float64, up to predictions that are all but certain.
func TestSoftmaxCrossEntropy(t *testing.T) {
	eachKernel(t, func(t *testing.T) {
		for _, logits := range [][]float32{{0, 0, 0}, {1, -2, 3, 0.5}, {20, 0, -5}, {60, 0, 1}, {-1, 99, 3}, {1000, 0, -1000}} {
			for y := range logits {
				checkSoftmaxCrossEntropy(t, logits, y, 1.5)
			}
		}
	})
}

func checkSoftmaxCrossEntropy(t *testing.T, logits []float32, y int, w float32) {
	t.Helper()
	var loss [1]float32
	got := make([]float32, len(logits))
	SoftmaxCrossEntropy(loss[:], got, logits, y, w)
	others, sum := 0.0, 0.0 // relative to the label's
	for i, z := range logits {
		e := math.Exp(float64(z) - float64(logits[y]))
		sum += e
		if i != y {
			others += e
		}
	}
	wantLoss := float64(w) * math.Log1p(others)
	if math.IsInf(others, 1) {
		wantLoss = float64(w) * float64(slices.Max(logits)-logits[y])
	}
	if math.Abs(float64(loss[0])-wantLoss) > 6e-7*wantLoss+1e-44 {
		t.Errorf("the loss of %v with label %d is %v, want %v", logits, y, loss[0], wantLoss)
	}
	if math.IsInf(others, 1) {
		return
	}
	for i, z := range logits {
		want := float64(w) * math.Exp(float64(z)-float64(logits[y])) / sum
		if i == y {
			want = -float64(w) * others / sum
		}
		if math.Abs(float64(got[i])-want) > 6e-7*math.Abs(want)+1e-38 {
			t.Errorf("derivative %d of %v with label %d is %v, want %v", i, logits, y, got[i], want)
		}
	}
}
