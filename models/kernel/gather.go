package kernel

import (
	"fmt"
	"sync"
	"unsafe"
)

// GatherSum sets the rows of dst [m, n] to start [n] plus a row of each table [rows, n], in the order of the columns of
// ids, one a table: dst[i] = start + table(0)[ids[i*stride+columns[0]]] + table(1)[...] + ... It panics on an id that is
// no row of its table.
func GatherSum(dst []float32, ldd int, start []float32, table func(j int) []float32, n int, ids []int32, stride int, columns []int, m int) {
	if m <= 0 || n <= 0 {
		return
	}
	checkMatrix("dst", dst, m, n, ldd)
	if n == 1 {
		gatherScalars(dst, ldd, start[0], table, ids, stride, columns, m)
		return
	}
	g := gathers.Get().(*gather)
	defer gathers.Put(g)
	g.tables = g.tables[:0] // of a call that panicked, some are left
	for j, column := range columns {
		t := table(j)
		checkIDs(ids[column:], stride, m, len(t)/n)
		g.tables = append(g.tables, unsafe.SliceData(t))
	}
	active.gatherSum(dst, ldd, start[:n], g.tables, ids, stride, columns, m)
	clear(g.tables) // their memory is not ours to keep
}

// gatherScalars goes table by table: there is nothing to vectorise.
func gatherScalars(dst []float32, ldd int, start float32, table func(j int) []float32, ids []int32, stride int, columns []int, m int) {
	for i := range m {
		dst[i*ldd] = start
	}
	for j, column := range columns {
		t := table(j)
		checkIDs(ids[column:], stride, m, len(t))
		for i := range m {
			dst[i*ldd] += t[ids[i*stride+column]]
		}
	}
}

// gather is memory of a GatherSum.
type gather struct{ tables []*float32 }

var gathers = sync.Pool{New: func() any { return new(gather) }}

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
