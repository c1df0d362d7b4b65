package kernel

import (
	"unsafe"

	"math"

	"golang.org/x/sys/cpu"
)

// accelerated lists the implementations in assembly that the processor and the operating system support, the fastest
// first.
func accelerated() []*implementation {
	var found []*implementation
	x86 := &cpu.X86
	if x86.HasAVX512F && x86.HasAVX512DQ && x86.HasAVX512VL && x86.HasAVX512BW && x86.HasBMI2 && x86.HasFMA {
		found = append(found, &avx512)
	}
	if x86.HasAVX2 && x86.HasFMA {
		found = append(found, &avx2)
	}
	return found
}

var avx512 = implementation{
	name:                "avx512",
	multiply:            multiplyAVX512,
	packs:               true,
	transpose:           transposeAVX512,
	add:                 addAVX512,
	mul:                 mulAVX512,
	scale:               scaleAVX512,
	axpy:                axpyAVX512,
	relu:                reluAVX512,
	reluMask:            reluMaskAVX512,
	gatherSum:           gatherRowsAVX512,
	segmentSum:          assemblyAVX512.segmentSum,
	copyRows:            assemblyAVX512.copyRows,
	largest:             assemblyAVX512.largestRows,
	gatherColumns:       assemblyAVX512.gatherColumns,
	scatterAdd:          scatterRowsAVX512,
	prefetch:            prefetchAVX512,
	exp:                 expAVX512,
	log:                 logAVX512,
	log1p:               log1pAVX512,
	sigmoid:             sigmoidAVX512,
	tanh:                tanhAVX512,
	sigmoidCrossEntropy: sigmoidCrossEntropyAVX512,
	sgd:                 sgdAVX512,
	momentum:            momentumAVX512,
	adam:                adamAVX512,
	adagrad:             adagradAVX512,
	ftrl:                ftrlAVX512,
	sumSquares:          sumSquaresAVX512,
	fixedCheck:          fixedCheckAVX512,
	fixedAdd:            fixedAddRestAVX512,
	fixedSum:            fixedSumRestAVX512,
	fixedMerge:          fixedMergeRestAVX512,
	fixedMean:           fixedQuotientAVX512,
}

var avx2 = implementation{
	name:                "avx2",
	multiply:            multiplyAVX2,
	packs:               true,
	transpose:           transposeAVX2,
	add:                 addAVX2,
	mul:                 mulAVX2,
	scale:               scaleAVX2,
	axpy:                axpyAVX2,
	relu:                reluAVX2,
	reluMask:            reluMaskAVX2,
	gatherSum:           gatherRowsAVX2,
	segmentSum:          assemblyAVX2.segmentSum,
	copyRows:            assemblyAVX2.copyRows,
	largest:             assemblyAVX2.largestRows,
	gatherColumns:       assemblyAVX2.gatherColumns,
	scatterAdd:          scatterRowsAVX2,
	prefetch:            prefetchAVX2,
	exp:                 expAVX2,
	log:                 logAVX2,
	log1p:               log1pAVX2,
	sigmoid:             sigmoidAVX2,
	tanh:                tanhAVX2,
	sigmoidCrossEntropy: sigmoidCrossEntropyAVX2,
	sgd:                 sgdAVX2,
	momentum:            momentumAVX2,
	adam:                adamAVX2,
	adagrad:             adagradAVX2,
	ftrl:                ftrlAVX2,
	sumSquares:          sumSquaresAVX2,
	fixedCheck:          fixedCheckAVX2,
	fixedAdd:            fixedAddRestAVX2,
	fixedSum:            fixedSumRestAVX2,
	fixedMerge:          fixedMergeRestAVX2,
	fixedMean:           fixedQuotientAVX2,
}

// The functions below give the assembly the form of the table. Functions that take only whole vectors leave the rest
// to the portable twin, which gives the same bits.

func gatherRowsAVX512(dst []float32, ldd int, start []float32, tables []*float32, ids []int32, stride int, columns []int, m int) {
	gatherSumAVX512(&dst[0], ldd, &start[0], unsafe.SliceData(tables), unsafe.SliceData(ids), stride, unsafe.SliceData(columns), len(columns), m, len(start))
}

