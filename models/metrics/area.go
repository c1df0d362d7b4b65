package metrics

import (
	"math/big"
	"math/bits"
)

// Area is the part of an ROC curve that belongs to one interval of logits: the
// weights of its two classes and the weight of the pairs (negative, positive)
// that it ranks. Areas of adjoining intervals append to each other, which makes
// the AUC of any number of intervals exact. The zero Area is an empty interval.
type Area struct {
	Negatives, Positives uint64 // weights in multiples of 2^-30

	// TwicePairs is the weight of the pairs whose positive has the higher logit,
	// counted twice so that a tie, half a pair, is a whole number: 192 bits,
	// least significant word first, in multiples of 2^-60.
	TwicePairs [3]uint64
}

// Weights are those of the two classes.
func (a *Area) Weights() (negatives, positives float64) {
	return floatWeight(a.Negatives), floatWeight(a.Positives)
}

// Append extends a by the area of the logits that follow it: each of next's
// positives outranks all of a's negatives. It fails where the sum of the weights
// of either class exceeds 2^34.
func (a *Area) Append(next Area) error {
	a.addProduct(a.Negatives, next.Positives)
	a.addProduct(a.Negatives, next.Positives)
	a.add(next.TwicePairs)
	var err error
	if a.Negatives, err = addWeight(a.Negatives, next.Negatives); err != nil {
		return err
	}
	a.Positives, err = addWeight(a.Positives, next.Positives)
	return err
}

// AUC returns the probability that a positive drawn by weight has a higher logit
// than a negative, ties counted half (Hanley and McNeil 1982). It is undefined,
// and ok is false, unless both classes have weight.
func (a *Area) AUC() (auc float64, ok bool) {
	if a.Negatives == 0 || a.Positives == 0 {
		return 0, false
	}
	pairs := new(big.Int)
	for i := len(a.TwicePairs) - 1; i >= 0; i-- {
		pairs.Lsh(pairs, 64).Or(pairs, new(big.Int).SetUint64(a.TwicePairs[i]))
	}
	all := new(big.Int).SetUint64(a.Negatives)
	all.Mul(all, new(big.Int).SetUint64(a.Positives)).Lsh(all, 1)
	auc, _ = new(big.Rat).SetFrac(pairs, all).Float64()
	return auc, true
}

func (a *Area) addProduct(x, y uint64) {
	high, low := bits.Mul64(x, y)
	a.add([3]uint64{low, high, 0})
}

func (a *Area) add(x [3]uint64) {
	var carry uint64
	for i := range a.TwicePairs {
		a.TwicePairs[i], carry = bits.Add64(a.TwicePairs[i], x[i], carry)
	}
}
