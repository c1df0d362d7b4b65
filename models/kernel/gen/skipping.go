package main

import (
	"fmt"

	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// Products that leave out terms whose factor in a is zero work on one row of c at a time, whose sums fill the
// accumulators. A word of 64 bits tells which of the next 64 factors there are.

// skipping emits the panel that goes by such words, and what makes them.
func (v *isa) skipping() {
	v.skipPanel()
	v.hasZero()
	v.rowWords()
	v.columnWords()
}

const skipSignature = "func(c *float32, ldc int, a *float32, aRow, aStep int, b *float32, ldb int, words *uint64, stride, depth, m, n int, bias, mask *float32, ldm, flags int)"

// skipVectors is how many vectors of columns a panel has at most: with 64 rows of b they fit into 32 KiB.
func (v *isa) skipVectors() int {
	if v.wide {
		return 7
	}
	return 12
}

func (v *isa) skipPanel() {
	v.function("skipPanel", skipSignature, "computes c[m, n] = finish(start + a b) for n up to the columns of a panel, of the terms that words have: depth of them a row, stride apart. All strides are in elements.")
	p := &panel{isa: v}
	p.a, p.aStep, p.ldb = v.pointer("a"), v.stride("aStep"), v.stride("ldb")
	p.c, p.n, p.maskRow = v.pointer("c"), v.pointer("n"), v.pointer("mask")
	end := v.label("end")
	p.skipVariants(1, end)
	v.Label(end)
	v.end()
}

// skipVariants branches to the rows of as many vectors as n needs.
func (p *panel) skipVariants(vectors int, end string) {
	more := p.label("more")
	if vectors < p.skipVectors() {
		p.CMPQ(p.n, operand.U8(vectors*p.lanes))
		p.JG(operand.LabelRef(more))
	}
	p.Comment(fmt.Sprintf("Rows of %d vectors", vectors))
	p.SUBQ(operand.U8((vectors-1)*p.lanes), p.n)
	p.last = p.firstLanes(p.n)
	p.skipRows(vectors)
	p.JMP(operand.LabelRef(end))
	if vectors < p.skipVectors() {
		p.Label(more)
		p.skipVariants(vectors+1, end)
	}
}

// skipRows computes one row after the other. The last vector is always masked.
func (p *panel) skipRows(vectors int) {
	t := &tile{panel: p, rows: 1, vectors: vectors, sums: [][]reg.VecVirtual{p.registers(vectors)}, b: p.registers(1)}
	words := p.pointer("words")
	row := p.label("row")
	p.Label(row)
	t.start()
	t.accumulateWords(words)
	t.finish()
	p.ADDQ(operand.U8(wordBytes), words)
	p.ADDQ(p.stride("aRow"), p.a)
	p.ADDQ(p.stride("ldc"), p.c)
	p.DECQ(p.address("m"))
	p.JNZ(operand.LabelRef(row))
}

const (
	wordBytes = 8
	wordTerms = 64
)

// accumulateWords goes through a row's words.
func (t *tile) accumulateWords(words reg.GPVirtual) {
	at, a, b, depth := t.GP64(), t.GP64(), t.pointer("b"), t.pointer("depth")
	next, empty := t.label("word"), t.label("empty")
	t.MOVQ(words, at)
	t.MOVQ(t.a, a)
	t.Label(next)
	word := t.GP64()
	t.MOVQ(operand.Mem{Base: at}, word)
	t.TESTQ(word, word)
	t.JZ(operand.LabelRef(empty))
	t.accumulateWord(word, a, b)
	t.Label(empty)
	t.skipTo(at, t.pointer("stride"), wordBytes)
	t.skipTo(a, t.aStep, wordTerms)
	t.skipTo(b, t.ldb, wordTerms)
	t.DECQ(depth)
	t.JNZ(operand.LabelRef(next))
}

// skipTo moves a pointer by so many strides.
func (v *isa) skipTo(pointer, stride reg.GPVirtual, times int) {
	distance := v.GP64()
	v.IMUL3Q(operand.U8(times), stride, distance)
	v.ADDQ(distance, pointer)
}

// accumulateWord adds one product to every sum for each bit of the word.
func (t *tile) accumulateWord(word, a, b reg.GPVirtual) {
	loop := t.label("loop")
	t.Label(loop)
	k, row, x := t.GP64(), t.GP64(), t.b[0]
	t.TZCNTQ(word, k)
	t.MOVQ(k, row)
	t.IMULQ(t.ldb, row)
	t.ADDQ(b, row)
	t.IMULQ(t.aStep, k)
	t.VBROADCASTSS(operand.Mem{Base: a, Index: k, Scale: 1}, x)
	for i, sum := range t.sums[0] {
		t.addProduct(operand.Mem{Base: row, Disp: i * t.bytes()}, x, t.lanesOf(i), sum)
	}
	t.BLSRQ(word, word)
	t.JNZ(operand.LabelRef(loop))
}

// addProduct adds x times a vector in memory to the sum, in the lanes of the mask.
func (v *isa) addProduct(m operand.Mem, x reg.Register, lanes mask, sum reg.Register) {
	switch {
	case lanes == nil:
		v.VFMADD231PS(m, x, sum)
	case v.wide:
		v.VFMADD231PS(m, x, lanes, sum)
	default:
		y := v.vec()
		v.load(m, lanes, y)
		v.VFMADD231PS(y, x, sum)
	}
}

// hasZero looks at m rows of n elements, until the first row with a zero.
func (v *isa) hasZero() {
	v.function("hasZero", "func(a *float32, lda, m, n int) bool", "tells whether any element of m rows of n is zero.")
	a, lda, m, found := v.pointer("a"), v.stride("lda"), v.pointer("m"), v.GP32()
	vectors := v.vectorsOf("n")
	row, out := v.label("row"), v.label("out")
	v.Label(row)
	v.XORL(found, found)
	vectors.each(a, func(at operand.Mem, lanes mask) {
		v.ORL(v.compareBits(equal, at, lanes), found)
	})
	v.TESTL(found, found)
	v.JNZ(operand.LabelRef(out))
	v.ADDQ(lda, a)
	v.DECQ(m)
	v.JNZ(operand.LabelRef(row))
	v.Label(out)
	v.TESTL(found, found)
	v.SETNE(v.resolve(v.ReturnIndex(0)))
	v.end()
}

// rowWords makes a word of each row of a.
func (v *isa) rowWords() {
	v.function("rowWords", "func(words *uint64, a *float32, lda, m, n int)", "sets bit j of words[i] where a[i, j] is not zero, for j < n <= 64.")
	words, a, lda, m := v.pointer("words"), v.pointer("a"), v.stride("lda"), v.pointer("m")
	vectors := v.vectorsOf("n")
	word, shift, row := v.GP64(), v.GP64(), v.label("row")
	v.Label(row)
	v.XORQ(word, word)
	v.XORQ(shift, shift)
	vectors.each(a, func(at operand.Mem, lanes mask) {
		bits := v.compareBits(notEqual, at, lanes).As64()
		v.SHLXQ(shift, bits, bits)
		v.ORQ(bits, word)
		v.ADDQ(operand.U8(v.lanes), shift)
	})
	v.MOVQ(word, operand.Mem{Base: words})
	v.ADDQ(operand.U8(8), words)
	v.ADDQ(lda, a)
	v.DECQ(m)
	v.JNZ(operand.LabelRef(row))
	v.end()
}

// columnWords makes a word of each column of a, for as many columns at a time as a vector has lanes. Each lane of two
// accumulators is a column's word, to which each row adds its bit.
func (v *isa) columnWords() {
	v.function("columnWords", "func(words *uint64, a *float32, lda, m, n int)", "sets bit i of words[j] where a[i, j] is not zero, for i < m <= 64 and j < n, rounded up to whole vectors of words.")
	words, a, lda := v.pointer("words"), v.pointer("a"), v.stride("lda")
	vectors := v.vectorsOf("n")
	vectors.each(a, func(at operand.Mem, lanes mask) {
		low, high, bit := v.zero(), v.zero(), v.copy(v.quad(1))
		i, p, row := v.GP64(), v.GP64(), v.label("row")
		v.MOVQ(v.address("m"), i)
		v.MOVQ(at.Base, p)
		v.Label(row)
		v.addBits(operand.Mem{Base: p}, lanes, bit, low, high)
		v.VPADDQ(bit, bit, bit)
		v.ADDQ(lda, p)
		v.DECQ(i)
		v.JNZ(operand.LabelRef(row))
		v.VMOVUPS(low, operand.Mem{Base: words})
		v.VMOVUPS(high, operand.Mem{Base: words, Disp: v.bytes()})
		v.ADDQ(operand.U32(2*v.bytes()), words)
	})
	v.end()
}

// addBits adds the bit to the words of the columns whose element is not zero.
func (v *isa) addBits(at operand.Mem, lanes mask, bit, low, high reg.VecVirtual) {
	if v.wide {
		k := v.compareMemory(notEqual, at, lanes)
		v.VPORQ(bit, low, k, low)
		v.KSHIFTRW(operand.U8(8), k, k)
		v.VPORQ(bit, high, k, high)
		return
	}
	x, upper, wide := v.compareMemory(notEqual, at, lanes).(reg.VecVirtual), v.XMM(), v.YMM()
	v.VPMOVSXDQ(x.AsX(), wide)
	v.VPAND(bit, wide, wide)
	v.VPOR(wide, low, low)
	v.VEXTRACTI128(operand.U8(1), x, upper)
	v.VPMOVSXDQ(upper, wide)
	v.VPAND(bit, wide, wide)
	v.VPOR(wide, high, high)
}

// compareBits is a bit for each lane of the mask, set where the vector in memory stands to zero as the predicate says.
func (v *isa) compareBits(predicate uint8, at operand.Mem, lanes mask) reg.GPVirtual {
	bits := v.GP32()
	if k := v.compareMemory(predicate, at, lanes); v.wide {
		v.KMOVW(k, bits)
	} else {
		v.VMOVMSKPS(k, bits)
	}
	return bits
}

// compareMemory compares a vector in memory with zero, in the lanes of the mask; in the others the result is false.
func (v *isa) compareMemory(predicate uint8, at operand.Mem, lanes mask) mask {
	zero := v.zero()
	if v.wide {
		k := v.K()
		if lanes == nil {
			v.VCMPPS(operand.U8(predicate), at, zero, k)
		} else {
			v.VCMPPS(operand.U8(predicate), at, zero, lanes, k)
		}
		return k
	}
	x := v.vec()
	v.load(at, lanes, x)
	v.VCMPPS(operand.U8(predicate), zero, x, x)
	if lanes != nil {
		v.VANDPS(lanes, x, x)
	}
	return x
}

// vectors are those of a row: whole ones and, if any elements are left, one that is masked.
type vectors struct {
	*isa
	whole, rest reg.GPVirtual // elements
	lanes       mask
}

// vectorsOf cuts rows with as many elements as the parameter says.
func (v *isa) vectorsOf(param string) vectors {
	whole, rest := v.pointer(param), v.pointer(param)
	v.ANDL(operand.U8(v.lanes-1), rest.As32())
	v.SUBQ(rest, whole)
	return vectors{v, whole, rest, v.firstLanes(rest)}
}

// each emits a loop over the vectors of a row.
func (v vectors) each(row reg.GPVirtual, body func(at operand.Mem, lanes mask)) {
	at, left := v.GP64(), v.GP64()
	loop, partial, done := v.label("columns"), v.label("partial"), v.label("done")
	v.MOVQ(row, at)
	v.MOVQ(v.whole, left)
	v.Label(loop)
	v.SUBQ(operand.U8(v.isa.lanes), left)
	v.JLT(operand.LabelRef(partial))
	body(operand.Mem{Base: at}, nil)
	v.ADDQ(operand.U8(v.bytes()), at)
	v.JMP(operand.LabelRef(loop))
	v.Label(partial)
	v.TESTQ(v.rest, v.rest)
	v.JZ(operand.LabelRef(done))
	body(operand.Mem{Base: at}, v.lanes)
	v.Label(done)
}
