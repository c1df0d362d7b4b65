package exact

import (
	"math"
	"math/big"
	"math/bits"
)

const (
	digitBits = 32
	digitMask = 1<<digitBits - 1

	// The lowest bit of a product of two subnormal numbers is 2^-2148, which
	// belongs to the digit of weight 2^-2176.
	lowest = -2176

	// 2^63 products, each below 2^2048, sum to less than 2^2111, so that the
	// top digit, of weight 2^2112, only ever holds the sign.
	digits = (2112-lowest)/digitBits + 1

	// maxPending additions of less than 2^32 each leave a digit within int64.
	maxPending = 1 << 30
)

// A Sum is an exact sum. The zero value is an empty sum, ready to use. It takes
// about a kilobyte. Methods may not be called concurrently with ones that add.
type Sum struct {
	digit   [digits]int64 // digit i has weight 2^(lowest + 32 i); any sign, until carried
	pending int64         // every digit is below (1 + pending) * 2^32 in magnitude
	special special
}

// special remembers what was added that is not finite.
type special uint8

const (
	positiveInf special = 1 << iota
	negativeInf
	notANumber
)

// Add adds x.
func (s *Sum) Add(x float64) {
	negative, exponent, mantissa, finite := split(x)
	if !finite {
		s.addSpecial(x)
		return
	}
	s.count()
	at := uint(exponent - lowest)
	i, shift := at/digitBits, at%digitBits
	part := s.digit[i : i+3 : i+3]
	part[0] += signed(mantissa<<shift&digitMask, negative)
	part[1] += signed(mantissa>>(digitBits-shift)&digitMask, negative)
	part[2] += signed(mantissa>>(2*digitBits-shift), negative)
}

// AddProduct adds x*y, exactly.
func (s *Sum) AddProduct(x, y float64) {
	negativeX, exponentX, mantissaX, finiteX := split(x)
	negativeY, exponentY, mantissaY, finiteY := split(y)
	if !finiteX || !finiteY {
		s.addSpecial(x * y)
		return
	}
	s.count()
	high, low := bits.Mul64(mantissaX, mantissaY)
	negative := negativeX ^ negativeY
	at := uint(exponentX + exponentY - lowest)
	i, shift := at/digitBits, at%digitBits
	part := s.digit[i : i+5 : i+5]
	part[0] += signed(low<<shift&digitMask, negative)
	part[1] += signed(low>>(digitBits-shift)&digitMask, negative)
	// The third digit straddles the two words of the product.
	part[2] += signed((low>>(2*digitBits-shift)|high<<shift)&digitMask, negative)
	part[3] += signed(high>>(digitBits-shift)&digitMask, negative)
	part[4] += signed(high>>(2*digitBits-shift), negative)
}

// split takes a number apart: x = (-1)^negative * mantissa * 2^exponent, where
// negative is 0 or -1.
func split(x float64) (negative int64, exponent int, mantissa uint64, finite bool) {
	b := math.Float64bits(x)
	biased := int(b >> 52 & 0x7ff)
	mantissa = b & (1<<52 - 1)
	if biased > 0 {
		mantissa |= 1 << 52
		biased--
	}
	return int64(b) >> 63, biased - 1074, mantissa, biased != 0x7fe
}

// signed is v, or -v where negative is -1.
func signed(v uint64, negative int64) int64 { return (int64(v) ^ negative) - negative }

func (s *Sum) addSpecial(x float64) {
	switch {
	case math.IsInf(x, 1):
		s.special |= positiveInf
	case math.IsInf(x, -1):
		s.special |= negativeInf
	default:
		s.special |= notANumber
	}
}

func (s *Sum) count() {
	if s.pending++; s.pending >= maxPending {
		s.carry()
	}
}

// carry brings every digit but the top one into [0, 2^32). That form is unique.
func (s *Sum) carry() {
	for i := range digits - 1 {
		s.digit[i+1] += s.digit[i] >> digitBits
		s.digit[i] &= digitMask
	}
	s.pending = 1
}

// Merge adds what was added to t. It leaves t as it is.
func (s *Sum) Merge(t *Sum) {
	s.special |= t.special
	if s.pending+t.pending >= maxPending {
		carried := *t
		carried.carry()
		s.carry()
		t = &carried
	}
	for i := range s.digit {
		s.digit[i] += t.digit[i]
	}
	s.pending += t.pending + 1
}

// Value is the sum, rounded once, half to even; 0 for an empty one. It is
// infinite where the sum is beyond float64, or an infinity was added, and NaN
// where a NaN or infinities of both signs were.
func (s *Sum) Value() float64 {
	switch s.special {
	case 0:
	case positiveInf:
		return math.Inf(1)
	case negativeInf:
		return math.Inf(-1)
	default:
		return math.NaN()
	}
	value, _ := s.Exact().Float64()
	return value
}

// Exact is the sum of the finite numbers among those added, without rounding.
func (s *Sum) Exact() *big.Float {
	negative, magnitude := s.magnitude()
	whole := new(big.Int)
	for i := len(magnitude) - 1; i >= 0; i-- {
		whole.Lsh(whole, digitBits)
		whole.Or(whole, big.NewInt(int64(magnitude[i])))
	}
	if negative {
		whole.Neg(whole)
	}
	exact := new(big.Float).SetInt(whole)
	return exact.SetMantExp(exact, lowest)
}

// magnitude is the sum's sign and digits, without leading zeros.
func (s *Sum) magnitude() (negative bool, digit []uint32) {
	c := *s
	c.carry()
	if negative = c.digit[digits-1] < 0; negative {
		for i := range c.digit {
			c.digit[i] = -c.digit[i]
		}
		c.carry()
	}
	digit = make([]uint32, digits)
	used := 0
	for i, d := range c.digit {
		digit[i] = uint32(d)
		if d != 0 {
			used = i + 1
		}
	}
	return negative, digit[:used]
}
