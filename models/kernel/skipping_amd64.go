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
	wordTerms  = 64
	mostWords  = 4 // of a row at a time: that part of a stays in the second cache for all panels of b
	wordsSize  = 4096
	wordsSlack = 16 // beyond the last column of a, columnWords writes whole vectors

	copyRows   = 8    // of c: for fewer, b is read where it lies
	lineFloats = 16   // of a cache line
	aliasing   = 1024 // at whose multiples the first cache keeps floats in few places
)

// wordBlock has the words of some rows for the first 64 terms, then those for the next, and so on.
type wordBlock [wordsSize + wordsSlack]uint64

var wordBlocks = sync.Pool{New: func() any { return new(wordBlock) }}

// hasZero tells whether a has any zero.
func (p *product) hasZero(f *assembly) bool {
	switch {
	case p.k == 0:
		return false
	case p.aStep == 1:
		return f.hasZero(&p.a[0], p.aRow, p.m, p.k)
	}
	return f.hasZero(&p.a[0], p.aStep, p.k, p.m)
}

// skipping cuts the product into parts for whose words there is memory.
func (p *product) skipping(f *assembly) {
	words := wordBlocks.Get().(*wordBlock)
	defer wordBlocks.Put(words)
	block := packedBlocks.Get().(*packedBlock)
	defer packedBlocks.Put(block)
	terms := min(p.k, mostWords*wordTerms)
	rows := wordsSize / wordsFor(terms)
	for i := 0; i < p.m; i += rows {
		strip := p.rows(i, min(i+rows, p.m))
		for begin := 0; begin < p.k; begin += terms {
			part := strip.steps(begin, min(begin+terms, p.k))
			part.makeWords(f, words)
			part.skipPanels(f, words, block)
		}
	}
}

func wordsFor(terms int) int { return (terms + wordTerms - 1) / wordTerms }

// rows is the part of the product that makes rows [begin, end) of c.
func (p *product) rows(begin, end int) product {
	part := *p
	part.m, part.c, part.a = end-begin, p.c[begin*p.ldc:], p.a[begin*p.aRow:]
	if p.mask != nil {
		part.mask = p.mask[begin*p.ldm:]
	}
	return part
}

func (p *product) makeWords(f *assembly, words *wordBlock) {
	for i := range wordsFor(p.k) {
		part := p.terms(i)
		if to := &words[i*p.m]; p.aStep == 1 {
			f.rowWords(to, &part.a[0], p.aRow, p.m, part.k)
		} else {
			f.columnWords(to, &part.a[0], p.aStep, part.k, p.m)
		}
	}
}

// terms is the part of the product that the i-th word of each row is for.
func (p *product) terms(i int) product { return p.steps(i*wordTerms, min((i+1)*wordTerms, p.k)) }

// skipPanels runs over panels of columns of equal width, and for each over as many terms at a time as let a panel of b
// stay in the first cache. A panel of c stays in the second.
func (p *product) skipPanels(f *assembly, words *wordBlock, block *packedBlock) {
	panels := (p.n + f.skipColumns - 1) / f.skipColumns
	width := ((p.n+panels-1)/panels + lineFloats - 1) &^ (lineFloats - 1)
	terms := packedSize / width
	if p.k > terms {
		terms -= terms % wordTerms
	}
	for j := 0; j < p.n; j += width {
		for begin := 0; begin < p.k; begin += terms {
			part := p.steps(begin, min(begin+terms, p.k))
			part.skipPanel(f, j, min(width, p.n-j), words[begin/wordTerms*p.m:], block)
		}
	}
}

// skipPanel computes columns [j, j+n), from a copy of b whose rows begin with cache lines unless that is the case already.
func (p *product) skipPanel(f *assembly, j, n int, words []uint64, block *packedBlock) {
	b, ldb := at(p.b, j), p.ldb
	if p.transposed || p.m >= copyRows && (ldb%aliasing == 0 || ldb%lineFloats != 0 || !aligned(b)) {
		b, ldb = &block[0], (n+lineFloats-1)&^(lineFloats-1)
		p.pack(f, block[:], j, n, ldb)
	}
	f.skipPanel(&p.c[j], p.ldc, &p.a[0], p.aRow, p.aStep, b, ldb, &words[0], p.m, wordsFor(p.k), p.m, n, at(p.bias, j), at(p.mask, j), p.ldm, p.flags())
}

// aligned tells whether a cache line begins at x.
func aligned(x *float32) bool { return uintptr(unsafe.Pointer(x))%(4*lineFloats) == 0 }
