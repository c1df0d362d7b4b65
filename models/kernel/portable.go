package kernel

import (
	"math"
	"math/bits"
	"unsafe"
)

// portable is the implementation in Go: the reference for the others and the kernel of all other processors.
var portable = implementation{
	name:                "portable",
	multiply:            multiplyPortable,
	transpose:           transposePortable,
	add:                 addPortable,
	mul:                 mulPortable,
	scale:               scalePortable,
	axpy:                axpyPortable,
	relu:                reluPortable,
	reluMask:            reluMaskPortable,
	gatherSum:           gatherSumPortable,
	segmentSum:          segmentSumPortable,
	copyRows:            copyRowsPortable,
	largest:             largestPortable,
	gatherColumns:       gatherColumnsPortable,
	scatterAdd:          scatterAddPortable,
	prefetch:            func(*uint32, int) {},
	exp:                 mapPortable(exp),
	log:                 mapPortable(log),
	log1p:               mapPortable(log1p),
	sigmoid:             mapPortable(sigmoid),
	tanh:                mapPortable(tanh),
	sigmoidCrossEntropy: sigmoidCrossEntropyPortable,
	sgd:                 sgdPortable,
	momentum:            momentumPortable,
	adam:                adamPortable,
	adagrad:             adagradPortable,
	ftrl:                ftrlPortable,
	sumSquares:          sumSquaresPortable,
	fixedCheck:          fixedCheckPortable,
	fixedAdd:            fixedAddPortable,
	fixedSum:            fixedSumPortable,
	fixedMerge:          fixedMergePortable,
	fixedMean:           fixedMeanPortable,
}

func mapPortable(f func(float32) float32) func(dst, src []float32) {
	return func(dst, src []float32) {
		for i, x := range src {
			dst[i] = f(x)
		}
	}
}

func transposePortable(dst []float32, ldd int, src []float32, lds, m, n int) {
	for i := 0; i < m; i++ {
		for j, x := range src[i*lds:][:n] {
			dst[j*ldd+i] = x
		}
	}
}

func addPortable(dst, a, b []float32) {
	for i := range dst {
		dst[i] = a[i] + b[i]
	}
}

func mulPortable(dst, a, b []float32) {
	for i := range dst {
		dst[i] = a[i] * b[i]
	}
}

func scalePortable(dst, a []float32, s float32) {
	for i := range dst {
		dst[i] = a[i] * s
	}
}

func axpyPortable(dst, a []float32, s float32) {
	for i := range dst {
		dst[i] += float32(a[i] * s)
	}
}

func reluPortable(dst, src []float32) {
	for i := range dst {
		dst[i] = rectify(src[i])
	}
}

func rectify(x float32) float32 {
	if x < 0 {
		return 0
	}
	return x
}

func reluMaskPortable(dst, dy, y []float32) {
	for i := range dst {
		x := dy[i]
		if y[i] <= 0 {
			x = 0
		}
		dst[i] = x
	}
}

func gatherSumPortable(dst []float32, ldd int, start []float32, tables []*float32, ids []int32, stride int, columns []int, m int) {
	n := len(start)
	for i := range m {
		sum := dst[i*ldd:][:n]
		copy(sum, start)
		for j, column := range columns {
			id := int(ids[i*stride+column])
			addPortable(sum, sum, unsafe.Slice(tables[j], (id+1)*n)[id*n:])
		}
	}
}

func segmentSumPortable(dst []float32, n int, words []uint64, rows, depth int, src []float32, lds int) {
	for i := range rows {
		sum := dst[i*n:][:n]
		clear(sum)
		for d := range depth {
			for word := words[d*rows+i]; word != 0; word &= word - 1 {
				row := d*wordTerms + bits.TrailingZeros64(word)
				addPortable(sum, sum, src[row*lds:][:n])
			}
		}
	}
}

func copyRowsPortable(dst []float32, ldd int, src []float32, lds, m, n int) {
	for i := range m {
		copy(dst[i*ldd:][:n], src[i*lds:][:n])
	}
}

func largestPortable(dst []uint32, src []float32, lds, m int) {
	clear(dst)
	for i := range m {
		for j, x := range src[i*lds:][:len(dst)] {
			dst[j] = max(dst[j], math.Float32bits(x)&^(1<<31))
		}
	}
}

func gatherColumnsPortable(dst []float32, ldd int, src []float32, lds, m int, columns []int32) {
	for i := range m {
		to, from := dst[i*ldd:][:len(columns)], src[i*lds:]
		for j, column := range columns {
			to[j] = from[column]
		}
	}
}

func scatterAddPortable(table []float32, n int, ids []int32, stride int, src []float32, lds, m int) {
	for i := 0; i < m; i++ {
		row := table[int(ids[i*stride])*n:][:n]
		addPortable(row, row, src[i*lds:][:n])
	}
}
