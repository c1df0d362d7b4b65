package kernel

import "sync"

const ( // flags of the panel functions
	panelAccumulate = 1
	panelReLU       = 2
	panelPrefetch   = 4 // the rows of c below a tile
)

// assembly has the functions that one instruction set's products are made of.
type assembly struct {
	columns int // of a tile
	panel   panelFunction
	strip   stripFunction
	copy    copyFunction
	largest largestFunction
	gather  gatherFunction

	skipColumns           int // of a panel that goes by words
	skipPanel             skipFunction
	hasZero               func(a *float32, lda, m, n int) bool
	rowWords, columnWords wordsFunction
}

var (
	assemblyAVX512 = assembly{48, panelAVX512, transposeRowsAVX512, copyRowsAVX512, largestAVX512, gatherColumnsAVX512, mostSkipColumns, skipPanelAVX512, hasZeroAVX512, rowWordsAVX512, columnWordsAVX512}
	assemblyAVX2   = assembly{16, panelAVX2, transposeRowsAVX2, copyRowsAVX2, largestAVX2, gatherColumnsAVX2, 96, skipPanelAVX2, hasZeroAVX2, rowWordsAVX2, columnWordsAVX2}
)

func multiplyAVX512(p product) { p.multiply(&assemblyAVX512) }
func multiplyAVX2(p product)   { p.multiply(&assemblyAVX2) }

func (p *product) multiply(f *assembly) {
	switch {
	case p.skip && p.hasZero(f):
		p.skipping(f)
	case p.large():
		p.packed(f)
	case p.isColumn():
		p.column(f)
	default:
		p.run(f)
	}
}

// panelFunction computes c[m, n] for n up to the columns of a tile; strides are in elements.
type panelFunction = func(c *float32, ldc int, a *float32, aRow, aStep int, b *float32, ldb int, m, n, k int, bias, mask *float32, ldm, flags int)

// run cuts the product into panels of columns.
func (p *product) run(f *assembly) {
	for j := 0; j < p.n; j += f.columns {
		f.panel(&p.c[j], p.ldc, at(p.a, 0), p.aRow, p.aStep, at(p.b, j), p.ldb, p.m, min(f.columns, p.n-j), p.k, at(p.bias, j), at(p.mask, j), p.ldm, p.flags())
	}
}

const packedSize = 9 << 10 // elements of b: three quarters of the first cache

// packedBlock is a panel of b whose rows lie together.
type packedBlock [packedSize]float32

var packedBlocks = sync.Pool{New: func() any { return new(packedBlock) }}

// isColumn tells whether c is a single contiguous column and a is worth transposing for it.
func (p *product) isColumn() bool {
	return p.n == 1 && p.ldc == 1 && p.aStep == 1 && p.mask == nil && p.m >= 16 && p.k >= transposeSize && p.k <= packedSize/64
}

// column computes a single column as the row that it also is, from a transposed: that fills the vectors, where a tile
// would use one lane of each.
func (p *product) column(f *assembly) {
	block := packedBlocks.Get().(*packedBlock)
	defer packedBlocks.Put(block)
	rows := packedSize / p.k
	for i := 0; i < p.m; i += rows {
		m := min(rows, p.m-i)
		part := product{c: p.c[i:], ldc: m, a: p.b, aStep: p.ldb, b: block[:], ldb: m, m: 1, n: m, k: p.k, relu: p.relu, accumulate: p.accumulate}
		if p.bias != nil {
			Fill(part.c[:m], p.bias[0])
			part.accumulate = true
		}
		transposeStrips(block[:], m, p.a[i*p.aRow:], p.aRow, m, p.k, f.strip)
		part.run(f)
	}
}

// steps is the part of the product over k in [begin, end): the first starts, the last finishes.
func (p *product) steps(begin, end int) product {
	part := *p
	part.a, part.k = p.a[begin*p.aStep:], end-begin
	switch {
	case p.usedTerms != nil:
		part.usedTerms = p.usedTerms[begin:end]
	case p.transposed:
		part.b = p.b[begin:]
	default:
		part.b = p.b[begin*p.ldb:]
	}
	if begin > 0 {
		part.accumulate, part.bias = true, nil
	}
	if end < p.k {
		part.relu, part.mask = false, nil
	}
	return part
}

// pack copies columns j to j+width of b to memory, its rows stride apart.
func (p *product) pack(f *assembly, memory []float32, j, width, stride int) {
	switch {
	case p.transposed && (p.usedTerms != nil || p.usedColumns != nil):
		p.packUsed(f, memory, j, width, stride)
	case p.transposed:
		transposeStrips(memory, stride, p.b[j*p.ldb:], p.ldb, width, p.k, f.strip)
	case p.usedTerms != nil:
		for i, term := range p.usedTerms {
			copy(memory[i*stride:][:width], p.b[int(term)*p.ldb+j:])
		}
	default:
		f.copy(&memory[0], stride, &p.b[j], p.ldb, p.k, width)
	}
}

// largestFunction finds the bits of the largest magnitude in each of n columns.
type largestFunction = func(dst *uint32, src *float32, lds, m, n int)

// gatherFunction copies n columns of m rows.
type gatherFunction = func(dst *float32, ldd int, src *float32, lds, m int, columns *int32, n int)

// copyFunction copies m rows of n elements.
type copyFunction = func(dst *float32, ldd int, src *float32, lds, m, n int)

func (f *assembly) copyRows(dst []float32, ldd int, src []float32, lds, m, n int) {
	f.copy(&dst[0], ldd, &src[0], lds, m, n)
}

func (f *assembly) largestRows(dst []uint32, src []float32, lds, m int) {
	f.largest(&dst[0], &src[0], lds, m, len(dst))
}

func (f *assembly) gatherColumns(dst []float32, ldd int, src []float32, lds, m int, columns []int32) {
	f.gather(&dst[0], ldd, &src[0], lds, m, &columns[0], len(columns))
}

func (p *product) flags() int {
	flags := 0
	if p.accumulate {
		flags |= panelAccumulate
	}
	if p.relu {
		flags |= panelReLU
	}
	return flags
}

// at is the address of x[i], nil where there is none: an absent bias or mask, or an operand of a product over no k.
func at(x []float32, i int) *float32 {
	if i < len(x) {
		return &x[i]
	}
	return nil
}

// transposeSize is the side of the squares that the assembly transposes.
const transposeSize = 8

func transposeAVX512(dst []float32, ldd int, src []float32, lds, m, n int) {
	transposeStrips(dst, ldd, src, lds, m, n, transposeRowsAVX512)
}

func transposeAVX2(dst []float32, ldd int, src []float32, lds, m, n int) {
	transposeStrips(dst, ldd, src, lds, m, n, transposeRowsAVX2)
}

// stripFunction writes 8 rows of src, n >= 8 long, as 8 columns of dst.
type stripFunction = func(dst *float32, ldd int, src *float32, lds, n int)

// transposeStrips transposes 8 rows of src at a time. The last ones overlap those before.
func transposeStrips(dst []float32, ldd int, src []float32, lds, m, n int, strip stripFunction) {
	if m < transposeSize || n < transposeSize {
		transposePortable(dst, ldd, src, lds, m, n)
		return
	}
	for i := 0; i < m; i += transposeSize {
		i := min(i, m-transposeSize)
		strip(&dst[i], ldd, &src[i*lds], lds, n)
	}
}
