package kernel

import "sync"

// segmentColumns is from how many columns on SegmentSum goes segment by segment: sums of fewer are soon added to where
// they lie.
const segmentColumns = 32

// SegmentSum sets each row of dst [rows, n] to the sum of the rows of src [m, n] with its number in ids, i ascending:
// dst[ids[i*stride]] += src[i], from 0. It panics on an id that is no row of dst.
func SegmentSum(dst []float32, n int, ids []int32, stride int, src []float32, lds, m int) {
	rows, depth := len(dst)/max(n, 1), wordsFor(m)
	if m <= 0 || n < segmentColumns || rows*depth > wordsSize {
		clear(dst)
		ScatterAdd(dst, n, ids, stride, src, lds, m)
		return
	}
	checkMatrix("src", src, m, n, lds)
	words := segments.Get().(*[wordsSize]uint64)
	defer segments.Put(words)
	segmentWords(words[:rows*depth], rows, ids, stride, m)
	active.segmentSum(dst, n, words[:], rows, depth, src, lds)
}

// segments is memory for words.
var segments = sync.Pool{New: func() any { return new([wordsSize]uint64) }}

// segmentWords makes the words of a matrix whose product with src is the sum: row ids[i*stride] has its i-th term.
func segmentWords(words []uint64, rows int, ids []int32, stride, m int) {
	clear(words)
	for begin := 0; begin < m; begin += wordTerms {
		of := words[begin/wordTerms*rows:][:rows]
		for i := begin; i < min(begin+wordTerms, m); i++ {
			of[ids[i*stride]] |= 1 << (i - begin)
		}
	}
}
