package kernel

import (
	"sync"
	"unsafe"
)

// A rectifier leaves zeros, often nine of ten; the gradients through it have them too. A product with such a factor
// leaves out what they would have added. Where its assembly finds a zero it goes by words, of which each says which of 64
// factors in a row of a are not zero; without any it goes by tiles, which share what they load between rows.

type (
	// skipFunction is a panelFunction in which each row of c takes the terms in its words, depth of them, stride apart.
	skipFunction = func(c *float32, ldc int, a *float32, aRow, aStep int, b *float32, ldb int, words *uint64, stride, depth, m, n int, bias, mask *float32, ldm, flags int)
	// wordsFunction makes the words of rows or columns of a.
	wordsFunction = func(words *uint64, a *float32, lda, m, n int)
)

const (
	mostTerms  = 4 * wordTerms // at a time
	wordsSlack = 16            // beyond the last column of a, columnWords writes whole vectors

	mostSkipColumns = 112 // of any assembly's panels

	copyRows   = 8    // of c: for fewer, b is read where it lies
	lineFloats = 16   // of a cache line
	aliasing   = 1024 // at whose multiples the first cache keeps floats in few places
)

// skipBlock is memory for such products.
type skipBlock struct {
	words [wordsSize + wordsSlack]uint64       // of some rows for the first 64 terms, then those for the next, and so on
	panel [mostTerms * mostSkipColumns]float32 // of a transposed b
	b     packedBlock                          // a panel's rows for 64 terms
}

var skipBlocks = sync.Pool{New: func() any { return new(skipBlock) }}

// pieceFloats is how much of a matrix in one piece is looked at for zeros at a time.
const pieceFloats = 1024

// hasZero tells whether a has any zero.
func (p *product) hasZero(f *assembly) bool {
	m, n, ld := p.m, p.k, p.aRow
	if p.aStep != 1 {
		m, n, ld = p.k, p.m, p.aStep
	}
	if n == 0 || m == 0 {
		return false
	}
	if ld > n {
		return f.hasZero(&p.a[0], ld, m, n)
	}
	// Rows without a gap are as good as longer ones, whose vectors are full.
	pieces, rest := m*n/pieceFloats, m*n%pieceFloats
	return pieces > 0 && f.hasZero(&p.a[0], pieceFloats, pieces, pieceFloats) ||
		rest > 0 && f.hasZero(&p.a[pieces*pieceFloats], rest, 1, rest)
}

// skipping cuts the product into parts for whose words there is memory.
func (p *product) skipping(f *assembly) {
	block := skipBlocks.Get().(*skipBlock)
	defer skipBlocks.Put(block)
	if p.large() && p.aStep == 1 {
		p.skippingUnused(f, block)
		return
	}
	rows := wordsSize / wordsFor(min(p.k, mostTerms))
	if p.m <= rows {
		p.skipStrip(f, block)
		return
	}
	for i := 0; i < p.m; i += rows {
		strip := p.rows(i, min(i+rows, p.m))
		strip.skipStrip(f, block)
	}
}

// skipStrip takes so many terms at a time that this part of a stays in the second cache for all panels of b.
func (p *product) skipStrip(f *assembly, block *skipBlock) {
	if p.k <= mostTerms {
		p.makeWords(f, &block.words)
		p.skipPanels(f, block)
		return
	}
	for begin := 0; begin < p.k; begin += mostTerms {
		part := p.steps(begin, min(begin+mostTerms, p.k))
		part.makeWords(f, &block.words)
		part.skipPanels(f, block)
	}
}

// rows is the part of the product that makes rows [begin, end) of c.
func (p *product) rows(begin, end int) product {
	part := *p
	part.m, part.c, part.a = end-begin, p.c[begin*p.ldc:], p.a[begin*p.aRow:]
	if p.mask != nil {
		part.mask = p.mask[begin*p.ldm:]
	}
	return part
}

func (p *product) makeWords(f *assembly, words *[wordsSize + wordsSlack]uint64) {
	for i := range wordsFor(p.k) {
		begin := i * wordTerms
		to, a, terms := &words[i*p.m], &p.a[begin*p.aStep], min(wordTerms, p.k-begin)
		if p.aStep == 1 {
			f.rowWords(to, a, p.aRow, p.m, terms)
		} else {
			f.columnWords(to, a, p.aStep, terms, p.m)
		}
	}
}

// skipPanels runs over panels of columns of equal width, and for each over as many terms at a time as let a panel of b
// stay in the first cache. A panel of c stays in the second.
func (p *product) skipPanels(f *assembly, block *skipBlock) {
	panels := (p.n + f.skipColumns - 1) / f.skipColumns
	width := wholeLines((p.n + panels - 1) / panels)
	terms := packedSize / width
	if p.k > terms {
		terms -= terms % wordTerms
	}
	if width >= p.n && terms >= p.k && !p.transposed {
		p.skipPanel(f, block.words[:], &block.b)
		return
	}
	for j := 0; j < p.n; j += width {
		panel := p.columns(f, j, min(width, p.n-j), block)
		for begin := 0; begin < p.k; begin += terms {
			part := panel.steps(begin, min(begin+terms, p.k))
			part.skipPanel(f, block.words[begin/wordTerms*p.m:], &block.b)
		}
	}
}

// columns is the part of the product that makes columns [j, j+n) of c. A transposed b is copied whole rows at a time.
func (p *product) columns(f *assembly, j, n int, block *skipBlock) product {
	part := *p
	part.n, part.c = n, p.c[j:]
	if p.bias != nil {
		part.bias = p.bias[j:]
	}
	if p.mask != nil {
		part.mask = p.mask[j:]
	}
	if !p.transposed {
		part.b = p.b[j:]
		return part
	}
	part.b, part.ldb = block.panel[:], wholeLines(n)
	part.transposed, part.usedTerms, part.usedColumns = false, nil, nil
	p.pack(f, part.b, j, n, part.ldb)
	return part
}

// skipPanel computes a panel from a copy of b whose rows begin with cache lines unless that is the case already.
func (p *product) skipPanel(f *assembly, words []uint64, block *packedBlock) {
	b, ldb := &p.b[0], p.ldb
	if p.usedTerms != nil || p.m >= copyRows && (ldb%aliasing == 0 || ldb%lineFloats != 0 || !aligned(b)) {
		b, ldb = &block[0], wholeLines(p.n)
		p.pack(f, block[:], 0, p.n, ldb)
	}
	f.skipPanel(&p.c[0], p.ldc, &p.a[0], p.aRow, p.aStep, b, ldb, &words[0], p.m, wordsFor(p.k), p.m, p.n, at(p.bias, 0), at(p.mask, 0), p.ldm, p.flags())
}

// wholeLines is so many floats, rounded up to cache lines.
func wholeLines(n int) int { return (n + lineFloats - 1) &^ (lineFloats - 1) }

// aligned tells whether a cache line begins at x.
func aligned(x *float32) bool { return uintptr(unsafe.Pointer(x))%(4*lineFloats) == 0 }

// segmentSum is a product with a matrix of zeros and ones, of which the words say where the ones are.
func (f *assembly) segmentSum(dst []float32, n int, words []uint64, rows, depth int, src []float32, lds int) {
	for j := 0; j < n; j += f.skipColumns {
		f.skipPanel(&dst[j], n, &one[0], 0, 0, &src[j], lds, &words[0], rows, depth, rows, min(f.skipColumns, n-j), nil, nil, 0, 0)
	}
}
