package main

import (
	"fmt"

	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// Products that leave out terms whose factor in a is zero work on one row of c at a time, or on two: each waits for its
// multiply-adds, of which there is one in each sum for a term. A word of 64 bits tells which of the next 64 factors there
// are.

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
	p.aStep, p.ldb = v.stride("aStep"), v.stride("ldb")
	p.c, p.n, p.maskRow = v.pointer("c"), v.pointer("n"), v.pointer("mask")
	v.byVectors(p.n, v.skipVectors(), func(vectors int, last mask) {
		p.last = last
		p.byHalves(func() {
			if 2*vectors <= v.skipVectors() || v.wide {
				p.skipTiles(2, vectors)
			}
			p.skipTiles(1, vectors)
		})
	})
	v.end()
}

// byVectors branches to what is emitted for as many vectors as n elements need, the last of them masked.
func (v *isa) byVectors(n reg.GPVirtual, most int, body func(vectors int, last mask)) {
	end := v.label("end")
	for vectors := 1; vectors <= most; vectors++ {
		more := v.label("more")
		if vectors < most {
			v.CMPQ(n, operand.U8(vectors*v.lanes))
			v.JG(operand.LabelRef(more))
		}
		v.SUBQ(operand.U8((vectors-1)*v.lanes), n)
		body(vectors, v.firstLanes(n))
		v.JMP(operand.LabelRef(end))
		v.Label(more)
	}
	v.Label(end)
}

// skipTiles computes tiles of so many rows while there are enough.
func (p *panel) skipTiles(rows, vectors int) {
	p.Comment(fmt.Sprintf("Tiles of %d rows, %d vectors", rows, vectors))
	t := &tile{panel: p, rows: rows, vectors: vectors}
	for range rows {
		t.sums = append(t.sums, p.registers(vectors))
	}
	t.b = p.registers(1)
	begin, next := p.label("rows"), p.label("next")
	p.Label(begin)
	p.CMPQ(p.address("m"), operand.U8(rows))
	p.JLT(operand.LabelRef(next))
	t.start()
	t.accumulateWords()
	t.finish()
	p.ADDQ(operand.U8(rows*wordBytes), p.address("words"))
	p.advance(p.c, p.stride("ldc"), rows)
	p.skipTo(p.address("a"), p.stride("aRow"), rows)
	p.SUBQ(operand.U8(rows), p.address("m"))
	p.JMP(operand.LabelRef(begin))
	p.Label(next)
}

const (
	wordBytes = 8
	wordTerms = 64
)

// accumulateWords goes through the rows' words.
func (t *tile) accumulateWords() {
	at, b, depth := t.pointer("words"), t.pointer("b"), t.pointer("depth")
	rows := []reg.GPVirtual{t.pointer("a")}
	if t.rows == 2 {
		second := t.stride("aRow")
		t.ADDQ(rows[0], second)
		rows = append(rows, second)
	}
	next := t.label("word")
	t.Label(next)
	var all []*terms
	for i, a := range rows {
		word := t.GP64()
		t.MOVQ(operand.Mem{Base: at, Disp: i * wordBytes}, word)
		all = append(all, &terms{t, word, a, b, t.sums[i]})
	}
	if t.rows == 2 {
		t.accumulatePairs(all[0], all[1])
	} else {
		all[0].accumulate()
	}
	t.skipTo(at, t.pointer("stride"), wordBytes)
	for _, a := range rows {
		t.skipTo(a, t.aStep, wordTerms)
	}
	t.skipTo(b, t.ldb, wordTerms)
	t.DECQ(depth)
	t.JNZ(operand.LabelRef(next))
}

// skipTo moves a pointer, in a register or in memory, by so many strides.
func (v *isa) skipTo(pointer operand.Op, stride reg.GPVirtual, times int) {
	distance := v.GP64()
	v.IMUL3Q(operand.U8(times), stride, distance)
	v.ADDQ(distance, pointer)
}

// terms are those of a row of c that its word has: elements of a, each with a row of b.
type terms struct {
	*tile
	word, a, rows reg.GPVirtual
	sums          []reg.VecVirtual
}

// accumulatePairs adds a term of each row while both have some, then what is left of one of them.
func (t *tile) accumulatePairs(first, second *terms) {
	pair, single := t.label("pair"), t.label("single")
	t.Label(pair)
	t.TESTQ(first.word, first.word)
	t.JZ(operand.LabelRef(single))
	t.TESTQ(second.word, second.word)
	t.JZ(operand.LabelRef(single))
	first.add()
	second.add()
	t.JMP(operand.LabelRef(pair))
	t.Label(single)
	first.accumulate()
	second.accumulate()
}

// accumulate adds all terms.
func (x *terms) accumulate() {
	loop, done := x.label("loop"), x.label("done")
	x.TESTQ(x.word, x.word)
	x.JZ(operand.LabelRef(done))
	x.Label(loop)
	x.add()
	x.JNZ(operand.LabelRef(loop))
	x.Label(done)
}

