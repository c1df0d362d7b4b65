package kernel

import (
	"math"
	"sync"
)

// The gradient of a layer's outputs often has far fewer numbers that are not zero than the layer's inputs have. A product
// leaves out zeros of its first operand alone, so the gradient becomes that one: c = aT b is the transpose of bT a.

const (
	turnRows    = 48      // of c: each row of its transpose should fill some vectors
	turnColumns = 96      // of c: fewer are not worth a look
	turnSample  = 8       // rows of a and b that are looked at, at each element of so many
	turnedStrip = 8       // rows of c written at once: more, a power of two apart, would evict each other from the first cache
	turnedSize  = 8 << 10 // elements of cT made at once, most of the first cache
)

type turnedBlock [turnedSize]float32

var turnedBlocks = sync.Pool{New: func() any { return new(turnedBlock) }}

// turns tells whether cT = bT a, with b's zeros left out, has less than half the terms of c = aT b, with a's. It judges
// by a sample of both, which is the same in all implementations.
func (p *product) turns() bool {
	if !p.skip || p.m < turnRows || p.m > turnedSize/turnedStrip || p.n < turnColumns || p.k < turnSample {
		return false
	}
	a, b := 0, 0
	for i := range turnSample {
		k := i * (p.k / turnSample)
		a += nonzeros(p.a[k*p.aStep:][:p.m])
		b += nonzeros(p.b[k*p.ldb:][:p.n])
	}
	return 2*b*p.m < a*p.n
}

// nonzeros counts among every turnSample-th element, without a branch, which would be foretold wrong half the time.
func nonzeros(x []float32) int {
	n := uint64(0)
	for i := 0; i < len(x); i += turnSample {
		magnitude := uint64(math.Float32bits(x[i]) << 1)
		n += -magnitude >> 63
	}
	return int(n)
}

// turned computes c = aT b as the transpose of bT a, some columns of c at a time.
func (p *product) turned() {
	block := turnedBlocks.Get().(*turnedBlock)
	defer turnedBlocks.Put(block)
	ld := transposeStride(p.m)
	columns := turnedSize / ld
	for j := 0; j < p.n; j += columns {
		n := min(columns, p.n-j)
		active.multiply(product{c: block[:], ldc: ld, a: p.b[j:], aRow: 1, aStep: p.ldb, b: p.a, ldb: p.aStep, m: n, n: p.m, k: p.k, skip: true})
		for i := 0; i < p.m; i += turnedStrip {
			active.transpose(p.c[i*p.ldc+j:], p.ldc, block[i:], ld, n, min(turnedStrip, p.m-i))
		}
	}
}
