package kernel

import "testing"

// clearColumns makes columns of some rows zero: all but about one of so many.
func clearColumns(x []float32, ld, from, to, n, keep int, seed uint64) {
	for j := range n {
		if next(&seed)%uint64(keep) == 0 {
			continue
		}
		for i := from; i < to; i++ {
			x[i*ld+j] = 0
		}
	}
}

// Whole columns of a, and of the mask, are zero, other ones in each strip of rows: that changes nothing.
func TestUnusedColumns(t *testing.T) {
	for _, s := range []struct {
		m, n, k, ldb, keepTerms, keepColumns int
		transposed                           bool
	}{
		{258, 24, 1100, 120, 3, 1, false}, {40, 150, 300, 500, 1000, 1, false}, {64, 40, 1400, 100, 2, 1, false},
		{258, 130, 70, 1024, 3, 1, true}, {40, 600, 60, 300, 1, 3, true}, {35, 300, 1100, 1100, 4, 4, true}, {33, 300, 100, 500, 1000, 1000, true},
	} {
		for kind := range 2 { // ordinary values, and special ones in between
			p := product{aRow: s.k + 3, aStep: 1, b: expand(max(s.n, s.k)*s.ldb, 1, kind), ldb: s.ldb, transposed: s.transposed, m: s.m, n: s.n, k: s.k, ldc: s.n, skip: true}
			p.a = expand(s.m*p.aRow, 2, kind)
			for from := 0; from < s.m; from += 128 {
				clearColumns(p.a, p.aRow, from, min(from+128, s.m), s.k, s.keepTerms, uint64(from))
			}
			if s.transposed {
				p.ldm, p.mask = s.n+1, expand(s.m*(s.n+1), 3, kind)
				clearColumns(p.mask, p.ldm, 0, s.m, s.n, s.keepColumns, 4)
			} else {
				p.bias, p.relu = expand(s.n, 5, kind), true
			}
			checkUnused(t, p)
		}
	}
}

// checkUnused compares all kernels with the product element by element.
func checkUnused(t *testing.T, p product) {
	t.Helper()
	want := p
	want.c = make([]float32, p.m*p.n)
	if p.transposed {
		want.b, want.ldb, want.transposed = make([]float32, p.k*p.n), p.n, false
		transposePortable(want.b, p.n, p.b, p.ldb, p.n, p.k)
	}
	portable.multiply(want)
	eachKernel(t, func(t *testing.T) {
		if Name() == "portable" {
			return
		}
		c := expand(p.m*p.n, 6, 2)
		if p.transposed {
			MulNT(c, p.n, p.a, p.aRow, p.b, p.ldb, p.m, p.n, p.k, p.mask, p.ldm, make([]float32, TransposeScratch(p.n, p.k)))
		} else {
			MulNN(c, p.n, p.a, p.aRow, p.b, p.ldb, p.m, p.n, p.k, p.bias, p.relu)
		}
		if i := sameBits(c, want.c); i >= 0 {
			t.Errorf("[%d, %d] over %d, transposed %t: element %d is %v, want %v", p.m, p.n, p.k, p.transposed, i, c[i], want.c[i])
		}
	})
}

// A large product with a single zero, in any part of it.
func TestOneZeroInALargeProduct(t *testing.T) {
	for _, s := range []struct{ m, k, row, term int }{{40, 600, 7, 300}, {40, 600, 39, 599}, {530, 300, 520, 3}, {530, 300, 5, 290}} {
		for _, transposed := range []bool{false, true} {
			const n, ldb = 500, 600
			p := product{aRow: s.k, aStep: 1, a: expand(s.m*s.k, 1, 0), b: expand(max(n, s.k)*ldb, 2, 0), ldb: ldb, transposed: transposed, m: s.m, n: n, k: s.k, ldc: n, skip: true}
			p.a[s.row*s.k+s.term] = 0
			if transposed {
				p.ldm, p.mask = n, expand(s.m*n, 3, 0)
				clearColumns(p.mask, n, 0, s.m, n, 2, 4)
			} else {
				p.bias, p.relu = expand(n, 5, 0), true
			}
			checkUnused(t, p)
		}
	}
}
