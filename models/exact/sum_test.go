package exact

import (
	"bytes"
	"math"
	"math/big"
	"math/rand/v2"
	"testing"

	"pgregory.net/rapid"
)

// reference adds in arithmetic wide enough for every product.
type reference struct{ sum *big.Float }

func newReference() reference { return reference{new(big.Float).SetPrec(6000)} }

func (r reference) add(x float64) { r.sum.Add(r.sum, big.NewFloat(x)) }

func (r reference) addProduct(x, y float64) {
	p := new(big.Float).SetPrec(6000).Mul(big.NewFloat(x), big.NewFloat(y))
	r.sum.Add(r.sum, p)
}

func (r reference) value() float64 {
	v, _ := r.sum.Float64()
	return v
}

// finite draws from all exponents alike, so that sums cancel and overflow.
func finite() *rapid.Generator[float64] {
	return rapid.Custom(func(t *rapid.T) float64 {
		b := rapid.Uint64().Draw(t, "bits")
		if b>>52&0x7ff == 0x7ff {
			b &^= 1 << 62
		}
		return math.Float64frombits(b)
	})
}

func numbers() *rapid.Generator[float64] {
	return rapid.OneOf(
		finite(),
		rapid.SampledFrom([]float64{0, math.Copysign(0, -1), 1, -1, 0.1, -0.1, math.MaxFloat64, -math.MaxFloat64,
			math.SmallestNonzeroFloat64, -math.SmallestNonzeroFloat64, 1 << 53, 1<<53 + 2, 0x1p-1022, -0x1p-1022}),
		rapid.Float64Range(-10, 10),
	)
}

func sameBits(a, b float64) bool {
	return math.Float64bits(a+0) == math.Float64bits(b+0) || math.IsNaN(a) && math.IsNaN(b)
}

func TestSumIsExact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := newReference()
		var got Sum
		for _, x := range rapid.SliceOf(numbers()).Draw(t, "terms") {
			want.add(x)
			got.Add(x)
		}
		for _, x := range rapid.SliceOf(numbers()).Draw(t, "factors") {
			y := numbers().Draw(t, "factor")
			want.addProduct(x, y)
			got.AddProduct(x, y)
		}
		if !sameBits(got.Value(), want.value()) {
			t.Fatalf("got %v, want %v", got.Value(), want.value())
		}
	})
}

// A term is a number, or a product when product is set.
type term struct {
	x, y    float64
	product bool
}

func addAll(s *Sum, terms []term) {
	for _, a := range terms {
		if a.product {
			s.AddProduct(a.x, a.y)
		} else {
			s.Add(a.x)
		}
	}
}

func TestAnyPartitionAndOrderGivesTheSameBytes(t *testing.T) {
	special := rapid.SampledFrom([]float64{math.Inf(1), math.Inf(-1), math.NaN()})
	number := rapid.OneOf(numbers(), numbers(), numbers(), special)
	draw := rapid.Custom(func(t *rapid.T) term {
		return term{number.Draw(t, "x"), number.Draw(t, "y"), rapid.Bool().Draw(t, "product")}
	})
	rapid.Check(t, func(t *rapid.T) {
		terms := rapid.SliceOf(draw).Draw(t, "terms")
		var whole Sum
		addAll(&whole, terms)
		want, _ := whole.MarshalBinary()

		parts := make([]Sum, rapid.IntRange(1, 8).Draw(t, "parts"))
		for _, a := range rapid.Permutation(terms).Draw(t, "order") {
			addAll(&parts[rapid.IntRange(0, len(parts)-1).Draw(t, "part")], []term{a})
		}
		merged := mergeAtRandom(t, parts)
		got, _ := merged.MarshalBinary()
		if !bytes.Equal(got, want) || !sameBits(merged.Value(), whole.Value()) {
			t.Fatalf("merged %x (%v), added in a row %x (%v)", got, merged.Value(), want, whole.Value())
		}
	})
}

// mergeAtRandom merges pairs, some through their bytes, until one sum is left.
func mergeAtRandom(t *rapid.T, parts []Sum) *Sum {
	for len(parts) > 1 {
		i := rapid.IntRange(1, len(parts)-1).Draw(t, "merged")
		from := parts[i]
		if rapid.Bool().Draw(t, "through bytes") {
			from = throughBytes(t, &from)
		}
		parts[rapid.IntRange(0, i-1).Draw(t, "into")].Merge(&from)
		parts = append(parts[:i:i], parts[i+1:]...)
	}
	return &parts[0]
}

func throughBytes(t *rapid.T, s *Sum) Sum {
	b, err := s.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	var read Sum
	if err := read.UnmarshalBinary(b); err != nil {
		t.Fatal(err)
	}
	return read
}

