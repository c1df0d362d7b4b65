package kernel

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/penstock-ml/penstock/models/alloctest"
	"pgregory.net/rapid"
)

// matrix is a drawn operand with its leading dimension.
type matrix struct {
	x  []float32
	ld int
}

func drawMatrix(t *rapid.T, rows, cols int, label string) matrix {
	ld := cols + rapid.SampledFrom([]int{0, 0, 1, 5, 16}).Draw(t, label+" gap")
	return matrix{drawVector(t, max(0, (rows-1)*ld+cols), label), ld}
}

// size draws a dimension: often near the edges of the kernels' tiles.
func size(t *rapid.T, least int, label string) int {
	return max(least, rapid.OneOf(rapid.IntRange(least, 20), rapid.SampledFrom([]int{15, 16, 17, 23, 24, 31, 32, 33, 47, 48, 49, 63, 64, 65, 95, 96, 97, 112, 145})).Draw(t, label))
}

// oracle is the definition of a product, element by element: where c has enough columns, zeros of a add nothing.
func oracle(start, a, b func(i, j int) float32, m, n, k int, store func(i, j int, x float32)) {
	for i := range m {
		for j := range n {
			x := start(i, j)
			for l := range k {
				if a(i, l) != 0 || n < skipColumns {
					x = fma(a(i, l), b(l, j), x)
				}
			}
			store(i, j, x)
		}
	}
}

func (m matrix) at(i, j int) float32         { return m.x[i*m.ld+j] }
func (m matrix) transposed(i, j int) float32 { return m.x[j*m.ld+i] }
func (m matrix) clone() matrix               { return matrix{slices.Clone(m.x), m.ld} }
func (m matrix) set(i, j int, x float32)     { m.x[i*m.ld+j] = x }
func zero(int, int) float32                  { return 0 }

func TestMulNN(t *testing.T) {
	eachKernel(t, func(t *testing.T) {
		rapid.Check(t, func(t *rapid.T) {
			m, n, k := size(t, 1, "m"), size(t, 1, "n"), size(t, 0, "k")
			a, b, c := drawMatrix(t, m, k, "a"), drawMatrix(t, k, n, "b"), drawMatrix(t, m, n, "c")
			var bias []float32
			start := zero
			if rapid.Bool().Draw(t, "with bias") {
				bias = drawVector(t, n, "bias")
				start = func(_, j int) float32 { return bias[j] }
			}
			relu := rapid.Bool().Draw(t, "relu")
			want := c.clone()
			oracle(start, a.at, b.at, m, n, k, func(i, j int, x float32) {
				if relu && x < 0 {
					x = 0
				}
				want.set(i, j, x)
			})
			MulNN(c.x, c.ld, a.x, a.ld, b.x, b.ld, m, n, k, bias, relu)
			requireSame(t, "MulNN", c.x, want.x)
		})
	})
}

// TestProductsNextToTies adds products to numbers so that sums lie next to the middle of two, denormal and normal: too
// near for a float64 to tell on which side.
func TestProductsNextToTies(t *testing.T) {
	const m, n, k = 5, 18, 2
	for name, test := range map[string]struct{ start, last, factor float32 }{
		"denormal": {0, 0x1p-149, 0x1p-75},
		"normal":   {1, 0x1p-23, 0x1p-12},
	} {
		eachKernel(t, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				draw := func(size int) []float32 {
					x := make([]float32, size)
					for i := range x {
						x[i] = test.factor * (1 + float32(rapid.IntRange(-1, 1).Draw(t, "factor"))*0x1p-23)
					}
					return x
				}
				a, b, bias := matrix{draw(m * k), k}, matrix{draw(k * n), n}, make([]float32, n)
				for i := range bias {
					bias[i] = test.start + float32(rapid.IntRange(512, 1023).Draw(t, "bias"))*test.last
				}
				got, want := matrix{make([]float32, m*n), n}, matrix{make([]float32, m*n), n}
				oracle(func(_, j int) float32 { return bias[j] }, a.at, b.at, m, n, k, want.set)
				MulNN(got.x, n, a.x, k, b.x, n, m, n, k, bias, false)
				requireSame(t, name, got.x, want.x)
			})
		})
	}
}

