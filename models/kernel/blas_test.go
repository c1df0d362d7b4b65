package kernel

import (
	"testing"

	"gonum.org/v1/gonum/blas"
	"gorgonia.org/tensor"
	"pgregory.net/rapid"
)

func TestSgemm(t *testing.T) {
	transposes := []blas.Transpose{blas.NoTrans, blas.Trans, blas.ConjTrans}
	eachKernel(t, func(t *testing.T) {
		rapid.Check(t, func(t *rapid.T) {
			m, n, k := size(t, 1, "m"), size(t, 1, "n"), size(t, 1, "k")
			tA, tB := rapid.SampledFrom(transposes).Draw(t, "tA"), rapid.SampledFrom(transposes).Draw(t, "tB")
			beta := rapid.SampledFrom([]float32{0, 1}).Draw(t, "beta")
			c, a, atA := drawMatrix(t, m, n, "c"), drawMatrix(t, m, k, "a"), matrix.at
			if tA != blas.NoTrans {
				a, atA = drawMatrix(t, k, m, "a"), matrix.transposed
			}
			b, atB := drawMatrix(t, k, n, "b"), matrix.at
			if tB != blas.NoTrans {
				b, atB = drawMatrix(t, n, k, "b"), matrix.transposed
			}
			start := zero
			if beta == 1 {
				start = c.clone().at
			}
			want := c.clone()
			oracle(start, func(i, j int) float32 { return atA(a, i, j) }, func(i, j int) float32 { return atB(b, i, j) }, m, n, k, want.set)
			BLAS{}.Sgemm(tA, tB, m, n, k, 1, a.x, a.ld, b.x, b.ld, beta, c.x, c.ld)
			requireSame(t, "Sgemm", c.x, want.x)
		})
	})
}

func TestSgemv(t *testing.T) {
	eachKernel(t, func(t *testing.T) {
		rapid.Check(t, func(t *rapid.T) {
			m, n := size(t, 1, "m"), size(t, 1, "n")
			a, rows, columns := drawMatrix(t, m, n, "a"), drawVector(t, m, "rows"), matrix{drawVector(t, 2*n, "columns"), 2}
			want := make([]float32, m)
			oracle(zero, a.at, columns.at, m, 1, n, func(i, _ int, x float32) { want[i] = x })
			got := make([]float32, m)
			BLAS{}.Sgemv(blas.NoTrans, m, n, 1, a.x, a.ld, columns.x, 2, 0, got, 1)
			requireSame(t, "Sgemv", got, want)

			want, got = make([]float32, n), make([]float32, n)
			oracle(zero, a.transposed, matrix{rows, 1}.at, n, 1, m, func(i, _ int, x float32) { want[i] = x })
			BLAS{}.Sgemv(blas.Trans, m, n, 1, a.x, a.ld, rows, 1, 0, got, 1)
			requireSame(t, "Sgemv transposed", got, want)
		})
	})
}

func TestScaledProductsStayGonums(t *testing.T) {
	c := []float32{1}
	BLAS{}.Sgemm(blas.NoTrans, blas.NoTrans, 1, 1, 2, 2, []float32{3, 4}, 2, []float32{5, 6}, 1, 0.5, c, 1)
	if c[0] != 78.5 {
		t.Errorf("2 (3*5 + 4*6) + 1/2 = %v, want 78.5", c[0])
	}
	BLAS{}.Sgemv(blas.NoTrans, 1, 2, 2, []float32{3, 4}, 2, []float32{5, 6}, 1, 1, c, 1)
	if c[0] != 156.5 {
		t.Errorf("2 (3*5 + 4*6) + 78.5 = %v, want 156.5", c[0])
	}
}

// TestTensorProducts runs a product of Gorgonia's tensors on ours: on operands whose product depends on the rounding.
func TestTensorProducts(t *testing.T) {
	before := tensor.WhichBLAS()
	defer tensor.Use(before)
	tensor.Use(BLAS{})
	a := tensor.New(tensor.WithShape(1, 2), tensor.WithBacking([]float32{1, 1 + 0x1p-23}))
	b := tensor.New(tensor.WithShape(2, 2), tensor.WithBacking([]float32{-1, 0, 1 - 0x1p-23, 1}))
	c, err := tensor.MatMul(a, b)
	if err != nil {
		t.Fatal(err)
	}
	if got := c.Data().([]float32)[0]; got != -0x1p-46 { // zero if the second product is rounded before it is added
		t.Errorf("tensor product is %v, want -2^-46", got)
	}
}
