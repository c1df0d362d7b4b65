package kernel

import "sync"

const (
	panelColumnsAVX512 = 48
	panelColumnsAVX2   = 16

	// flags of the panel functions
	panelAccumulate = 1
	panelReLU       = 2
	panelPrefetch   = 4 // the rows of c below a tile
)

func multiplyAVX512(p product) { p.run(panelColumnsAVX512, panelAVX512) }
func multiplyAVX2(p product)   { p.run(panelColumnsAVX2, panelAVX2) }

// panelFunction computes c[m, n] for n up to the columns of a tile; strides are in elements.
type panelFunction = func(c *float32, ldc int, a *float32, aRow, aStep int, b *float32, ldb int, m, n, k int, bias, mask *float32, ldm, flags int)

// run cuts the product into panels of columns. It packs b where it reads it often enough and its rows, far apart,
// would thrash the caches.
func (p *product) run(columns int, panel panelFunction) {
	if p.m >= packRows && p.k*p.ldb >= packElements {
		p.packed(columns, panel)
		return
	}
	for j := 0; j < p.n; j += columns {
		panel(&p.c[j], p.ldc, at(p.a, 0), p.aRow, p.aStep, at(p.b, j), p.ldb, p.m, min(columns, p.n-j), p.k, at(p.bias, j), at(p.mask, j), p.ldm, p.flags())
	}
}

const (
	packRows     = 32        // of c: each reads all of b
	packElements = 128 << 10 // spanned by b, half the second cache
	packedSize   = 192 * 48  // elements of b packed at once: three quarters of the first cache
)

type packedBlock [packedSize]float32

var packedBlocks = sync.Pool{New: func() any { return new(packedBlock) }}

// packed runs over blocks of k, reloading c, and within them over panels of columns, copied to consecutive memory.
func (p *product) packed(columns int, panel panelFunction) {
	block := packedBlocks.Get().(*packedBlock)
	defer packedBlocks.Put(block)
	depth := packedSize / columns
	for begin := 0; begin < p.k; begin += depth {
		part := p.steps(begin, min(begin+depth, p.k))
		for j := 0; j < p.n; j += columns {
			width := min(columns, p.n-j)
			part.pack(block, j, width, columns)
			panel(&p.c[j], p.ldc, &part.a[0], p.aRow, p.aStep, &block[0], columns, p.m, width, part.k, at(part.bias, j), at(part.mask, j), p.ldm, part.flags()|panelPrefetch)
		}
	}
}

// steps is the part of the product over k in [begin, end): the first starts, the last finishes.
func (p *product) steps(begin, end int) product {
	part := *p
	part.a, part.b, part.k = p.a[begin*p.aStep:], p.b[begin*p.ldb:], end-begin
	if begin > 0 {
		part.accumulate, part.bias = true, nil
	}
	if end < p.k {
		part.relu, part.mask = false, nil
	}
	return part
}

// pack copies columns j to j+width of b, its rows stride apart.
func (p *product) pack(block *packedBlock, j, width, stride int) {
	for k := range p.k {
		copy(block[k*stride:][:width], p.b[k*p.ldb+j:])
	}
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

// transposeStrips transposes 8 rows of src at a time. The last ones overlap those before.
func transposeStrips(dst []float32, ldd int, src []float32, lds, m, n int, strip func(dst *float32, ldd int, src *float32, lds, n int)) {
	if m < transposeSize || n < transposeSize {
		transposePortable(dst, ldd, src, lds, m, n)
		return
	}
	for i := 0; i < m; i += transposeSize {
		i := min(i, m-transposeSize)
		strip(&dst[i], ldd, &src[i*lds], lds, n)
	}
}
