package kernel

import "fmt"

// product describes one matrix product: c[m, n] = finish(start + a b).
type product struct {
	c   []float32
	ldc int

	a           []float32 // element (i, k) lies at i*aRow + k*aStep
	aRow, aStep int
	b           []float32 // [k, n]; if transposed, [n, k]
	ldb         int
	transposed  bool
	m, n, k     int
	bias        []float32 // [n]; nil: start at zero, or from c
	accumulate  bool      // start from c
	relu        bool      // finish with max(0, x)
	mask        []float32 // [m, n]; finish with zero where mask <= 0; nil: none
	ldm         int
	skip        bool // leave out the terms whose factor in a is zero; then aRow or aStep is 1

	usedTerms   []int32 // where the k rows of b lie among more, or its columns if it is transposed; nil: there are no more
	usedColumns []int32 // where the n columns of c, and the rows of a transposed b, lie among more; nil: there are no more
}

// skipColumns is the least n of products that leave out terms whose factor in a is zero: a vector is worth a look.
const skipColumns = 17

// MulNN computes c = act(bias + a b) for a [m, k], b [k, n] and c [m, n]. A nil bias is zero; relu makes act the
// maximum with zero, which keeps NaN and -0.
func MulNN(c []float32, ldc int, a []float32, lda int, b []float32, ldb int, m, n, k int, bias []float32, relu bool) {
	if m <= 0 || n <= 0 {
		return
	}
	if bias != nil {
		bias = bias[:n]
	}
	checkMatrix("c", c, m, n, ldc)
	checkMatrix("a", a, m, k, lda)
	checkMatrix("b", b, k, n, ldb)
	active.multiply(product{c: c, ldc: ldc, a: a, aRow: lda, aStep: 1, b: b, ldb: ldb, m: m, n: n, k: k, bias: bias, relu: relu, skip: n >= skipColumns})
}

// MulNNAdd computes c += a b for a [m, k], b [k, n] and c [m, n]. Each element starts from c, so that two calls over
// halves of k give the bits of one call over all of it.
func MulNNAdd(c []float32, ldc int, a []float32, lda int, b []float32, ldb int, m, n, k int) {
	if m <= 0 || n <= 0 || k <= 0 {
		return
	}
	checkMatrix("c", c, m, n, ldc)
	checkMatrix("a", a, m, k, lda)
	checkMatrix("b", b, k, n, ldb)
	active.multiply(product{c: c, ldc: ldc, a: a, aRow: lda, aStep: 1, b: b, ldb: ldb, m: m, n: n, k: k, accumulate: true, skip: n >= skipColumns})
}

// MulTN computes c = aT b for a [k, m], b [k, n] and c [m, n]: the gradient of a layer's weights from its inputs a and
// the gradient b of its outputs, summed over the k rows of a batch in order. Of a large product with far more zeros in b
// than in a, those of b count.
func MulTN(c []float32, ldc int, a []float32, lda int, b []float32, ldb int, m, n, k int) {
	if m <= 0 || n <= 0 {
		return
	}
	checkMatrix("c", c, m, n, ldc)
	checkMatrix("a", a, k, m, lda)
	checkMatrix("b", b, k, n, ldb)
	if n == 1 && ldc == 1 { // a column in one piece is a row too: use the vector's lanes for m
		active.multiply(product{c: c, ldc: m, a: b, aRow: 1, aStep: ldb, b: a, ldb: lda, m: 1, n: m, k: k})
		return
	}
	p := product{c: c, ldc: ldc, a: a, aRow: 1, aStep: lda, b: b, ldb: ldb, m: m, n: n, k: k, skip: n >= skipColumns}
	if p.turns() {
		p.turned()
		return
	}
	active.multiply(p)
}

// MulNT computes c = a bT for a [m, k], b [n, k] and c [m, n], then sets c to zero where mask [m, n] <= 0: the
// gradient of a layer's inputs, through the ReLU whose outputs are the mask (nil: none). The scratch has at least
// TransposeScratch(n, k) elements, which may be overwritten.
func MulNT(c []float32, ldc int, a []float32, lda int, b []float32, ldb int, m, n, k int, mask []float32, ldm int, scratch []float32) {
	if m <= 0 || n <= 0 {
		return
	}
	checkMatrix("c", c, m, n, ldc)
	checkMatrix("a", a, m, k, lda)
	checkMatrix("b", b, n, k, ldb)
	if mask != nil {
		checkMatrix("mask", mask, m, n, ldm)
	}
	p := product{c: c, ldc: ldc, a: a, aRow: lda, aStep: 1, b: b, ldb: ldb, transposed: true, m: m, n: n, k: k, mask: mask, ldm: ldm, skip: n >= skipColumns}
	if !active.packs || !p.large() { // packing would transpose
		p.b, p.ldb, p.transposed = scratch[:TransposeScratch(n, k)], transposeStride(n), false
		if k > 0 {
			active.transpose(p.b, p.ldb, b, ldb, n, k)
		}
	}
	active.multiply(p)
}

const (
	packRows     = 32        // of c: each reads all of b
	packElements = 128 << 10 // spanned by b, half the second cache
)

// large tells whether b is worth packing: it is read often enough, and its rows, far apart, would thrash the caches.
func (p *product) large() bool {
	rows := p.k
	if p.transposed {
		rows = p.n
	}
	return p.m >= packRows && rows*p.ldb >= packElements
}

// TransposeScratch is the number of elements that MulNT needs as scratch for b [n, k].
func TransposeScratch(n, k int) int { return transposeStride(n) * k }

// transposeStride is the row length of a transposed matrix: whole cache lines, so that no load straddles two.
func transposeStride(n int) int { return (n + 15) &^ 15 }

// Transpose writes dst [n, m] = srcT for src [m, n].
func Transpose(dst []float32, ldd int, src []float32, lds, m, n int) {
	if m <= 0 || n <= 0 {
		return
	}
	checkMatrix("dst", dst, n, m, ldd)
	checkMatrix("src", src, m, n, lds)
	active.transpose(dst, ldd, src, lds, m, n)
}

// checkMatrix panics unless rows of cols elements, ld apart, lie within x: assembly would read and write beyond it.
func checkMatrix(name string, x []float32, rows, cols, ld int) {
	if rows <= 0 || cols <= 0 {
		return
	}
	if ld < cols && rows > 1 || (rows-1)*ld+cols > len(x) {
		panic(fmt.Sprintf("kernel: %s has %d elements, too few for [%d, %d] with leading dimension %d", name, len(x), rows, cols, ld))
	}
}