func TestMulNNAdd(t *testing.T) {
	eachKernel(t, func(t *testing.T) {
		rapid.Check(t, func(t *rapid.T) {
			m, n, k := size(t, 1, "m"), size(t, 1, "n"), size(t, 0, "k")
			a, b, c := drawMatrix(t, m, k, "a"), drawMatrix(t, k, n, "b"), drawMatrix(t, m, n, "c")
			want := c.clone()
			oracle(c.at, a.at, b.at, m, n, k, want.set)
			MulNNAdd(c.x, c.ld, a.x, a.ld, b.x, b.ld, m, n, k)
			requireSame(t, "MulNNAdd", c.x, want.x)
		})
	})
}

func TestMulTN(t *testing.T) {
	eachKernel(t, func(t *testing.T) {
		rapid.Check(t, func(t *rapid.T) {
			m, n, k := size(t, 1, "m"), min(size(t, 1, "n"), turnColumns-1), size(t, 0, "k") // of more, b's zeros may be left out
			a, b, c := drawMatrix(t, k, m, "a"), drawMatrix(t, k, n, "b"), drawMatrix(t, m, n, "c")
			want := c.clone()
			oracle(zero, a.transposed, b.at, m, n, k, want.set)
			MulTN(c.x, c.ld, a.x, a.ld, b.x, b.ld, m, n, k)
			requireSame(t, "MulTN", c.x, want.x)
		})
	})
}

func TestMulNT(t *testing.T) {
	eachKernel(t, func(t *testing.T) {
		rapid.Check(t, func(t *rapid.T) {
			m, n, k := size(t, 1, "m"), size(t, 1, "n"), size(t, 0, "k")
			a, b, c := drawMatrix(t, m, k, "a"), drawMatrix(t, n, k, "b"), drawMatrix(t, m, n, "c")
			var mask matrix
			if rapid.Bool().Draw(t, "masked") {
				mask = drawMatrix(t, m, n, "mask")
			}
			want := c.clone()
			oracle(zero, a.at, b.transposed, m, n, k, func(i, j int, x float32) {
				if mask.x != nil && mask.at(i, j) <= 0 {
					x = 0
				}
				want.set(i, j, x)
			})
			MulNT(c.x, c.ld, a.x, a.ld, b.x, b.ld, m, n, k, mask.x, mask.ld, make([]float32, TransposeScratch(n, k)))
			requireSame(t, "MulNT", c.x, want.x)
		})
	})
}

// TestBlockedProduct has shapes large enough, and strides wide enough, that the assembly packs b and cuts k.
func TestBlockedProduct(t *testing.T) {
	shapes := []struct{ m, n, k, ldb int }{{35, 150, 401, 1024}, {33, 50, 2000, 2048}, {40, 97, 1400, 97}, {32, 48, 193, 700}, {700, 120, 130, 120}, {5, 20, 66_000, 20}}
	for _, s := range shapes {
		for kind := range valueKinds {
			checkBlocked(t, s.m, s.n, s.k, s.ldb, kind, false)
			checkBlocked(t, s.m, s.n, s.k, s.ldb, kind, true)
		}
	}
}

// checkBlocked compares products of special and ordinary values.
func checkBlocked(t *testing.T, m, n, k, ldb, kind int, skip bool) {
	t.Helper()
	a, b, bias, mask := expand(m*k, 1, kind), expand(k*ldb, 2, kind), expand(n, 3, kind), expand(m*n, 4, kind)
	p := product{a: a, aRow: k, aStep: 1, b: b, ldb: ldb, m: m, n: n, k: k, ldc: n, bias: bias, relu: kind%2 == 1, ldm: n, skip: skip}
	if kind >= 2 {
		p.mask = mask
	}
	checkProduct(t, p)
}

// checkProduct compares all kernels with the portable one, whose product, the slowest, is made once.
func checkProduct(t *testing.T, p product) {
	t.Helper()
	want := p
	want.c = make([]float32, p.m*p.n)
	portable.multiply(want)
	eachKernel(t, func(t *testing.T) {
		if strings.Contains(t.Name(), "/portable") {
			return
		}
		got := p
		got.c = make([]float32, p.m*p.n)
		active.multiply(got)
		if i := sameBits(got.c, want.c); i >= 0 {
			t.Errorf("[%d, %d] over %d, strides of a %d and %d, of b %d, skip %t: element %d is %v, want %v", p.m, p.n, p.k, p.aRow, p.aStep, p.ldb, p.skip, i, got.c[i], want.c[i])
		}
	})
}