// add adds the next term, one product to every sum, and takes it from the word: the last instruction, whose flags tell
// whether any are left.
func (x *terms) add() {
	k, row, factor := x.GP64(), x.GP64(), x.vec()
	x.TZCNTQ(x.word, k)
	x.MOVQ(k, row)
	x.IMULQ(x.ldb, row)
	x.ADDQ(x.rows, row)
	x.IMULQ(x.aStep, k)
	x.VBROADCASTSS(operand.Mem{Base: x.a, Index: k, Scale: 1}, factor)
	for i, sum := range x.sums {
		x.addProduct(operand.Mem{Base: row, Disp: i * x.bytes()}, x.part(i, factor), x.lanesOf(i), x.part(i, sum))
	}
	x.BLSRQ(x.word, x.word)
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

// zeroVectors is how many vectors of a row hasZero looks at at a time.
const zeroVectors = 4

// hasZero looks at m rows of n elements, until the first row with a zero. Each lane keeps the smallest magnitude of the
// row: magnitudes of floats, NaNs among them, are in the order of their bits.
func (v *isa) hasZero() {
	v.function("hasZero", "func(a *float32, lda, m, n int) bool", "tells whether any element of m rows of n is zero.")
	a, lda, m := v.pointer("a"), v.stride("lda"), v.pointer("m")
	vectors, row, found, magnitude := v.vectorsOf("n"), v.label("row"), v.label("found"), v.copy(v.bits(magnitudeBit))
	v.Label(row)
	least := make([]reg.VecVirtual, zeroVectors)
	for i := range least {
		least[i] = v.copy(magnitude)
	}
	vectors.groups(a, zeroVectors, func(at operand.Mem, n int, lanes mask) {
		for i := range n {
			v.keepSmaller(least[i], at.Offset(i*v.bytes()), magnitude, lanes)
		}
	})
	for _, x := range least[1:] {
		v.VPMINUD(x, least[0], least[0])
	}
	v.testLanes(v.compare(equal, least[0], v.zero()))
	v.JNZ(operand.LabelRef(found))
	v.ADDQ(lda, a)
	v.DECQ(m)
	v.JNZ(operand.LabelRef(row))
	v.Label(found)
	v.SETNE(v.resolve(v.ReturnIndex(0)))
	v.end()
}

// keepSmaller makes each lane of least the smaller one of itself and of x without its sign.
func (v *isa) keepSmaller(least reg.VecVirtual, x operand.Mem, magnitude reg.VecVirtual, lanes mask) {
	y := v.vec()
	switch {
	case lanes == nil:
		v.VANDPS(x, magnitude, y)
		v.VPMINUD(y, least, least)
	case v.wide:
		v.load(x, lanes, y)
		v.VANDPS(magnitude, y, y)
		v.VPMINUD(y, least, lanes, least)
	default:
		v.load(x, lanes, y)
		v.VANDPS(magnitude, y, y)
		v.VPMINUD(v.choose(lanes, y, least), least, least)
	}
}

// testLanes sets the flags by whether a mask has any lane.
func (v *isa) testLanes(k mask) {
	bits := v.bitsOf(k)
	v.TESTL(bits, bits)
}

// bitsOf is a bit for each lane of a mask.
func (v *isa) bitsOf(k mask) reg.GPVirtual {
	bits := v.GP32()
	if v.wide {
		v.KMOVW(k, bits)
	} else {
		v.VMOVMSKPS(k, bits)
	}
	return bits
}

// rowWords makes a word of each row of a.
func (v *isa) rowWords() {
	v.function("rowWords", "func(words *uint64, a *float32, lda, m, n int)", "sets bit j of words[i] where a[i, j] is not zero, for j < n <= 64.")
	words, a, lda, m, n := v.pointer("words"), v.pointer("a"), v.stride("lda"), v.pointer("m"), v.pointer("n")
	v.byVectors(n, wordTerms/v.lanes, func(vectors int, last mask) { v.wordLoop(words, a, lda, m, vectors, last) })
	v.end()
}

// wordLoop makes words of rows with so many vectors, of which the last is masked.
func (v *isa) wordLoop(words, a, lda, m reg.GPVirtual, vectors int, last mask) {
	row := v.label("row")
	v.Label(row)
	var word reg.GPVirtual
	for i := range vectors {
		bits := v.bitsOf(v.compareMemory(notEqual, operand.Mem{Base: a, Disp: i * v.bytes()}, lanesOf(i, vectors, last))).As64().(reg.GPVirtual)
		if i == 0 {
			word = bits
			continue
		}
		v.SHLQ(operand.U8(i*v.lanes), bits)
		v.ORQ(bits, word)
	}
	v.MOVQ(word, operand.Mem{Base: words})
	v.ADDQ(operand.U8(wordBytes), words)
	v.ADDQ(lda, a)
	v.DECQ(m)
	v.JNZ(operand.LabelRef(row))
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
	v.groups(row, 1, func(at operand.Mem, _ int, lanes mask) { body(at, lanes) })
}

// groups emits a loop over so many vectors of a row at a time, one over single ones, and what is left, masked.
func (v vectors) groups(row reg.GPVirtual, many int, body func(at operand.Mem, vectors int, lanes mask)) {
	at, left, done := v.GP64(), v.GP64(), v.label("done")
	v.MOVQ(row, at)
	v.MOVQ(v.whole, left)
	if many > 1 {
		v.loop(at, left, many, body)
	}
	v.loop(at, left, 1, body)
	v.TESTQ(v.rest, v.rest)
	v.JZ(operand.LabelRef(done))
	body(operand.Mem{Base: at}, 1, v.lanes)
	v.Label(done)
}

// loop emits a loop over so many whole vectors at a time while there are enough.
func (v vectors) loop(at, left reg.GPVirtual, vectors int, body func(at operand.Mem, vectors int, lanes mask)) {
	loop, fewer := v.label("columns"), v.label("fewer")
	v.Label(loop)
	v.CMPQ(left, operand.U8(vectors*v.isa.lanes))
	v.JLT(operand.LabelRef(fewer))
	body(operand.Mem{Base: at}, vectors, nil)
	v.ADDQ(operand.U32(vectors*v.bytes()), at)
	v.SUBQ(operand.U8(vectors*v.isa.lanes), left)
	v.JMP(operand.LabelRef(loop))
	v.Label(fewer)
}
