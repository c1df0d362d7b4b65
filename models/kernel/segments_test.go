package kernel

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func TestSegmentSum(t *testing.T) {
	eachKernel(t, func(t *testing.T) {
		rapid.Check(t, func(t *rapid.T) {
			m, n := size(t, 1, "m"), rapid.IntRange(1, 250).Draw(t, "n")
			rows, stride := rapid.IntRange(1, 9).Draw(t, "rows"), rapid.IntRange(1, 3).Draw(t, "stride")
			ids := drawIDs(t, (m-1)*stride+1, rows)
			src, got := drawMatrix(t, m, n, "src"), drawVector(t, rows*n, "dst")
			want := make([]float32, rows*n)
			scatterOneByOne(want, n, ids, stride, src, m)
			SegmentSum(got, n, ids, stride, src.x, src.ld, m)
			requireSame(t, "SegmentSum", got, want)
		})
	})
}

// More rows than there are words for are summed in another way.
func TestSegmentSumOfManyRows(t *testing.T) {
	const rows, n = wordsSize + 1, segmentColumns
	got, src, want := slices.Repeat([]float32{1}, rows*n), ramp(2*n), make([]float32, rows*n)
	SegmentSum(got, n, []int32{rows - 1, 0}, 1, src, n, 2)
	copy(want, src[n:])
	copy(want[(rows-1)*n:], src[:n])
	if !slices.Equal(got, want) {
		t.Error("the sums differ from the rows that each is of")
	}
}
