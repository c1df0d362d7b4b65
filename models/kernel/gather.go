package kernel

import (
	"fmt"
	"sync"
)

// GatherSum sets the rows of dst [m, n] to start [n] plus a row of each table [rows, n], in the order of the columns of
// ids, one a table: dst[i] = start + table(0)[ids[i*stride+columns[0]]] + table(1)[...] + ... It panics on an id that is
// no row of its table.
func GatherSum(dst []float32, ldd int, start []float32, table func(j int) []float32, n int, ids []int32, stride int, columns []int, m int) {
	if m <= 0 || n <= 0 {
		return
	}
	checkMatrix("dst", dst, m, n, ldd)
	g := gathers.Get().(*gather)
	defer gathers.Put(g)
	g.tables = g.tables[:0]
	for j, column := range columns {
		g.tables = append(g.tables, table(j))
		checkIDs(ids[column:], stride, m, len(g.tables[j])/n)
	}
	if n == 1 {
		g.scalars(dst, ldd, start[0], ids, stride, columns, m)
	} else {
		g.rowsOf(dst, ldd, start, n, ids, stride, columns, m)
	}
	clear(g.tables) // their memory is not ours to keep
	clear(g.rows)
}

// gather is memory of a GatherSum.
type gather struct {
	tables [][]float32
	rows   []*float32 // that make one row of dst
}

var gathers = sync.Pool{New: func() any { return new(gather) }}

func (g *gather) rowsOf(dst []float32, ldd int, start []float32, n int, ids []int32, stride int, columns []int, m int) {
	for i := range m {
		g.rows = append(g.rows[:0], &start[:n][0])
		for j, table := range g.tables {
			g.rows = append(g.rows, &table[int(ids[i*stride+columns[j]])*n])
		}
		active.sumRows(dst[i*ldd:][:n], g.rows)
	}
}

// scalars goes table by table: there is nothing to vectorise.
func (g *gather) scalars(dst []float32, ldd int, start float32, ids []int32, stride int, columns []int, m int) {
	for i := range m {
		dst[i*ldd] = start
	}
	for j, table := range g.tables {
		for i := range m {
			dst[i*ldd] += table[ids[i*stride+columns[j]]]
		}
	}
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
