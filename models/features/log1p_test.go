package features

import (
	"encoding/binary"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/cespare/xxhash/v2"
	"pgregory.net/rapid"
)

func TestLog1pIsAccurate(t *testing.T) {
	number := rapid.OneOf(
		rapid.Float64Range(-0.9999999, 10),
		rapid.Float64Range(0, math.MaxFloat64),
		rapid.SampledFrom([]float64{math.Nextafter(-1, 0), -1e-300, 1e-300, 5e-324, 1 << 53, math.MaxFloat64}),
	)
	rapid.Check(t, func(t *rapid.T) {
		x := number.Draw(t, "x")
		got, want := log1p(x), math.Log1p(x)
		ulp := math.Nextafter(math.Abs(want), math.Inf(1)) - math.Abs(want)
		if !(math.Abs(got-want) <= 2*ulp) {
			t.Fatalf("log1p(%v) is %v, math has %v", x, got, want)
		}
	})
}

// The hash was made on amd64. Any other machine must find the same bits.
func TestLog1pHasTheSameBitsEverywhere(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	digest := xxhash.New()
	for range 100_000 {
		x := math.Ldexp(r.Float64(), r.IntN(120)-60)
		digest.Write(binary.LittleEndian.AppendUint64(nil, math.Float64bits(log1p(x))))
	}
	if got := digest.Sum64(); got != 0xfeaed8c33d997655 {
		t.Fatalf("the results hash to %#x", got)
	}
}
