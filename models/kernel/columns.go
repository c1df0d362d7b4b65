package kernel

import "fmt"

// CopyRows copies src [m, n] to dst.
func CopyRows(dst []float32, ldd int, src []float32, lds, m, n int) {
	if m <= 0 || n <= 0 {
		return
	}
	checkMatrix("dst", dst, m, n, ldd)
	checkMatrix("src", src, m, n, lds)
	active.copyRows(dst, ldd, src, lds, m, n)
}

// LargestMagnitudes sets dst[j] to the bits of the largest magnitude among src[0:m, j], for each j < len(dst): 0 where the
// column has only zeros, and at least those of infinity where it has a number that is not finite.
func LargestMagnitudes(dst []uint32, src []float32, lds, m int) {
	if len(dst) == 0 || m <= 0 {
		clear(dst)
		return
	}
	checkMatrix("src", src, m, len(dst), lds)
	active.largest(dst, src, lds, m)
}

// UsedColumns lists the columns whose largest magnitude is not 0, one if all are, in the memory of a list. It tells whether
// these are so much fewer than all that it pays to copy them.
func UsedColumns(list []int32, largest []uint32) (used []int32, pays bool) {
	used = list[:0]
	for j, magnitude := range largest {
		if magnitude > 0 {
			used = append(used, int32(j))
		}
	}
	if len(used) == 0 && len(largest) > 0 {
		used = append(used, 0)
	}
	return used, len(used) <= len(largest)-len(largest)/8
}

// GatherColumns copies columns of src [m, n] to dst [m, len(columns)], in their order.
func GatherColumns(dst []float32, ldd int, src []float32, lds, m, n int, columns []int32) {
	if len(columns) == 0 || m <= 0 {
		return
	}
	checkMatrix("dst", dst, m, len(columns), ldd)
	checkMatrix("src", src, m, n, lds)
	for i, column := range columns {
		if uint(column) >= uint(n) {
			panic(fmt.Sprintf("kernel: column %d of the list is %d: there are %d", i, column, n))
		}
	}
	active.gatherColumns(dst, ldd, src, lds, m, columns)
}