// TestPackedProduct has both factors packed, in more than one part each, a by rows and by columns.
func TestPackedProduct(t *testing.T) {
	const m, n, k, ldb = 515, 490, 40, 4096
	p := product{a: expand(m*k, 1, 0), aRow: k, aStep: 1, b: expand(k*ldb, 2, 0), ldb: ldb, m: m, n: n, k: k, ldc: n, bias: expand(n, 3, 0)}
	checkProduct(t, p)
	p.aRow, p.aStep = 1, m
	checkProduct(t, p)
}

// TestBlockedMulNT has products whose packing transposes b, with remainders of every kind.
func TestBlockedMulNT(t *testing.T) {
	eachKernel(t, func(t *testing.T) {
		for _, s := range []struct{ m, n, k, ldb int }{{32, 400, 401, 403}, {35, 131, 193, 1024}, {33, 3, 195, 50_000}, {40, 1, 100, 140_000}, {37, 1024, 7, 200}} {
			a, b, mask := expand(s.m*s.k, 1, 4*(s.m%2)), expand(s.n*s.ldb, 2, 0), expand(s.m*s.n, 3, 0)
			turned := make([]float32, s.k*s.n)
			transposePortable(turned, s.n, b, s.ldb, s.n, s.k)
			for _, mask := range [][]float32{nil, mask} {
				got, want := make([]float32, s.m*s.n), make([]float32, s.m*s.n)
				MulNT(got, s.n, a, s.k, b, s.ldb, s.m, s.n, s.k, mask, s.n, make([]float32, TransposeScratch(s.n, s.k)))
				portable.multiply(product{c: want, ldc: s.n, a: a, aRow: s.k, aStep: 1, b: turned, ldb: s.n, m: s.m, n: s.n, k: s.k, mask: mask, ldm: s.n, skip: s.n >= skipColumns})
				if i := sameBits(got, want); i >= 0 {
					t.Errorf("%v: element %d is %v, want %v", s, i, got[i], want[i])
				}
			}
		}
	})
}

// sparseGradient is a drawn product aT b with far more zeros in b than in a.
func sparseGradient(t *rapid.T, kind int) (p product) {
	m, n, k := rapid.IntRange(turnRows, 130).Draw(t, "m"), rapid.IntRange(turnColumns, 300).Draw(t, "n"), rapid.IntRange(turnSample, 70).Draw(t, "k")
	gap, seed := rapid.IntRange(0, 3).Draw(t, "gap"), rapid.Uint64().Draw(t, "seed")
	p = product{aRow: 1, aStep: m + gap, ldb: n + gap, ldc: n + gap, m: m, n: n, k: k, skip: true}
	p.a, p.b = expand(k*p.aStep, seed, kind), expand(k*p.ldb, seed+1, 4)
	for i := range p.a {
		if next(&seed)%2 == 0 {
			p.a[i] = 0
		}
	}
	if !p.turns() { // the sample missed b's zeros, which is rare: rapid fails if most draws are skipped
		t.Skip()
	}
	return p
}

// TestTurnedMulTN has products computed by their transpose: the zeros of b are left out, which for finite numbers is as
// if those of a were, and as if none were.
func TestTurnedMulTN(t *testing.T) {
	eachKernel(t, func(t *testing.T) {
		rapid.Check(t, func(t *rapid.T) {
			p := sparseGradient(t, 0)
			got, want := make([]float32, p.m*p.ldc), make([]float32, p.m*p.ldc)
			a, b := matrix{p.a, p.aStep}, matrix{p.b, p.ldb}
			oracle(zero, a.transposed, b.at, p.m, p.n, p.k, matrix{want, p.ldc}.set)
			MulTN(got, p.ldc, p.a, p.aStep, p.b, p.ldb, p.m, p.n, p.k)
			requireSame(t, "MulTN", got, want)
		})
	})
}

