package kernel

import (
	"math"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// eachKernel runs f once for every kernel of this machine, in use and named.
func eachKernel(t *testing.T, f func(t *testing.T)) {
	t.Helper()
	before := Name()
	t.Cleanup(func() { mustSelect(t, before) })
	for _, name := range Available() {
		t.Run(name, func(t *testing.T) {
			mustSelect(t, name)
			f(t)
		})
	}
}

func mustSelect(t testing.TB, name string) {
	t.Helper()
	if err := Select(name); err != nil {
		t.Fatal(err)
	}
}

func TestSelect(t *testing.T) {
	before := Name()
	err := Select("abacus")
	if err == nil || !strings.Contains(err.Error(), "abacus") || !strings.Contains(err.Error(), "portable") {
		t.Errorf("an unknown kernel gave %v, want an error with its name and the choices", err)
	}
	if Name() != before {
		t.Errorf("a refused choice changed the kernel from %s to %s", before, Name())
	}
	eachKernel(t, func(t *testing.T) {
		if !strings.HasSuffix(t.Name(), Name()) {
			t.Errorf("kernel in use is %s", Name())
		}
	})
}

func TestEnvironment(t *testing.T) {
	before := Name()
	defer mustSelect(t, before)
	t.Setenv(environment, "portable")
	if err := selectFromEnvironment(); err != nil || Name() != "portable" {
		t.Errorf("%s=portable selected %s, error %v", environment, Name(), err)
	}
	t.Setenv(environment, "sse9")
	if err := selectFromEnvironment(); err == nil || !strings.Contains(err.Error(), environment) {
		t.Errorf("%s=sse9 gave %v, want an error that names the variable", environment, err)
	}
}

// special are the values at which kernels are likely to differ.
var special = []float32{0, float32(math.Copysign(0, -1)), 1, -1, math.SmallestNonzeroFloat32, -math.SmallestNonzeroFloat32,
	smallestNormal32, -smallestNormal32, 0x1.fffffcp-127, math.MaxFloat32, -math.MaxFloat32, float32(math.Inf(1)), float32(math.Inf(-1)),
	float32(math.NaN()), 0.5, 88.5, -88.5, -103.9, 0.625, 1 + 0x1p-23, 1 - 0x1p-24, 0x1p-24 * (1 + 0x1p-23)}

// drawVector draws n values of one kind. Only the kind and a seed are drawn, which keeps long vectors cheap.
func drawVector(t *rapid.T, n int, label string) []float32 {
	return expand(n, rapid.Uint64().Draw(t, label+" seed"), rapid.IntRange(0, valueKinds-1).Draw(t, label+" kind"))
}

func expand(n int, seed uint64, kind int) []float32 {
	x := make([]float32, n)
	for i := range x {
		x[i] = value(&seed, kind)
	}
	return x
}

// valueKinds is the number of kinds of values: ordinary ones, some special, any bits, few of close exponents, so that
// products and sums fall on ties, and mostly zeros, as a rectifier leaves.
const valueKinds = 5

func value(state *uint64, kind int) float32 {
	r := next(state)
	switch {
	case kind == 1 && r%4 == 0:
		return special[(r>>8)%uint64(len(special))]
	case kind == 2:
		return math.Float32frombits(uint32(r >> 16))
	case kind == 4 && r%8 != 0:
		return special[(r>>8)%2]
	case kind == 3:
		return float32(int64(r>>40)%4096-2048) * 0x1p-12 * float32(1+int64(r>>20)%2*0x1000)
	}
	return float32(int64(r>>16)%(1<<24)-1<<23) * 0x1p-20
}

// next is splitmix64 (Steele, Lea and Flood, 2014).
func next(state *uint64) uint64 {
	*state += 0x9e3779b97f4a7c15
	z := *state
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// sameBits reports the first element in which got and want differ, any NaN being equal to any other; -1 if none does.
func sameBits(got, want []float32) int {
	for i := range want {
		if math.Float32bits(got[i]) != math.Float32bits(want[i]) && !(got[i] != got[i] && want[i] != want[i]) {
			return i
		}
	}
	return -1
}

func requireSame(t *rapid.T, what string, got, want []float32) {
	t.Helper()
	if i := sameBits(got, want); i >= 0 {
		t.Fatalf("%s: %s differs at %d of %d: got %v (%08x), want %v (%08x)", what, Name(), i, len(want),
			got[i], math.Float32bits(got[i]), want[i], math.Float32bits(want[i]))
	}
}

// checkAgainstPortable runs f on the kernel in use and on the portable one, on equal copies of operands, and requires
// that all of them are left with the same bits.
func checkAgainstPortable(t *rapid.T, what string, operands [][]float32, f func(impl *implementation, operands [][]float32)) {
	t.Helper()
	want, got := cloneAll(operands), cloneAll(operands)
	f(&portable, want)
	f(active, got)
	for i := range want {
		requireSame(t, what, got[i], want[i])
	}
}

func cloneAll(x [][]float32) [][]float32 {
	y := make([][]float32, len(x))
	for i := range x {
		y[i] = slices.Clone(x[i])
	}
	return y
}
