package features

import (
	"math"
	"math/big"

	"github.com/penstock-ml/penstock/models/exact"
)

// moments sum up the values of a number, the missing ones left out.
type moments struct {
	sum, squares exact.Sum
	min, max     float64
}

func newMoments() moments { return moments{min: math.Inf(1), max: math.Inf(-1)} }

// add adds n times x. Where n is not 1 the square of x must be in range, as squares tells.
func (m *moments) add(x float64, n int64) {
	if n == 1 {
		m.sum.Add(x)
		m.squares.AddProduct(x, x)
	} else {
		times, square := float64(n), float64(x*x)
		m.sum.AddProduct(x, times)
		m.squares.AddProduct(square, times)
		m.squares.AddProduct(math.FMA(x, x, -square), times) // what rounding the square lost
	}
	m.min = min(m.min, x)
	m.max = max(m.max, x)
}

func (m *moments) merge(other *moments) {
	m.sum.Merge(&other.sum)
	m.squares.Merge(&other.squares)
	m.min = min(m.min, other.min)
	m.max = max(m.max, other.max)
}

// fit computes mean and deviation from the exact sums of n values, rounding
// each once: the usual formulas lose all digits when the mean is far from zero.
// Neither can overflow, being at most the largest magnitude among the values.
func (m *moments) fit(n int64) *FittedNumber {
	const wide = 10_000 // bits: enough for the square of any sum
	count := new(big.Float).SetPrec(wide).SetInt64(n)
	sum := new(big.Float).SetPrec(wide).Set(m.sum.Exact())
	squares := new(big.Float).SetPrec(wide).Set(m.squares.Exact())

	mean, _ := new(big.Float).Quo(sum, count).Float64()
	// The variance is (n*squares - sum^2) / n^2.
	variance := new(big.Float).SetPrec(wide).Mul(count, squares)
	variance.Sub(variance, new(big.Float).SetPrec(wide).Mul(sum, sum))
	variance.Quo(variance, new(big.Float).SetPrec(wide).Mul(count, count))
	deviation, _ := new(big.Float).Sqrt(variance).Float64()
	return &FittedNumber{Mean: mean, Deviation: deviation, Min: m.min, Max: m.max}
}
