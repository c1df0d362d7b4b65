package draft

import (
	"math"
	"strconv"
)

// A recipe is how a model is made and trained. Its figures come from trying: they did best on the whole over sets of a
// hundred to fifty thousand records, with numbers and words, of two classes, more, and numbers to predict. Which of them
// matter most: few records want more decay (L2 in proportion to 1/n) and a lower rate for the wide part, whose buckets
// learn by heart, and very few none of it; numbers to predict want less decay and longer training than classes.
type recipe struct {
	batch     int
	epochs    int
	intervals int // of a number in the deep part
	buckets   int // of a number in the wide part
	hidden    []int
	wideRate  float64
	deepRate  float64
	wideL2    float64
	deepL2    float64
	minCount  int  // of a word
	noWide    bool // there is only a deep part
}

// Bounds between recipes, in records.
const (
	few  = 1000
	some = 10_000
	many = 300_000
)

func recipeFor(n int64, regression bool) recipe {
	r := recipe{batch: 512, epochs: 5, intervals: 16, buckets: 64, hidden: []int{100, 70, 50, 34}, wideRate: 0.06, deepRate: 0.006, minCount: 1}
	switch {
	case n < few:
		r.batch, r.epochs, r.hidden, r.deepRate, r.noWide = 32, 30, []int{128, 64, 32}, 0.003, true
	case n < some:
		r.batch, r.epochs, r.buckets, r.hidden, r.wideRate = 128, 15, 32, []int{128, 64, 32}, 0.01
	case n > many:
		r.batch, r.epochs, r.minCount = 1024, 3, 3
	}
	r.decay(n, regression)
	if regression && n >= few {
		r.epochs *= 2
	}
	return r
}

// decay sets L2.
func (r *recipe) decay(n int64, regression bool) {
	scale, most := 20., 0.1
	switch {
	case n >= some: // few passes over so many are decay enough
		return
	case n < few:
		scale = 15
	case regression:
		scale = 1.5
	}
	r.deepL2 = digits(min(most, scale/float64(n)))
	r.wideL2 = 2 * r.deepL2
}

// digits rounds to two of them.
func digits(x float64) float64 {
	rounded, _ := strconv.ParseFloat(strconv.FormatFloat(x, 'e', 1, 64), 64)
	return rounded
}

// indicatorWords is up to how many words a column is one-hot in the deep part; more are embedded.
const indicatorWords = 12

// dimension is that of the embedding of so many words.
func dimension(words int) int {
	return min(16, int(math.Ceil(1.6*math.Pow(float64(words), 0.56))))
}

// hashBuckets gives many words some room: the next power of two above their number.
func hashBuckets(words int) int {
	const most = 1 << 18
	buckets := 1 << 10
	for buckets < most && buckets < 2*words {
		buckets *= 2
	}
	return buckets
}
