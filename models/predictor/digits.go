package predictor

import (
	"encoding/binary"
	"math"
	"math/bits"
	"strconv"
)

// appendFloat is the one place where predicted numbers become digits: the fewest
// that give the same float of so many bits, without an exponent from 1e-6 up to
// 1e21, as in ECMAScript and encoding/json.
func appendFloat(dst []byte, x float64, size int) []byte {
	if d, ok := shortest(x, size); ok {
		return d.append(dst, math.Signbit(x))
	}
	magnitude := math.Abs(x)
	if magnitude == 0 || magnitude >= 1e-6 && magnitude < 1e21 {
		return strconv.AppendFloat(dst, x, 'f', -1, size)
	}
	dst = strconv.AppendFloat(dst, x, 'e', -1, size)
	// strconv pads exponents to two digits: e-09 becomes e-9.
	if n := len(dst); dst[n-2] == '0' && (dst[n-3] == '-' || dst[n-3] == '+') {
		dst[n-2] = dst[n-1]
		dst = dst[:n-1]
	}
	return dst
}

// A decimal is digits / 10^places.
type decimal struct {
	digits uint64
	places int
}

const (
	leastExponent    = -19 // of 2, of numbers that shortest knows: from 2e-6
	greatestExponent = 9   // below 1024
)

// powersOf5 and powersOf10 are what fits 64 bits.
var powersOf5, powersOf10 = powers(5, 28), powers(10, 20)

func powers(base uint64, n int) []uint64 {
	list := []uint64{1}
	for len(list) < n {
		list = append(list, list[len(list)-1]*base)
	}
	return list
}

// shortest is the decimal with the fewest digits between the middles of x's magnitude and its neighbours, and of these
// the nearest to it. It does in a fourth of the time what strconv does for all numbers: where the products of
// significands and powers of ten are exact in 128 bits, no table of approximations is needed. Numbers out of its range,
// powers of two, whose neighbours are not at equal distances, and ties are not ok.
func shortest(x float64, size int) (d decimal, ok bool) {
	significand, exponent, width, needed := parts(x, size)
	if exponent < leastExponent || exponent > greatestExponent || significand&(significand-1) == 0 {
		return d, false
	}
	// Scaled by 10^places the number has as many digits as can be needed, or one more. 1233/4096 is the logarithm of 2.
	places := needed - 1 - exponent*1233>>12
	shift := uint(width - exponent - places + 1) // the scaled number is a product of integers / 2^shift
	power := powersOf5[places]                   // and the middles between it and its neighbours are so much away
	high, low := bits.Mul64(2*significand, power)
	odd := significand & 1

	from, fraction := shifted(high, low, power, false, shift)
	if from += 1; fraction == 0 {
		from -= 1 - odd
	}
	to, fraction := shifted(high, low, power, true, shift)
	if fraction == 0 {
		to -= odd
	}
	dropped := 0
	for next := (from + 9) / 10; next <= to/10; next = (from + 9) / 10 {
		from, to = next, to/10
		dropped++
	}
	middle, fraction := shifted(high, low, 0, true, shift)
	nearest, tie := rounded(middle, fraction, powersOf10[dropped], shift)
	return decimal{min(max(nearest, from), to), places - dropped}, !tie && places >= dropped
}

// parts are a number's magnitude as significand * 2^(exponent-width), where the significand has width bits behind its
// first, and how many decimal digits tell any such number from its neighbours.
func parts(x float64, size int) (significand uint64, exponent, width, needed int) {
	if size == 32 {
		b := math.Float32bits(float32(x))
		return uint64(b&(1<<23-1) | 1<<23), int(b>>23&0xff) - 127, 23, 9
	}
	b := math.Float64bits(x)
	return b&(1<<52-1) | 1<<52, int(b>>52&0x7ff) - 1023, 52, 17
}

// shifted is (high, low) +- step as a whole number of 2^shift, and what is left. The shift is below 64.
func shifted(high, low, step uint64, up bool, shift uint) (whole, fraction uint64) {
	var carry uint64
	if up {
		low, carry = bits.Add64(low, step, 0)
		high += carry
	} else {
		low, carry = bits.Sub64(low, step, 0)
		high -= carry
	}
	return high<<(64-shift) | low>>shift, low & (1<<shift - 1)
}

// rounded is the nearest multiple of a unit, in units. The number is whole + fraction/2^shift.
func rounded(whole, fraction, unit uint64, shift uint) (nearest uint64, tie bool) {
	quotient, rest := whole, fraction
	half := uint64(1) << (shift - 1)
	if unit > 1 {
		quotient, rest, half = whole/unit, whole%unit, unit/2
		if rest == half && fraction > 0 {
			rest++
		}
	}
	if rest > half {
		quotient++
	}
	return quotient, rest == half
}

// append writes the decimal without an exponent.
func (d decimal) append(dst []byte, negative bool) []byte {
	if negative {
		dst = append(dst, '-')
	}
	if d.places == 0 {
		return strconv.AppendUint(dst, d.digits, 10)
	}
	whole, fraction := uint64(0), d.digits
	if d.places < len(powersOf10) {
		whole, fraction = d.digits/powersOf10[d.places], d.digits%powersOf10[d.places]
	}
	dst = append(strconv.AppendUint(dst, whole, 10), '.')
	var text [24]byte
	put8(text[16:], fraction%1e8)
	if d.places > 8 {
		put8(text[8:], fraction/1e8%1e8)
	}
	if d.places > 16 {
		put8(text[0:], fraction/1e16)
	}
	return append(dst, text[len(text)-d.places:]...)
}

// put8 writes a number below 10^8 with eight digits: all of them at once, halves before quarters before single ones.
func put8(dst []byte, x uint64) {
	x = x/10_000 | x%10_000<<32                                                     // two numbers of four digits
	hundreds := x * 10_486 >> 20 & 0x7f_0000_007f                                   // a hundredth of each
	x = hundreds | (x-100*hundreds)<<16                                             // four of two
	tens := x * 103 >> 10 & 0x000f_000f_000f_000f                                   // a tenth of each
	binary.LittleEndian.PutUint64(dst, (tens|(x-10*tens)<<8)|0x3030_3030_3030_3030) // eight of one
}
