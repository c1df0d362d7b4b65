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

func multiplyAVX512(p product) {
	switch {
	case p.large():
		p.packed(panelColumnsAVX512, panelAVX512, transposeRowsAVX512)
	case p.isColumn():
		p.column(panelColumnsAVX512, panelAVX512, transposeRowsAVX512)
	default:
		p.run(panelColumnsAVX512, panelAVX512)
	}
}

func multiplyAVX2(p product) {
	switch {
	case p.large():
		p.packed(panelColumnsAVX2, panelAVX2, transposeRowsAVX2)
	case p.isColumn():
		p.column(panelColumnsAVX2, panelAVX2, transposeRowsAVX2)
	default:
		p.run(panelColumnsAVX2, panelAVX2)
	}
}

// panelFunction computes c[m, n] for n up to the columns of a tile; strides are in elements.
type panelFunction = func(c *float32, ldc int, a *float32, aRow, aStep int, b *float32, ldb int, m, n, k int, bias, mask *float32, ldm, flags int)

// run cuts the product into panels of columns.
func (p *product) run(columns int, panel panelFunction) {
	for j := 0; j < p.n; j += columns {
		panel(&p.c[j], p.ldc, at(p.a, 0), p.aRow, p.aStep, at(p.b, j), p.ldb, p.m, min(columns, p.n-j), p.k, at(p.bias, j), at(p.mask, j), p.ldm, p.flags())
	}
}

const packedSize = 192 * 48 // elements of b packed at once: three quarters of the first cache

type packedBlock [packedSize]float32

var packedBlocks = sync.Pool{New: func() any { return new(packedBlock) }}

// packed runs over blocks of k, reloading c, and within them over panels of columns, copied to consecutive memory.
func (p *product) packed(columns int, panel panelFunction, strip stripFunction) {
	block := packedBlocks.Get().(*packedBlock)
	defer packedBlocks.Put(block)
	depth := packedSize / columns
	for begin := 0; begin < p.k; begin += depth {
		part := p.steps(begin, min(begin+depth, p.k))
		for j := 0; j < p.n; j += columns {
			width := min(columns, p.n-j)
			part.pack(block, j, width, columns, strip)
			panel(&p.c[j], p.ldc, &part.a[0], p.aRow, p.aStep, &block[0], columns, p.m, width, part.k, at(part.bias, j), at(part.mask, j), p.ldm, part.flags()|panelPrefetch)
		}
	}
}

// isColumn tells whether c is a single contiguous column and a is worth transposing for it.
func (p *product) isColumn() bool {
	return p.n == 1 && p.ldc == 1 && p.aStep == 1 && p.mask == nil && p.m >= 16 && p.k >= transposeSize && p.k <= packedSize/64
}

// column computes a single column as the row that it also is, from a transposed: that fills the vectors, where a tile
// would use one lane of each.
func (p *product) column(columns int, panel panelFunction, strip stripFunction) {
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
		transposeStrips(block[:], m, p.a[i*p.aRow:], p.aRow, m, p.k, strip)
		part.run(columns, panel)
	}
}

// steps is the part of the product over k in [begin, end): the first starts, the last finishes.
func (p *product) steps(begin, end int) product {
	part := *p
	part.a, part.k = p.a[begin*p.aStep:], end-begin
	if p.transposed {
		part.b = p.b[begin:]
	} else {
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

// pack copies columns j to j+width of b, its rows stride apart.
func (p *product) pack(block *packedBlock, j, width, stride int, strip stripFunction) {
	if p.transposed {
		transposeStrips(block[:], stride, p.b[j*p.ldb:], p.ldb, width, p.k, strip)
		return
	}
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
