package main

// peakAVX512 makes n rounds of twelve multiply-adds of sixteen floats.
//
//go:noescape
func peakAVX512(n int)

// peakAVX2 makes n rounds of twelve multiply-adds of eight floats.
//
//go:noescape
func peakAVX2(n int)

const multiplyAdds = 12 // in a round

// peakLoop is the loop that the multiply-adders alone limit, for a kernel's width of vectors, and the operations in
// one of its rounds.
func peakLoop(kernel string) (loop func(n int), flops float64) {
	switch kernel {
	case "avx512":
		return peakAVX512, 2 * 16 * multiplyAdds
	case "avx2":
		return peakAVX2, 2 * 8 * multiplyAdds
	}
	return nil, 0
}
