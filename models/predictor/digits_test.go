package predictor

import (
	"math"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// oracle is what strconv makes of a number.
func oracle(x float64, size int) string {
	if m := math.Abs(x); m == 0 || m >= 1e-6 && m < 1e21 {
		return strconv.FormatFloat(x, 'f', -1, size)
	}
	text := strconv.FormatFloat(x, 'e', -1, size)
	return strings.Replace(strings.Replace(text, "e-0", "e-", 1), "e+0", "e+", 1)
}

func checkFloat(t rapid.TB, x float64, size int) {
	if size == 32 {
		x = float64(float32(x))
	}
	if got, want := string(appendFloat([]byte("x"), x, size)), "x"+oracle(x, size); got != want {
		t.Fatalf("the digits of %v in %d bits are %s, want %s", x, size, got, want)
	}
}

func TestDigitsAreTheShortest(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		x := rapid.Float64().Draw(t, "x")
		few := float64(rapid.IntRange(-100_000, 100_000).Draw(t, "few")) / math.Pow10(rapid.IntRange(0, 9).Draw(t, "places"))
		for _, x := range []float64{x, few, math.Nextafter(few, x), math.Ldexp(few, -17)} {
			checkFloat(t, x, 64)
			checkFloat(t, x, 32)
		}
	})
	random := rand.New(rand.NewPCG(1, 2))
	for range 1_000_000 {
		exponent := uint64(1023 - 22 + random.IntN(34))
		x := math.Float64frombits(random.Uint64()&^(0x7ff<<52) | exponent<<52)
		checkFloat(t, x, 64)
		checkFloat(t, x, 32)
	}
	for _, x := range []float64{0, math.Copysign(0, -1), 0.5, 1, 1023.5, 1024, 5e-7, 2e-6, math.MaxFloat64, math.SmallestNonzeroFloat64} {
		checkFloat(t, x, 64)
		checkFloat(t, x, 32)
	}
}

// TestMostNumbersAreInRange: what probabilities and logits are is not left to strconv.
func TestMostNumbersAreInRange(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	for range 1000 {
		for _, x := range []float64{random.Float64()*0.999 + 1e-5, 20 * (random.Float64() - 0.5)} {
			if _, ok := shortest(x, 64); !ok {
				t.Errorf("%v is left to strconv", x)
			}
			if _, ok := shortest(float64(float32(x)), 32); !ok {
				t.Errorf("%v is left to strconv", float32(x))
			}
		}
	}
}