func scatterRowsAVX512(table []float32, n int, ids []int32, stride int, src []float32, lds, m int) {
	scatterAddAVX512(&table[0], n, &ids[0], stride, &src[0], lds, m)
}

func gatherRowsAVX2(dst []float32, ldd int, start []float32, tables []*float32, ids []int32, stride int, columns []int, m int) {
	gatherSumAVX2(&dst[0], ldd, &start[0], unsafe.SliceData(tables), unsafe.SliceData(ids), stride, unsafe.SliceData(columns), len(columns), m, len(start))
}

func scatterRowsAVX2(table []float32, n int, ids []int32, stride int, src []float32, lds, m int) {
	scatterAddAVX2(&table[0], n, &ids[0], stride, &src[0], lds, m)
}

func sumSquaresAVX512(x []float32) float64 {
	var lanes [sumLanes]float64
	whole := len(x) &^ (sumLanes - 1)
	squareLanesAVX512(&lanes, x[:whole])
	squareLanes(&lanes, x[whole:])
	return foldLanes(&lanes)
}

func sumSquaresAVX2(x []float32) float64 {
	var lanes [sumLanes]float64
	whole := len(x) &^ (sumLanes - 1)
	squareLanesAVX2(&lanes, x[:whole])
	squareLanes(&lanes, x[whole:])
	return foldLanes(&lanes)
}

func fixedCheckAVX512(x []float32, limit float32) int {
	within := fixedWithinAVX512(x[:len(x)&^15], min(limit, math.MaxFloat32))
	return fixedCheckFrom(x, within, limit)
}

func fixedCheckAVX2(x []float32, limit float32) int {
	within := fixedWithinAVX2(x[:len(x)&^7], min(limit, math.MaxFloat32))
	return fixedCheckFrom(x, within, limit)
}

// fixedCheckFrom checks the elements of x from begin on.
func fixedCheckFrom(x []float32, begin int, limit float32) int {
	if i := fixedCheckPortable(x[begin:], limit); i >= 0 {
		return begin + i
	}
	return -1
}

func fixedAddRestAVX512(acc []int64, x []float32) {
	whole := len(x) &^ 7
	fixedAddAVX512(acc[:whole], x[:whole])
	fixedAddPortable(acc[whole:], x[whole:])
}

func fixedAddRestAVX2(acc []int64, x []float32) {
	whole := len(x) &^ 3
	fixedAddAVX2(acc[:whole], x[:whole])
	fixedAddPortable(acc[whole:], x[whole:])
}

func fixedSumRestAVX512(acc []int64, accumulate bool, x [][]float32, limit float32) bool {
	whole := len(acc) &^ 15
	within := fixedSumAVX512(acc[:whole], accumulate, x, min(limit, math.MaxFloat32))
	if whole < len(acc) {
		within = fixedSumFrom(acc, accumulate, x, whole, limit) && within
	}
	return within
}

func fixedSumRestAVX2(acc []int64, accumulate bool, x [][]float32, limit float32) bool {
	whole := len(acc) &^ 7
	within := fixedSumAVX2(acc[:whole], accumulate, x, min(limit, math.MaxFloat32))
	if whole < len(acc) {
		within = fixedSumFrom(acc, accumulate, x, whole, limit) && within
	}
	return within
}

func fixedMergeRestAVX512(acc, sums []int64) {
	whole := len(acc) &^ 7
	fixedMergeAVX512(acc[:whole], sums[:whole])
	fixedMergePortable(acc[whole:], sums[whole:])
}

func fixedQuotientAVX512(dst []float32, acc []int64, weight float64) {
	whole := len(dst) &^ 7
	fixedMeanAVX512(dst[:whole], acc[:whole], weight)
	fixedMeanPortable(dst[whole:], acc[whole:], weight)
}

func fixedMergeRestAVX2(acc, sums []int64) {
	whole := len(acc) &^ 3
	fixedMergeAVX2(acc[:whole], sums[:whole])
	fixedMergePortable(acc[whole:], sums[whole:])
}

func fixedQuotientAVX2(dst []float32, acc []int64, weight float64) {
	whole := len(dst) &^ 3
	fixedMeanAVX2(dst[:whole], acc[:whole], weight)
	fixedMeanPortable(dst[whole:], acc[whole:], weight)
}