func TestSpecialValues(t *testing.T) {
	inf, nan := math.Inf(1), math.NaN()
	for _, c := range []struct {
		name  string
		terms []term
		want  float64
	}{
		{"nothing", nil, 0},
		{"negative zero", []term{{x: math.Copysign(0, -1)}}, 0},
		{"an infinity wins over numbers", []term{{x: inf}, {x: -math.MaxFloat64}}, inf},
		{"a negative one too", []term{{x: 1}, {x: -inf}}, -inf},
		{"infinities of both signs", []term{{x: inf}, {x: -inf}}, nan},
		{"NaN", []term{{x: nan}, {x: inf}}, nan},
		{"zero times infinity", []term{{x: 0, y: inf, product: true}}, nan},
		{"an infinite product", []term{{x: -2, y: inf, product: true}}, -inf},
		{"the sum overflows", []term{{x: math.MaxFloat64}, {x: math.MaxFloat64}}, inf},
		{"and comes back", []term{{x: math.MaxFloat64}, {x: math.MaxFloat64}, {x: -math.MaxFloat64}}, math.MaxFloat64},
		{"products overflow and cancel", []term{{1e300, 1e300, true}, {-1e300, 1e300, true}, {x: 3}}, 3},
		{"a product underflows and counts", []term{{0x1p-1074, 0x1p-1074, true}, {x: 1}, {x: 0x1p-53}}, 1 + 0x1p-52},
		{"ties go to even", []term{{x: 1}, {x: 0x1p-53}}, 1},
	} {
		var s Sum
		addAll(&s, c.terms)
		if !sameBits(s.Value(), c.want) {
			t.Errorf("%s: got %v, want %v", c.name, s.Value(), c.want)
		}
	}
}

// Merging a sum into itself doubles the pending additions, so that forty
// rounds pass the limit at which digits must be carried.
func TestManyAdditionsCarry(t *testing.T) {
	var s Sum
	s.Add(-1)
	s.Add(0x1p-1074)
	for range 40 {
		double := s
		s.Merge(&double)
	}
	want := new(big.Float).SetPrec(6000).SetMantExp(big.NewFloat(1), 40)
	want.Neg(want)
	want.Add(want, new(big.Float).SetMantExp(big.NewFloat(1), 40-1074))
	if v, _ := want.Float64(); s.Value() != v {
		t.Fatalf("got %v, want %v", s.Value(), v)
	}
	s.Add(0x1p40)
	if got := s.Value(); got != 0x1p-1034 {
		t.Fatalf("what is left is %v, want 2^-1034", got)
	}
	s.pending = maxPending - 1
	s.Add(0x1p-1034)
	if got := s.Value(); got != 0x1p-1033 {
		t.Fatalf("after a carry the sum is %v, want 2^-1033", got)
	}
}

func TestUnmarshalRefusesOtherBytes(t *testing.T) {
	for name, b := range map[string][]byte{
		"empty":              {},
		"too short":          {0, 0},
		"part of a digit":    {0, 0, 0, 1},
		"unknown flag":       {0x10, 0, 0},
		"a negative zero":    {0x80, 0, 0},
		"zeros of nothing":   {0, 1, 0},
		"leading zero":       {0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0},
		"trailing zero":      {0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0},
		"beyond the last":    {0, 0xff, 0, 1, 0, 0, 0},
		"sign in the digits": {0, digits - 1, 0, 0, 0, 0, 0x80},
	} {
		if err := new(Sum).UnmarshalBinary(b); err == nil {
			t.Errorf("%s: %v was accepted", name, b)
		}
	}
}

func FuzzUnmarshal(f *testing.F) {
	var s Sum
	s.Add(-0.1)
	b, _ := s.MarshalBinary()
	f.Add(b)
	f.Fuzz(func(t *testing.T, b []byte) {
		var s Sum
		if s.UnmarshalBinary(b) != nil {
			return
		}
		if again, _ := s.MarshalBinary(); !bytes.Equal(again, b) {
			t.Fatalf("%x was read and is written as %x", b, again)
		}
	})
}

func BenchmarkAdd(b *testing.B) {
	var s Sum
	terms := benchmarkTerms()
	for b.Loop() {
		for _, x := range terms {
			s.Add(x)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(terms)), "ns/number")
}

func BenchmarkAddProduct(b *testing.B) {
	var s Sum
	terms := benchmarkTerms()
	for b.Loop() {
		for _, x := range terms {
			s.AddProduct(x, x)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(terms)), "ns/number")
}

func benchmarkTerms() []float64 {
	r := rand.New(rand.NewPCG(1, 2))
	terms := make([]float64, 1024)
	for i := range terms {
		terms[i] = r.NormFloat64()
	}
	return terms
}
