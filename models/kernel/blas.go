package kernel

import (
	"sync"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/gonum"
)

// BLAS is gonum's BLAS with the float32 products on the kernel in use, for gorgonia.Use and tensor.Use: then Gorgonia's
// own operations round as ours do. Products with a scale alpha other than 1 or a beta other than 0 and 1 stay gonum's,
// as does everything else.
type BLAS struct {
	gonum.Implementation
}

// Sgemm computes C = op(A) op(B) + beta C for alpha = 1. The operands are as in package blas.
func (x BLAS) Sgemm(tA, tB blas.Transpose, m, n, k int, alpha float32, a []float32, lda int, b []float32, ldb int, beta float32, c []float32, ldc int) {
	if !startable(alpha, beta) || m <= 0 || n <= 0 || k <= 0 || ldb < 1 {
		x.Implementation.Sgemm(tA, tB, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc)
		return
	}
	p := product{c: c, ldc: ldc, a: a, aRow: lda, aStep: 1, b: b, ldb: ldb, m: m, n: n, k: k, accumulate: beta == 1, skip: n >= skipColumns}
	checkMatrix("c", c, m, n, ldc)
	if tA == blas.NoTrans {
		checkMatrix("a", a, m, k, lda)
	} else {
		checkMatrix("a", a, k, m, lda)
		p.aRow, p.aStep = 1, lda
	}
	if tB == blas.NoTrans {
		checkMatrix("b", b, k, n, ldb)
		active.multiply(p)
		return
	}
	checkMatrix("b", b, n, k, ldb)
	scratch := borrowScratch(TransposeScratch(n, k))
	defer scratches.Put(scratch)
	p.b, p.ldb = *scratch, transposeStride(n)
	active.transpose(p.b, p.ldb, b, ldb, n, k)
	active.multiply(p)
}

// Sgemv computes y = op(A) x + beta y for alpha = 1, where y is contiguous. The operands are as in package blas.
func (x BLAS) Sgemv(tA blas.Transpose, m, n int, alpha float32, a []float32, lda int, v []float32, incV int, beta float32, y []float32, incY int) {
	if !startable(alpha, beta) || m <= 0 || n <= 0 || incV < 1 || incY != 1 {
		x.Implementation.Sgemv(tA, m, n, alpha, a, lda, v, incV, beta, y, incY)
		return
	}
	checkMatrix("a", a, m, n, lda)
	if tA == blas.NoTrans {
		checkMatrix("x", v, n, 1, incV)
		active.multiply(product{c: y[:m], ldc: 1, a: a, aRow: lda, aStep: 1, b: v, ldb: incV, m: m, n: 1, k: n, accumulate: beta == 1})
		return
	}
	checkMatrix("x", v, m, 1, incV)
	active.multiply(product{c: y[:n], ldc: n, a: v, aStep: incV, b: a, ldb: lda, m: 1, n: n, k: m, accumulate: beta == 1})
}

// startable tells whether sums that start from zero or from c make the product.
func startable(alpha, beta float32) bool { return alpha == 1 && (beta == 0 || beta == 1) }

var scratches = sync.Pool{New: func() any { return new([]float32) }}

// borrowScratch returns n elements with any content, to be put back into scratches.
func borrowScratch(n int) *[]float32 {
	s := scratches.Get().(*[]float32)
	if cap(*s) < n {
		*s = make([]float32, n)
	}
	*s = (*s)[:n]
	return s
}
