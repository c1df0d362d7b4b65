package kernel

import (
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func drawIDs(t *rapid.T, n, rows int) []int32 {
	seed, ids := rapid.Uint64().Draw(t, "ids"), make([]int32, n)
	for i := range ids {
		ids[i] = int32(next(&seed) % uint64(rows))
	}
	return ids
}

// scatterOneByOne is the definition of a scatter.
func scatterOneByOne(table []float32, n int, ids []int32, stride int, src matrix, m int) {
	for i := range m {
		for j := range n {
			table[int(ids[i*stride])*n+j] += src.at(i, j)
		}
	}
}

func TestScatterAdd(t *testing.T) {
	eachKernel(t, func(t *testing.T) {
		rapid.Check(t, func(t *rapid.T) {
			m, n, rows := size(t, 1, "m"), size(t, 1, "n"), rapid.IntRange(1, 9).Draw(t, "rows")
			stride := rapid.IntRange(1, 3).Draw(t, "stride")
			ids := drawIDs(t, (m-1)*stride+1, rows)
			dense, table := drawMatrix(t, m, n, "dense"), drawVector(t, rows*n, "table")
			wantTable := append([]float32(nil), table...)
			scatterOneByOne(wantTable, n, ids, stride, dense, m)
			ScatterAdd(table, n, ids, stride, dense.x, dense.ld, m)
			requireSame(t, "ScatterAdd", table, wantTable)
		})
	})
}

func TestGatherSum(t *testing.T) {
	eachKernel(t, func(t *testing.T) {
		rapid.Check(t, func(t *rapid.T) {
			m, n := size(t, 1, "m"), size(t, 1, "n")
			columns := rapid.SliceOfN(rapid.IntRange(0, 2), 0, 7).Draw(t, "columns")
			const rows, stride = 5, 3
			ids := drawIDs(t, m*stride, rows)
			start, got := drawVector(t, n, "start"), drawMatrix(t, m, n, "dst")
			tables := make([][]float32, len(columns))
			for j := range tables {
				tables[j] = drawVector(t, rows*n, "table")
			}
			want := got.clone()
			for i := range m {
				for k := range n {
					sum := start[k]
					for j, table := range tables {
						sum += table[int(ids[i*stride+columns[j]])*n+k]
					}
					want.set(i, k, sum)
				}
			}
			GatherSum(got.x, got.ld, start, func(j int) []float32 { return tables[j] }, n, ids, stride, columns, m)
			requireSame(t, "GatherSum", got.x, want.x)
		})
	})
}

func TestIDOutOfRangePanics(t *testing.T) {
	for _, id := range []int32{-1, 3} {
		t.Run(fmt.Sprint(id), func(t *testing.T) {
			defer func() {
				if r := recover(); r == nil || !strings.Contains(fmt.Sprint(r), fmt.Sprintf("id %d of row 1", id)) {
					t.Errorf("recovered %v, want a panic that names the id", r)
				}
			}()
			table := make([]float32, 6)
			GatherSum(make([]float32, 4), 2, make([]float32, 2), func(int) []float32 { return table }, 2, []int32{0, id}, 1, []int{0}, 2)
		})
	}
}

// A call that panics leaves nothing behind for the next one.
func TestGatherSumAfterAPanic(t *testing.T) {
	dst, first, second := make([]float32, 2), []float32{1, 2}, []float32{3, 4}
	gather := func(table []float32, ids ...int32) {
		GatherSum(dst, 2, make([]float32, 2), func(int) []float32 { return table }, 2, ids, len(ids), []int{0, 1}[:len(ids)], 1)
	}
	func() {
		defer func() {
			if recover() == nil {
				t.Error("an id that is no row of the second table does not panic")
			}
		}()
		gather(first, 0, 1)
	}()
	if gather(second, 0); dst[0] != 3 || dst[1] != 4 {
		t.Errorf("the sum of one row is %v, want %v", dst, second)
	}
}
