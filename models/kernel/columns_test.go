package kernel

import (
	"math"
	"testing"

	"pgregory.net/rapid"
)

func TestLargestMagnitudes(t *testing.T) {
	eachKernel(t, func(t *testing.T) {
		rapid.Check(t, func(t *rapid.T) {
			m, n := size(t, 0, "m"), size(t, 0, "n")
			src, got := drawMatrix(t, m, n, "src"), make([]uint32, n)
			for j := range got {
				got[j] = 7
			}
			LargestMagnitudes(got, src.x, src.ld, m)
			for j := range n {
				want := uint32(0)
				for i := range m {
					want = max(want, math.Float32bits(src.at(i, j))&math.MaxInt32)
				}
				if got[j] != want {
					t.Fatalf("column %d has %08x, want %08x", j, got[j], want)
				}
			}
		})
	})
}

func TestGatherColumns(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m, n := size(t, 1, "m"), size(t, 1, "n")
		columns := rapid.SliceOfN(rapid.Int32Range(0, int32(n-1)), 0, 20).Draw(t, "columns")
		src, dst := drawMatrix(t, m, n, "src"), drawMatrix(t, m, len(columns), "dst")
		want := dst.clone()
		for i := range m {
			for j, column := range columns {
				want.set(i, j, src.at(i, int(column)))
			}
		}
		GatherColumns(dst.x, dst.ld, src.x, src.ld, m, columns)
		requireSame(t, "GatherColumns", dst.x, want.x)
	})
}
