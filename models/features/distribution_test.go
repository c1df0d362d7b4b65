package features

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// Keys keep the order of numbers, and give them back.
func TestKeysAreInOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		x, y := rapid.Float64().Draw(t, "x"), rapid.Float64().Draw(t, "y")
		if numberOf(keyOf(x)) != x || (x < y) != (keyOf(x) < keyOf(y)) {
			t.Fatalf("%v has key %x and %v has %x", x, keyOf(x), y, keyOf(y))
		}
	})
	if keyOf(math.Copysign(0, -1)) != keyOf(0) {
		t.Error("there are two zeros")
	}
}

// However numbers are divided and merged, and also where there are too many distinct ones, the counts are the same.
func TestDistributionsMergeInAnyOrder(t *testing.T) {
	for _, distinct := range []int{10, mostKeys / 2, 3 * mostKeys} {
		random := rand.New(rand.NewPCG(1, uint64(distinct)))
		numbers := make([]float64, 4*mostKeys)
		for i := range numbers {
			numbers[i] = math.Round(random.NormFloat64()*float64(distinct)) / 7
		}
		whole := newDistribution()
		for _, x := range numbers {
			whole.add(x, 1)
		}
		parts := make([]distribution, 5)
		for i := range parts {
			parts[i] = newDistribution()
		}
		for _, x := range numbers {
			parts[random.IntN(len(parts))].add(x, 1)
		}
		merged := newDistribution()
		for _, i := range random.Perm(len(parts)) {
			merged.merge(&parts[i])
		}
		if merged.dropped != whole.dropped || !slices.Equal(merged.inOrder(), whole.inOrder()) || len(whole.counts) > mostKeys {
			t.Errorf("%d distinct: %d keys without %d bits in parts, %d without %d bits as a whole",
				distinct, len(merged.counts), merged.dropped, len(whole.counts), whole.dropped)
		}
	}
}

func TestBoundaries(t *testing.T) {
	counted := func(pairs ...float64) (d distribution) {
		d = newDistribution()
		for i := 0; i < len(pairs); i += 2 {
			d.addCount(keyOf(pairs[i]), int64(pairs[i+1]))
		}
		return d
	}
	for _, test := range []struct {
		d    distribution
		n    int
		want []float64
	}{
		{counted(1, 1, 2, 1, 3, 1, 4, 1), 2, []float64{3}},
		{counted(1, 1, 2, 1, 3, 1, 4, 1), 4, []float64{2, 3, 4}},
		{counted(1, 1, 2, 1, 3, 1, 4, 1), 9, []float64{2, 3, 4}},
		{counted(5, 10), 4, nil},
		{counted(1, 4, 2, 4, 3, 1, 4, 1), 5, []float64{2, 3}},
		// Mostly one value: it stands alone, at the beginning, the end or between.
		{counted(0, 90, 1, 1, 2, 1, 3, 1, 4, 1), 3, []float64{1, 3}},
		{counted(1, 1, 2, 1, 3, 1, 4, 1, 9, 90), 3, []float64{3, 9}},
		{counted(-2, 1, -1, 1, 0, 90, 1, 1, 2, 1), 3, []float64{0, 1}},
		{counted(-2, 1, 0, 90), 8, []float64{0}},
	} {
		if got := test.d.boundaries(test.n); !slices.Equal(got, test.want) {
			t.Errorf("%v in %d intervals has the boundaries %v, want %v", test.d.inOrder(), test.n, got, test.want)
		}
	}
}

// Intervals of a continuous number hold about as many values each.
func TestBoundariesAreQuantiles(t *testing.T) {
	d, random := newDistribution(), rand.New(rand.NewPCG(1, 2))
	numbers := make([]float64, 100_000)
	for i := range numbers {
		numbers[i] = math.Exp(3 * random.NormFloat64())
		d.add(numbers[i], 1)
	}
	cuts := d.boundaries(20)
	counts := make([]int, len(cuts)+1)
	for _, x := range numbers {
		i, found := slices.BinarySearch(cuts, x)
		if found {
			i++
		}
		counts[i]++
	}
	if len(counts) != 20 || slices.Min(counts) < 4900 || slices.Max(counts) > 5100 {
		t.Errorf("the intervals hold %v", counts)
	}
}
