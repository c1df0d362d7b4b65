package synthetic

import "math/bits"

// stream yields the random numbers of one row: SplitMix64 (Steele, Lea and Flood
// 2014), started from a hash of the seed and the row.
type stream uint64

const goldenGamma = 0x9e3779b97f4a7c15

func newStream(seed, row int64) stream {
	return stream(mix(mix(uint64(seed)+goldenGamma) + uint64(row)))
}

func (s *stream) next() uint64 {
	*s += goldenGamma
	return mix(uint64(*s))
}

// uniform returns a multiple of 2^-53 in [0, 1).
func (s *stream) uniform() float64 { return float64(s.next()>>11) * 0x1p-53 }

// below returns an integer in [0, n).
func (s *stream) below(n int) int {
	high, _ := bits.Mul64(s.next(), uint64(n))
	return int(high)
}

// choose draws an index of d.
func (s *stream) choose(d distribution) int {
	x := s.below(d[len(d)-1])
	i := 0
	for x >= d[i] {
		i++
	}
	return i
}

// mix is the finalizer of SplitMix64, a bijection.
func mix(z uint64) uint64 {
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// distribution holds cumulative weights; the likely values come first, where
// choose finds them soonest.
type distribution []int

func weights(w ...int) distribution {
	d := make(distribution, len(w))
	sum := 0
	for i, x := range w {
		sum += x
		d[i] = sum
	}
	return d
}
