package kernel

const (
	panelColumnsAVX512 = 48
	panelColumnsAVX2   = 16

	// flags of the panel functions
	panelAccumulate = 1
	panelReLU       = 2
)

func multiplyAVX512(p product) { p.panels(panelColumnsAVX512, panelAVX512) }
func multiplyAVX2(p product)   { p.panels(panelColumnsAVX2, panelAVX2) }

// panelFunction computes c[m, n] for n up to the columns of a tile; strides are in elements.
type panelFunction = func(c *float32, ldc int, a *float32, aRow, aStep int, b *float32, ldb int, m, n, k int, bias, mask *float32, ldm, flags int)

// panels cuts the product into panels of columns.
func (p *product) panels(columns int, panel panelFunction) {
	for j := 0; j < p.n; j += columns {
		panel(&p.c[j], p.ldc, at(p.a, 0), p.aRow, p.aStep, at(p.b, j), p.ldb, p.m, min(columns, p.n-j), p.k, at(p.bias, j), at(p.mask, j), p.ldm, p.flags())
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
