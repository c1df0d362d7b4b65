package kernel

import (
	"math"
	"testing"

	"pgregory.net/rapid"
)

// TestElementwise compares every elementwise function with the portable one, over lengths that are no multiple of a
// vector.
func TestElementwise(t *testing.T) {
	functions := []struct {
		name     string
		operands int
		call     func(k *implementation, x [][]float32, s []float32)
	}{
		{"Add", 3, func(k *implementation, x [][]float32, s []float32) { k.add(x[0], x[1], x[2]) }},
		{"Mul", 3, func(k *implementation, x [][]float32, s []float32) { k.mul(x[0], x[1], x[2]) }},
		{"Scale", 2, func(k *implementation, x [][]float32, s []float32) { k.scale(x[0], x[1], s[0]) }},
		{"Axpy", 2, func(k *implementation, x [][]float32, s []float32) { k.axpy(x[0], x[1], s[0]) }},
		{"ReLU", 2, func(k *implementation, x [][]float32, s []float32) { k.relu(x[0], x[1]) }},
		{"ReLUMask", 3, func(k *implementation, x [][]float32, s []float32) { k.reluMask(x[0], x[1], x[2]) }},
		{"Exp", 2, func(k *implementation, x [][]float32, s []float32) { k.exp(x[0], x[1]) }},
		{"Log", 2, func(k *implementation, x [][]float32, s []float32) { k.log(x[0], x[1]) }},
		{"Log1p", 2, func(k *implementation, x [][]float32, s []float32) { k.log1p(x[0], x[1]) }},
		{"Sigmoid", 2, func(k *implementation, x [][]float32, s []float32) { k.sigmoid(x[0], x[1]) }},
		{"Tanh", 2, func(k *implementation, x [][]float32, s []float32) { k.tanh(x[0], x[1]) }},
		{"SigmoidCrossEntropy", 5, func(k *implementation, x [][]float32, s []float32) {
			k.sigmoidCrossEntropy(x[0], x[1], x[2], x[3], x[4])
		}},
		{"SGD", 2, func(k *implementation, x [][]float32, s []float32) { k.sgd(x[0], x[1], s[0]) }},
		{"Momentum", 3, func(k *implementation, x [][]float32, s []float32) { k.momentum(x[0], x[1], x[2], s[0], s[1]) }},
		{"Adam", 4, func(k *implementation, x [][]float32, s []float32) {
			k.adam(x[0], x[1], x[2], x[3], s[0], s[1], s[2], s[3], s[4], s[5])
		}},
		{"Adagrad", 3, func(k *implementation, x [][]float32, s []float32) { k.adagrad(x[0], x[1], x[2], s[0], s[1]) }},
		{"FTRL", 4, func(k *implementation, x [][]float32, s []float32) {
			k.ftrl(x[0], x[1], x[2], x[3], s[0], s[1], s[2], s[3])
		}},
	}
	eachKernel(t, func(t *testing.T) {
		for _, f := range functions {
			t.Run(f.name, func(t *testing.T) {
				rapid.Check(t, func(t *rapid.T) {
					n := rapid.IntRange(0, 100).Draw(t, "n")
					operands := make([][]float32, f.operands)
					for i := range operands {
						operands[i] = drawVector(t, n, "operand")
					}
					scalars := drawVector(t, 6, "scalars")
					checkAgainstPortable(t, f.name, operands, func(k *implementation, x [][]float32) { f.call(k, x, scalars) })
				})
			})
		}
	})
}

// TestElementwiseByDefinition checks a few values by hand, on every kernel, in place.
func TestElementwiseByDefinition(t *testing.T) {
	nan, negativeZero := float32(math.NaN()), float32(math.Copysign(0, -1))
	eachKernel(t, func(t *testing.T) {
		check := func(what string, got, want []float32) {
			t.Helper()
			if i := sameBits(got, want); i >= 0 {
				t.Errorf("%s gave %v, want %v", what, got, want)
			}
		}
		x := []float32{-1, 2, nan, negativeZero}
		ReLU(x, x)
		check("ReLU", x, []float32{0, 2, nan, negativeZero})
		d := []float32{5, 6, 7, 8}
		ReLUMask(d, d, x)
		check("ReLUMask", d, []float32{0, 6, 7, 0})
		Add(d, d, []float32{1, 2, 3, 4})
		check("Add", d, []float32{1, 8, 10, 4})
		Mul(d, d, d)
		check("Mul", d, []float32{1, 64, 100, 16})
		Scale(d, d, 0.5)
		check("Scale", d, []float32{0.5, 32, 50, 8})
		Axpy(d, []float32{1, 1, 2, 2}, 0.5)
		check("Axpy", d, []float32{1, 32.5, 51, 9})
		Fill(d[1:], 3)
		check("Fill", d, []float32{1, 3, 3, 3})
		sums := []float32{9, 9}
		SumColumns(sums, []float32{1, 2, 100, 3, 4, 100, 5, 6}, 3, 3, 2)
		check("SumColumns", sums, []float32{9, 12})
	})
}

func TestSumColumns(t *testing.T) {
	eachKernel(t, func(t *testing.T) {
		rapid.Check(t, func(t *rapid.T) {
			m, n := size(t, 0, "m"), size(t, 1, "n")
			src, got, want := drawMatrix(t, m, n, "src"), drawVector(t, n, "dst"), make([]float32, n)
			for i := range m {
				for j := range n {
					want[j] += src.at(i, j)
				}
			}
			SumColumns(got, src.x, src.ld, m, n)
			requireSame(t, "SumColumns", got, want)
		})
	})
}
