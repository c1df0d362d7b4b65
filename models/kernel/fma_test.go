package kernel

import (
	"math"
	"math/big"
	"testing"

	"pgregory.net/rapid"
)

// exactFMA is a*b + c computed with enough bits to be exact, rounded once.
func exactFMA(a, b, c float32) float32 {
	const enough = 1024
	product := new(big.Float).SetPrec(enough).SetFloat64(float64(a))
	product.Mul(product, new(big.Float).SetFloat64(float64(b)))
	sum := product.Add(product, new(big.Float).SetFloat64(float64(c)))
	result, _ := sum.Float32()
	return result
}

func finite(x ...float32) bool {
	for _, v := range x {
		if math.IsNaN(float64(v)) || math.IsInf(float64(v), 0) {
			return false
		}
	}
	return true
}

func TestFMARoundsOnce(t *testing.T) {
	// Rounding to float64 first gives 0x3f800002 here.
	if got := math.Float32bits(fma(0x1p-24*(1+0x1p-23), 1-0x1p-23, 1+0x1p-23)); got != 0x3f800001 {
		t.Errorf("the double rounding case gave %08x, want 3f800001", got)
	}
	rapid.Check(t, func(t *rapid.T) {
		x := drawVector(t, 300, "x")
		for i := 0; i < len(x); i += 3 {
			checkFMA(t, x[i], x[i+1], x[i+2])
		}
	})
}

// TestFMANearTies places c so that the sum lies next to the middle of two float32s, normal and denormal.
func TestFMANearTies(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		seed := rapid.Uint64().Draw(t, "seed")
		for range 200 {
			r := next(&seed)
			c := math.Float32frombits(uint32(r>>32)&0x807fffff | uint32(r%250)<<23)
			ulp := math.Nextafter32(c, float32(math.Inf(1))) - c
			if ulp*ulp == 0 {
				ulp = 0x1p-149
			}
			a := float32(1 + int32(r>>8&0xff)*2)
			checkFMA(t, ulp*a/2, 1+float32(int32(r>>16&3)-1)*0x1p-23, c)
			checkFMA(t, 0x1p-75*a, 0x1p-75*(1+float32(int32(r>>16&3)-1)*0x1p-23), c)
		}
	})
}

func checkFMA(t *rapid.T, a, b, c float32) {
	got, want := fma(a, b, c), float32(float64(a)*float64(b)+float64(c))
	if finite(a, b, c) {
		want = exactFMA(a, b, c)
		if want == 0 { // big.Float has its own rule for the sign of an exact zero
			want = float32(float64(a)*float64(b) + float64(c))
		}
	}
	if sameBits([]float32{got}, []float32{want}) >= 0 {
		t.Fatalf("fma(%x, %x, %x) = %x, want %x", a, b, c, got, want)
	}
}
