package kernel

import "fmt"

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
