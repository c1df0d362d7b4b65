package kernel

import (
	"slices"
	"sync"
)

// Behind a rectifier whole columns of a are zero, those of units that no row uses, and so is what its gradient's mask
// makes of columns of c. Large products leave out the terms that no row of some has a factor for, and the columns of c
// that the mask leaves to none of them.

const (
	usedRows  = 256  // of a at a time
	usedTerms = 1024 // at a time
)

// usedBlock is memory for what is left of some rows.
type usedBlock struct {
	a              [usedRows * usedTerms]float32
	c, mask        [usedRows * mostSkipColumns]float32
	largest        []uint32
	terms, columns []int32
}

var usedBlocks = sync.Pool{New: func() any { return new(usedBlock) }}

// skippingUnused leaves out what no row of a strip uses, then goes by words.
func (p *product) skippingUnused(f *assembly, block *skipBlock) {
	memory := usedBlocks.Get().(*usedBlock)
	defer usedBlocks.Put(memory)
	for i := 0; i < p.m; i += usedRows {
		strip := p.rows(i, min(i+usedRows, p.m))
		strip.leaveOutColumns(f, memory)
		for begin := 0; begin < p.k; begin += usedTerms {
			part := strip.steps(begin, min(begin+usedTerms, p.k))
			part.leaveOutTerms(f, memory)
			if part.usedColumns == nil {
				part.skipStrip(f, block)
			} else {
				part.skipColumns(f, block, memory)
			}
		}
	}
}

// leaveOutTerms copies the columns of a that have more than zeros and takes the copy in its place, if that is worth it.
func (p *product) leaveOutTerms(f *assembly, memory *usedBlock) {
	var pays bool
	if memory.terms, pays = UsedColumns(memory.terms, memory.magnitudes(f, p.a, p.aRow, p.m, p.k)); pays {
		n := len(memory.terms)
		f.gather(&memory.a[0], n, &p.a[0], p.aRow, p.m, &memory.terms[0], n)
		p.a, p.aRow, p.k, p.usedTerms = memory.a[:], n, n, memory.terms
	}
}

// leaveOutColumns clears c and limits the product to its columns where the mask has more than zeros, if that is worth it.
func (p *product) leaveOutColumns(f *assembly, memory *usedBlock) {
	if p.mask == nil || !p.transposed {
		return
	}
	var pays bool
	if memory.columns, pays = UsedColumns(memory.columns, memory.magnitudes(f, p.mask, p.ldm, p.m, p.n)); pays {
		for i := range p.m {
			clear(p.c[i*p.ldc:][:p.n])
		}
		p.n, p.usedColumns = len(memory.columns), memory.columns
	}
}

// magnitudes are the largest ones in the columns of a matrix.
func (b *usedBlock) magnitudes(f *assembly, x []float32, ld, m, n int) []uint32 {
	b.largest = slices.Grow(b.largest[:0], n)[:n]
	f.largest(&b.largest[0], &x[0], ld, m, n)
	return b.largest
}

// skipColumns computes some of the used columns of c at a time, in memory of their own.
func (p *product) skipColumns(f *assembly, block *skipBlock, memory *usedBlock) {
	for j := 0; j < p.n; j += mostSkipColumns {
		part := *p
		part.usedColumns = p.usedColumns[j:min(j+mostSkipColumns, p.n)]
		n := len(part.usedColumns)
		columns := &part.usedColumns[0]
		part.n, part.c, part.ldc = n, memory.c[:], n
		if p.accumulate {
			f.gather(&part.c[0], n, &p.c[0], p.ldc, p.m, columns, n)
		}
		if p.mask != nil {
			part.mask, part.ldm = memory.mask[:], n
			f.gather(&part.mask[0], n, &p.mask[0], p.ldm, p.m, columns, n)
		}
		part.skipStrip(f, block)
		scatterColumns(p.c, p.ldc, part.c, n, p.m, part.usedColumns)
	}
}

// scatterColumns copies src [m, len(columns)] to columns of dst.
func scatterColumns(dst []float32, ldd int, src []float32, lds, m int, columns []int32) {
	for i := range m {
		to, from := dst[i*ldd:], src[i*lds:][:len(columns)]
		for j, column := range columns {
			to[column] = from[j]
		}
	}
}

// packUsed copies the used terms of the used columns [j, j+width) of a transposed b, 8 columns at a time; the last ones
// overlap those before.
func (p *product) packUsed(f *assembly, memory []float32, j, width, stride int) {
	rows := packedBlocks.Get().(*packedBlock)
	defer packedBlocks.Put(rows)
	n := min(width, transposeSize)
	for i := 0; i < width; i += n {
		i := min(i, width-n)
		p.gatherTerms(f, rows[:], j+i, n)
		transposeStrips(memory[i:], stride, rows[:], p.k, n, p.k, f.strip)
	}
}

// gatherTerms copies the used terms of the used columns [j, j+n) of a transposed b.
func (p *product) gatherTerms(f *assembly, terms []float32, j, n int) {
	switch {
	case p.usedColumns == nil:
		f.gather(&terms[0], p.k, &p.b[j*p.ldb], p.ldb, n, &p.usedTerms[0], p.k)
	case p.usedTerms == nil:
		for i, column := range p.usedColumns[j : j+n] {
			copy(terms[i*p.k:][:p.k], p.b[int(column)*p.ldb:])
		}
	default:
		for i, column := range p.usedColumns[j : j+n] {
			next := p.usedColumns[min(j+i+1, len(p.usedColumns)-1)] // gather asks for it in time
			f.gather(&terms[i*p.k], 0, &p.b[int(column)*p.ldb], int(next-column)*p.ldb, 1, &p.usedTerms[0], p.k)
		}
	}
}
