package kernel

import "fmt"

// GatherAdd adds rows of a table [rows, n] to the rows of dst [m, n]: dst[i] += table[ids[i*stride]]. It panics on an
// id that is no row of the table.
func GatherAdd(dst []float32, ldd int, table []float32, n int, ids []int32, stride, m int) {
	if m <= 0 || n <= 0 {
		return
	}
	checkMatrix("dst", dst, m, n, ldd)
	checkIDs(ids, stride, m, len(table)/n)
	if n == 1 { // leaves nothing to vectorise
		for i := range m {
			dst[i*ldd] += table[ids[i*stride]]
		}
		return
	}
	active.gatherAdd(dst, ldd, table, n, ids, stride, m)
}

// ScatterAdd adds the rows of src [m, n] to rows of a table [rows, n], i ascending: table[ids[i*stride]] += src[i]. It
// panics on an id that is no row of the table.
func ScatterAdd(table []float32, n int, ids []int32, stride int, src []float32, lds, m int) {
	if m <= 0 || n <= 0 {
		return
	}
	checkMatrix("src", src, m, n, lds)
	checkIDs(ids, stride, m, len(table)/n)
	if n == 1 {
		for i := range m {
			table[ids[i*stride]] += src[i*lds]
		}
		return
	}
	active.scatterAdd(table, n, ids, stride, src, lds, m)
}

// checkIDs panics unless every id is in [0, rows): assembly would write to memory that is not the table's.
func checkIDs(ids []int32, stride, m, rows int) {
	for i := 0; i < m; i++ {
		if id := ids[i*stride]; uint64(uint32(id)) >= uint64(rows) {
			panic(fmt.Sprintf("kernel: id %d of row %d is not in [0, %d)", id, i, rows))
		}
	}
}
