package metrics

import (
	"fmt"
	"math"
	"math/bits"
)

// A weight is held as an integer number of 2^-weightBits: integers add up to the
// same total in any order, and exactly to 2^34 examples of weight 1.
const weightBits = 30

// MaxWeight is the largest weight of a single example.
const MaxWeight = 1 << 22

// fixedWeight rounds a weight to the nearest multiple of 2^-30, ties to even.
func fixedWeight(weight float32) (uint64, error) {
	if !(weight >= 0 && weight <= MaxWeight) { // also catches NaN
		return 0, fmt.Errorf("weight %v is not in [0, %d]", weight, MaxWeight)
	}
	return uint64(math.RoundToEven(math.Ldexp(float64(weight), weightBits))), nil
}

// floatWeight is the inverse of fixedWeight, rounded to float64.
func floatWeight(w uint64) float64 { return math.Ldexp(float64(w), -weightBits) }

// addWeight adds two totals; past 2^34 they no longer fit.
func addWeight(a, b uint64) (uint64, error) {
	sum, carry := bits.Add64(a, b, 0)
	if carry != 0 {
		return 0, fmt.Errorf("the sum of the weights exceeds 2^%d; scale them to a mean of 1", 64-weightBits)
	}
	return sum, nil
}

// checkExample refuses what no metric is defined for.
func checkExample(logit, label float32) error {
	if logit != logit || math.IsInf(float64(logit), 0) {
		return fmt.Errorf("logit %v is not finite", logit)
	}
	return checkLabel(label)
}

func checkLabel(label float32) error {
	if label != 0 && label != 1 {
		return fmt.Errorf("label %v is neither 0 nor 1", label)
	}
	return nil
}
