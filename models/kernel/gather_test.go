package kernel

import (
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestGatherAndScatter(t *testing.T) {
	eachKernel(t, func(t *testing.T) {
		rapid.Check(t, func(t *rapid.T) {
			m, n, rows := size(t, 1, "m"), size(t, 1, "n"), rapid.IntRange(1, 9).Draw(t, "rows")
			stride := rapid.IntRange(1, 3).Draw(t, "stride")
			seed := rapid.Uint64().Draw(t, "ids")
			ids := make([]int32, (m-1)*stride+1)
			for i := range ids {
				ids[i] = int32(next(&seed) % uint64(rows))
			}
			dense, table := drawMatrix(t, m, n, "dense"), drawVector(t, rows*n, "table")
			want, got := dense.clone(), dense.clone()
			for i := range m {
				for j := range n {
					want.set(i, j, want.at(i, j)+table[int(ids[i*stride])*n+j])
				}
			}
			GatherAdd(got.x, got.ld, table, n, ids, stride, m)
			requireSame(t, "GatherAdd", got.x, want.x)

			wantTable := append([]float32(nil), table...)
			for i := range m {
				for j := range n {
					wantTable[int(ids[i*stride])*n+j] += dense.at(i, j)
				}
			}
			ScatterAdd(table, n, ids, stride, dense.x, dense.ld, m)
			requireSame(t, "ScatterAdd", table, wantTable)
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
			GatherAdd(make([]float32, 4), 2, make([]float32, 6), 2, []int32{0, id}, 1, 2)
		})
	}
}
