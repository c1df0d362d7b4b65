package kernel

import "math"

const (
	// roundBits are the bits of a float64 significand beyond those of a float32, halfway the tie between two float32s.
	roundBits = 1<<29 - 1
	halfway   = 1 << 28
	// smallestNormal is the bit pattern of 2^-126 in float64: float32s below it have fewer significant bits.
	smallestNormal = (1023 - 126) << 52
)

// fma is a*b + c rounded once to float32, as the processor's instruction does. math.FMA over float64 would round twice,
// and so differ. The product of two float32s is exact in float64.
func fma(a, b, c float32) float32 { return sum32(float64(a)*float64(b), float64(c)) }

// sum32 is p + c rounded once to float32, where p is a product of two float32s and c is one. Rounding the sum to
// float64 and then to float32 goes wrong only where the first rounding lands on a tie of the second. As p is exact, it
// changes nothing if the compiler fuses the sum with the product.
func sum32(p, c float64) float32 {
	s := p + c
	if doubtful(s) < 0 {
		return fmaTie(p, c, s)
	}
	return float32(s)
}

// sum64 is sum32 as a float64.
//
//go:noinline
func sum64(p, c float64) float64 { return float64(sum32(p, c)) }

// doubtful is negative where s, rounded to float32, may have been rounded twice: a tie, or a denormal but not zero.
func doubtful(s float64) int64 {
	u := math.Float64bits(s)
	tie := int64(u&roundBits^halfway) - 1
	magnitude := int64(u &^ (1 << 63))
	return tie | (magnitude-smallestNormal)&^(magnitude-1)
}

// tie is what belowTie answers for a number halfway between two float32s.
const tie = math.MinInt64

// belowTie are the bits that a rounding to float32 drops from a float64 that is no denormal there, moved to the top: the
// least number is that of a tie, so that one comparison answers for several.
func belowTie(s float64) int64 { return int64(math.Float64bits(s) << 35) }

// fmaTie rounds p + c to float32 where s, their rounded sum, may be a tie or denormal: it rounds to odd first, after
// which the second rounding is right (Boldo and Melquiond, "Emulation of FMA and correctly rounded sums", 2008).
//
//go:noinline
func fmaTie(p, c, s float64) float32 {
	high := s - p
	e := (p - (s - high)) + (c - high) // Knuth's two-sum: s + e is exact
	u := math.Float64bits(s)
	if e == 0 || u&1 == 1 {
		return float32(s)
	}
	if (e > 0) == (s > 0) {
		return float32(math.Float64frombits(u + 1))
	}
	return float32(math.Float64frombits(u - 1))
}