// TestTurnedMulTNOfAnything requires of special values that they are treated alike.
func TestTurnedMulTNOfAnything(t *testing.T) {
	eachKernel(t, func(t *testing.T) {
		rapid.Check(t, func(t *rapid.T) {
			p := sparseGradient(t, 1)
			got, want := make([]float32, p.m*p.ldc), make([]float32, p.m*p.ldc)
			a, b := matrix{p.a, p.aStep}, matrix{p.b, p.ldb}
			oracle(zero, b.transposed, a.at, p.n, p.m, p.k, func(j, i int, x float32) { want[i*p.ldc+j] = x })
			MulTN(got, p.ldc, p.a, p.aStep, p.b, p.ldb, p.m, p.n, p.k)
			requireSame(t, "MulTN", got, want)
		})
	})
}

// TestColumn has a single contiguous column, which the assembly computes as a row in blocks of m.
func TestColumn(t *testing.T) {
	eachKernel(t, func(t *testing.T) {
		rapid.Check(t, func(t *rapid.T) {
			m, k := rapid.IntRange(1, 400).Draw(t, "m"), rapid.SampledFrom([]int{1, 7, 8, 50, 144, 145}).Draw(t, "k")
			a, b, bias := drawMatrix(t, m, k, "a"), drawMatrix(t, k, 1, "b"), drawVector(t, 1, "bias")
			got, want := make([]float32, m), make([]float32, m)
			oracle(func(int, int) float32 { return bias[0] }, a.at, b.at, m, 1, k, func(i, _ int, x float32) { want[i] = rectify(x) })
			MulNN(got, 1, a.x, a.ld, b.x, b.ld, m, 1, k, bias, true)
			requireSame(t, "column", got, want)
			oracle(func(i, _ int) float32 { return got[i] }, a.at, b.at, m, 1, k, func(i, _ int, x float32) { want[i] = x })
			MulNNAdd(got, 1, a.x, a.ld, b.x, b.ld, m, 1, k)
			requireSame(t, "column added", got, want)
		})
	})
}

func TestProductsDoNotAllocate(t *testing.T) {
	const m, n, k, wide = 50, 20, 300, 600
	ones := make([]float32, 8*turnRows)
	Fill(ones, 1)
	a, b, c, scratch := make([]float32, m*k), make([]float32, k*wide), make([]float32, m*wide), make([]float32, TransposeScratch(wide, k))
	products := map[string]func(){
		"MulNN":  func() { MulNN(c, n, a, k, b, n, m, n, k, nil, true) },
		"column": func() { MulNN(c, 1, a, m, b, 1, k, 1, m, nil, true) },
		"packed": func() { MulNNAdd(c, wide, a, k, b, wide, m, wide, k) },
		"MulTN":  func() { MulTN(c, n, a, m, b, n, m, n, k) },
		"turned": func() { MulTN(c, wide, ones, turnRows, b, wide, turnRows, wide, 8) },
		"MulNT":  func() { MulNT(c, wide, a, k, b, k, m, wide, k, c, wide, scratch) },
	}
	eachKernel(t, func(t *testing.T) {
		for name, f := range products {
			alloctest.None(t, name, 5, f)
		}
	})
}

func TestTranspose(t *testing.T) {
	eachKernel(t, func(t *testing.T) {
		rapid.Check(t, func(t *rapid.T) {
			m, n := size(t, 1, "m"), size(t, 1, "n")
			src, dst := drawMatrix(t, m, n, "src"), drawMatrix(t, n, m, "dst")
			want := dst.clone()
			for i := range m {
				for j := range n {
					want.set(j, i, src.at(i, j))
				}
			}
			Transpose(dst.x, dst.ld, src.x, src.ld, m, n)
			requireSame(t, "Transpose", dst.x, want.x)
		})
	})
}

func TestShortOperandPanics(t *testing.T) {
	defer func() {
		if r := recover(); r == nil || !strings.Contains(fmt.Sprint(r), "b has 5 elements") {
			t.Errorf("recovered %v, want a panic that names b", r)
		}
	}()
	MulNN(make([]float32, 4), 2, make([]float32, 6), 3, make([]float32, 5), 2, 2, 2, 3, nil, false)
}
