package kernel

import (
	"math"
	"math/big"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// TestOptimizersByDefinition takes one step from known values and compares with the formulas in float64.
func TestOptimizersByDefinition(t *testing.T) {
	const w0, g0, lr = 0.5, -0.25, 0.1
	steps := []struct {
		name string
		step func(w, grad, state1, state2 []float32)
		want float64
	}{
		{"SGD", func(w, g, _, _ []float32) { SGD(w, g, lr) }, w0 - lr*g0},
		{"Momentum", func(w, g, v, _ []float32) { Momentum(w, v, g, lr, 0.9) }, w0 - lr*(0.9*0.125+g0)},
		{"Adagrad", func(w, g, acc, _ []float32) { Adagrad(w, acc, g, lr, 1e-3) }, w0 - lr*g0/(math.Sqrt(0.125+g0*g0)+1e-3)},
		{"Adam", func(w, g, m, v []float32) { Adam(w, m, v, g, lr, 0.9, 0.99, 1e-8, 2, 3) },
			w0 - lr*2*(0.9*0.125+0.1*g0)/(math.Sqrt(3*(0.99*0.75+0.01*g0*g0))+1e-8)},
		{"FTRL", func(w, g, z, n []float32) { FTRL(w, z, n, g, lr, 0.01, 0.02, 1) }, ftrlByDefinition(w0, 0.125, 0.75, g0, lr, 0.01, 0.02, 1)},
		{"FTRL within l1", func(w, g, z, n []float32) { FTRL(w, z, n, g, lr, 10, 0, 1) }, 0},
	}
	eachKernel(t, func(t *testing.T) {
		for _, s := range steps {
			w := []float32{w0}
			s.step(w, []float32{g0}, []float32{0.125}, []float32{0.75})
			if math.Abs(float64(w[0])-s.want) > 1e-6 {
				t.Errorf("%s moved the weight to %v, want %v", s.name, w[0], s.want)
			}
		}
	})
}

// Below float32's normal range a moment would not decay any further: .9 of the smallest number rounds to itself.
func TestMomentsEndAtZero(t *testing.T) {
	eachKernel(t, func(t *testing.T) {
		w, g := []float32{1}, []float32{0}
		m, v, velocity := []float32{0x1p-99}, []float32{0x1p-125}, []float32{-0x1p-99}
		for _, want := range [][]float32{{0x1p-100, 0x1p-126, -0x1p-100}, {0, 0, 0}} {
			Adam(w, m, v, g, 0.1, 0.5, 0.5, 1e-8, 1, 1)
			Momentum(w, velocity, g, 0.1, 0.5)
			if got := []float32{m[0], v[0], velocity[0]}; !slices.Equal(got, want) {
				t.Errorf("halved moments are %v, want %v", got, want)
			}
		}
	})
}

func ftrlByDefinition(w, z, n, g, lr, l1, l2, beta float64) float64 {
	sigma := (math.Sqrt(n+g*g) - math.Sqrt(n)) / lr
	z += g - sigma*w
	if math.Abs(z) <= l1 {
		return 0
	}
	return (math.Copysign(l1, z) - z) / ((beta+math.Sqrt(n+g*g))/lr + l2)
}

func TestSumSquares(t *testing.T) {
	eachKernel(t, func(t *testing.T) {
		rapid.Check(t, func(t *rapid.T) {
			n := rapid.OneOf(rapid.IntRange(0, 100), rapid.IntRange(SumSquaresBlock-20, 2*SumSquaresBlock+20)).Draw(t, "n")
			x := drawVector(t, n, "x")
			got, want := SumSquares(x), 0.0
			for begin := 0; begin < n; begin += SumSquaresBlock { // the promise for parts that begin at blocks
				want += sumSquaresPortable(x[begin:min(n, begin+SumSquaresBlock)])
			}
			if got != want && !(got != got && want != want) {
				t.Fatalf("%d elements sum to %v, want %v", n, got, want)
			}
		})
		if got := SumSquares([]float32{3, 4, 12}); got != 169 {
			t.Errorf("SumSquares(3, 4, 12) = %v, want 169", got)
		}
	})
}

func TestFixedAdd(t *testing.T) {
	eachKernel(t, func(t *testing.T) {
		rapid.Check(t, func(t *rapid.T) {
			n := rapid.IntRange(0, 70).Draw(t, "n")
			x := drawVector(t, n, "x")
			acc := make([]int64, n)
			want := make([]int64, n)
			for i := range x {
				for !(math.Abs(float64(x[i])) <= FixedLimit) {
					x[i] = float32(i) * 0x1.8p-41 // ties, at odd i
				}
				acc[i] = int64(i) - 1<<60
				want[i] = acc[i] + exactFixed(x[i])
			}
			FixedAdd(acc, x)
			for i := range want {
				if acc[i] != want[i] {
					t.Fatalf("%v adds %d, want %d", x[i], acc[i]-want[i]+exactFixed(x[i]), exactFixed(x[i]))
				}
			}
		})
	})
}

// exactFixed is x * 2^40 rounded half to even, through big integers.
func exactFixed(x float32) int64 {
	twice := new(big.Float).SetPrec(300).SetFloat64(float64(x) * FixedScale * 2)
	floor, accuracy := twice.Int64() // towards zero
	half, rest := floor/2, floor%2
	if accuracy == big.Exact && half%2 == 0 {
		rest = 0 // a tie, or no fraction at all
	}
	return half + rest
}

func TestFixedCheck(t *testing.T) {
	eachKernel(t, func(t *testing.T) {
		rapid.Check(t, func(t *rapid.T) {
			n := rapid.IntRange(1, 90).Draw(t, "n")
			x := drawVector(t, n, "x")
			limit := rapid.SampledFrom([]float32{1, FixedLimit, math.MaxFloat32, float32(math.Inf(1))}).Draw(t, "limit")
			want := -1
			for i := n - 1; i >= 0; i-- {
				if v := math.Abs(float64(x[i])); !(v <= float64(limit)) || v > math.MaxFloat32 {
					want = i
				}
			}
			if got := FixedCheck(x, limit); got != want {
				t.Fatalf("FixedCheck(%v, %v) = %d, want %d", x, limit, got, want)
			}
		})
	})
}

func TestFixedSum(t *testing.T) {
	eachKernel(t, func(t *testing.T) {
		rapid.Check(t, func(t *rapid.T) {
			n, limit := rapid.IntRange(0, 70).Draw(t, "n"), rapid.SampledFrom([]float32{1, FixedLimit, math.MaxFloat32, float32(math.Inf(1))}).Draw(t, "limit")
			acc, want, within, accumulate := make([]int64, n), make([]int64, n), true, rapid.Bool().Draw(t, "accumulate")
			for i := range acc {
				acc[i] = int64(i) - 1<<50
				if accumulate {
					want[i] = acc[i]
				}
			}
			x := make([][]float32, rapid.IntRange(1, 9).Draw(t, "vectors"))
			for i := range x {
				x[i] = append(drawVector(t, n, "x"), float32(math.NaN())) // an element that does not belong to the sum
				within = within && FixedCheck(x[i][:n], limit) < 0
				fixedAddPortable(want, x[i][:n])
			}
			if got := FixedSum(acc, accumulate, x, limit); got != within {
				t.Fatalf("all are within %v: %t, want %t: %v", limit, got, within, x)
			}
			if limit <= FixedLimit && within && !slices.Equal(acc, want) {
				t.Fatalf("%v add up to %v, want %v", x, acc, want)
			}
		})
	})
}

func TestFixedMerge(t *testing.T) {
	eachKernel(t, func(t *testing.T) {
		for n := range 40 {
			acc, sums, want := make([]int64, n), make([]int64, n+1), make([]int64, n)
			for i := range acc {
				acc[i], sums[i] = int64(i)-1<<60, int64(i*i)<<40
				want[i] = int64(i) - 1<<60 + int64(i*i)<<40
			}
			if FixedMerge(acc, sums); !slices.Equal(acc, want) {
				t.Fatalf("%d sums are %v, want %v", n, acc, want)
			}
		}
	})
}

func TestFixedMean(t *testing.T) {
	eachKernel(t, func(t *testing.T) {
		rapid.Check(t, func(t *rapid.T) {
			n := rapid.IntRange(0, 70).Draw(t, "n")
			seed := rapid.Uint64().Draw(t, "seed")
			weight := rapid.Float64Range(0x1p-40, 1e9).Draw(t, "weight")
			acc, dst, want := make([]int64, n), make([]float32, n), make([]float32, n)
			for i := range acc {
				r := next(&seed)
				acc[i] = int64(r) >> (r % 64)
				want[i] = float32(float64(acc[i]) * 0x1p-40 / weight)
			}
			FixedMean(dst, acc, weight)
			requireSame(t, "FixedMean", dst, want)
		})
		dst := make([]float32, 2)
		FixedMean(dst, []int64{3 << 40, -1 << 39}, 4)
		if dst[0] != 0.75 || dst[1] != -0.125 {
			t.Errorf("means of 3 and -1/2 over 4 are %v, want 0.75 and -0.125", dst)
		}
	})
}
