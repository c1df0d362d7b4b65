package kernel

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestCopyRows(t *testing.T) {
	eachKernel(t, func(t *testing.T) {
		rapid.Check(t, func(t *rapid.T) {
			m, n := size(t, 0, "m"), size(t, 0, "n")
			src, dst := drawMatrix(t, m, n, "src"), drawMatrix(t, m, n, "dst")
			want := dst.clone()
			for i := range m {
				for j := range n {
					want.set(i, j, src.at(i, j))
				}
			}
			CopyRows(dst.x, dst.ld, src.x, src.ld, m, n)
			requireSame(t, "CopyRows", dst.x, want.x)
		})
	})
}

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
	eachKernel(t, func(t *testing.T) {
		rapid.Check(t, func(t *rapid.T) {
			m, n := size(t, 1, "m"), size(t, 1, "n")
			columns := rapid.SliceOfN(rapid.Int32Range(0, int32(n-1)), 0, 50).Draw(t, "columns")
			src, dst := drawMatrix(t, m, n, "src"), drawMatrix(t, m, len(columns), "dst")
			want := dst.clone()
			for i := range m {
				for j, column := range columns {
					want.set(i, j, src.at(i, int(column)))
				}
			}
			GatherColumns(dst.x, dst.ld, src.x, src.ld, m, n, columns)
			requireSame(t, "GatherColumns", dst.x, want.x)
		})
	})
}

func TestColumnOutOfRangePanics(t *testing.T) {
	for _, column := range []int32{-1, 3} {
		func() {
			defer func() {
				if r := recover(); r == nil || !strings.Contains(fmt.Sprint(r), "column 1 of the list") {
					t.Errorf("recovered %v, want a panic that names the column", r)
				}
			}()
			GatherColumns(make([]float32, 4), 2, make([]float32, 6), 3, 2, 3, []int32{0, column})
		}()
	}
}
