package kernel

import "sync"

// Of large factors the parts that are multiplied together are copied, so that each lies in one piece: a part of a in the
// second cache for all panels of b, and of these a group at a time, made of whole stretches of b's rows; the columns of c
// for all of them fit there too. In place, rows whose distance is a multiple of 4096 bytes would all have to share
// a few places of the caches.
const (
	packedDepth   = 256                      // steps over k, after which c is reloaded
	packedStride  = packedDepth + lineFloats // between rows of a: at a power of two they would share places of the first cache
	packedHeight  = 512                      // rows of a
	packedRows    = 128                      // of c at a time: a panel of more, its rows far apart, is gone from the second cache when they return
	packedColumns = 192                      // of b
	packedPanels  = 4                        // of b, from which on a is worth copying
)

// packing is memory for such copies.
type packing struct {
	a [packedHeight * packedStride]float32
	b [packedColumns * packedDepth]float32
}

var packings = sync.Pool{New: func() any { return new(packing) }}

// packed cuts the product into parts that are packed.
func (p *product) packed(f *assembly) {
	memory := packings.Get().(*packing)
	defer packings.Put(memory)
	for i := 0; i < p.m; i += packedHeight {
		strip := p.rows(i, min(i+packedHeight, p.m))
		for begin := 0; begin < p.k; begin += packedDepth {
			part := strip.steps(begin, min(begin+packedDepth, p.k))
			if p.n >= packedPanels*f.columns {
				part.packA(f, memory.a[:])
			}
			for j := 0; j < p.n; j += packedColumns {
				part.packedGroup(f, memory.b[:], j, min(packedColumns, p.n-j))
			}
		}
	}
}

// packA copies a and takes the copy in its place.
func (p *product) packA(f *assembly, memory []float32) {
	if p.aStep == 1 {
		f.copy(&memory[0], packedStride, &p.a[0], p.aRow, p.m, p.k)
	} else {
		transposeStrips(memory, packedStride, p.a, p.aStep, p.k, p.m, f.strip)
	}
	p.a, p.aRow, p.aStep = memory, packedStride, 1
}

// packedGroup computes the columns [j, j+n) by panels of b, all of which are packed first.
func (p *product) packedGroup(f *assembly, memory []float32, j, n int) {
	size := p.k * f.columns
	p.packGroup(f, memory, size, j, n)
	for i := 0; i < p.m; i += packedRows {
		part := p.rows(i, min(i+packedRows, p.m))
		for from := 0; from < n; from += f.columns {
			j, b := j+from, &memory[from/f.columns*size]
			f.panel(&part.c[j], p.ldc, &part.a[0], p.aRow, p.aStep, b, f.columns, part.m, min(f.columns, n-from), p.k, at(p.bias, j), at(part.mask, j), p.ldm, p.flags()|panelPrefetch)
		}
	}
}

// packGroup copies the columns [j, j+n) of b as panels of a size. It reads each row of b for all whole
// panels at once: what lies together in memory comes faster than pieces that are far apart.
func (p *product) packGroup(f *assembly, memory []float32, size, j, n int) {
	whole := n / f.columns
	rest := n - whole*f.columns
	switch {
	case whole == 0:
	case p.transposed:
		for i := range whole {
			p.pack(f, memory[i*size:], j+i*f.columns, f.columns, f.columns)
		}
	default:
		for k := range p.k {
			f.copy(&memory[k*f.columns], size, &p.b[k*p.ldb+j], f.columns, whole, f.columns)
		}
	}
	if rest > 0 {
		p.pack(f, memory[whole*size:], j+n-rest, rest, f.columns)
	}
}
