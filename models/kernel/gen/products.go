package main

import (
	"fmt"
	"math/bits"

	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// A tile is the part of c that one pass over k computes: its rows and columns fill the accumulators.
//
// With 32 registers: 8 rows x 3 vectors, 24 accumulators, 3 vectors of b and the broadcast elements of a. With 16: 6
// rows x 2 vectors, 12 accumulators, 2 vectors of b, one broadcast and the mask of the last columns. Either way there
// are more independent sums than two multiply-adders of 4 cycles have in flight (8), and fewer loads than they allow.

const (
	flagAccumulate = 1
	flagReLU       = 2
	flagPrefetch   = 4
)

const cacheLine = 64

const productSignature = "func(c *float32, ldc int, a *float32, aRow, aStep int, b *float32, ldb int, m, n, k int, bias, mask *float32, ldm, flags int)"

// products emits the panel: c[m, n] for n up to the width of a tile, its rows cut into tiles.
func (v *isa) products() {
	v.function("panel", productSignature, "computes c[m, n] = finish(start + a b) for n up to the columns of a tile; strides are in elements.")
	p := &panel{isa: v, local: v.AllocLocal(16)}
	p.loadParameters()
	end := v.label("end")
	if v.wide {
		p.wideVariants(end)
	} else {
		p.narrowVariants(end)
	}
	v.Label(end)
	v.VZEROUPPER()
	v.RET()
}

// panel holds the registers that live through all tiles.
type panel struct {
	*isa
	a, aRow, aRow3, aStep reg.GPVirtual // in bytes
	ldb                   reg.GPVirtual
	c, m, n               reg.GPVirtual
	maskRow               reg.GPVirtual // current row of the mask
	last                  mask          // lanes of the last vector of columns; nil: all
	half                  bool          // the last vector is in the lower half of a register
	local                 operand.Mem   // two words: the row to prefetch next, and the steps left for later parts
}

func (p *panel) loadParameters() {
	p.a, p.aRow, p.aStep, p.ldb = p.pointer("a"), p.stride("aRow"), p.stride("aStep"), p.stride("ldb")
	p.c, p.m, p.n, p.maskRow = p.pointer("c"), p.pointer("m"), p.pointer("n"), p.pointer("mask")
	p.aRow3 = p.GP64()
	p.LEAQ(operand.Mem{Base: p.aRow, Index: p.aRow, Scale: 2}, p.aRow3)
}

// pointer loads a parameter as it is, stride one that counts elements, in bytes.
func (v *isa) pointer(param string) reg.GPVirtual {
	r := v.GP64()
	v.pointerTo(param, r)
	return r
}

// pointerTo loads a parameter into a register.
func (v *isa) pointerTo(param string, r reg.GPVirtual) { v.MOVQ(v.address(param), r) }

func (v *isa) stride(param string) reg.GPVirtual {
	r := v.pointer(param)
	v.SHLQ(operand.U8(2), r)
	return r
}

// wideVariants branches to the tiles of 3, 2 or 1 vectors of columns.
func (p *panel) wideVariants(end string) {
	two, one, rows := p.label("two"), p.label("one"), []int{8, 4, 2, 1}
	p.CMPQ(p.n, operand.U8(16))
	p.JLE(operand.LabelRef(one))
	p.CMPQ(p.n, operand.U8(32))
	p.JLE(operand.LabelRef(two))
	p.variants(3, rows, end)
	p.Label(two)
	p.variants(2, rows, end)
	p.Label(one)
	p.variants(1, rows, end)
}

// variants are the tiles without a mask and, for where the last vector of columns is not a whole one, those with it: the
// mask of a load takes a multiply-adder's turn.
func (p *panel) variants(vectors int, rows []int, end string) {
	partial := p.label("partial")
	p.CMPQ(p.n, operand.U8(vectors*p.lanes))
	p.JLT(operand.LabelRef(partial))
	p.tiles(vectors, rows)
	p.JMP(operand.LabelRef(end))
	p.Label(partial)
	p.masked(vectors, rows, end)
}

// narrowVariants keeps a variant without masks where there are two vectors, as masked stores are slow in AVX2.
func (p *panel) narrowVariants(end string) {
	one, rows := p.label("one"), []int{6, 4, 2, 1}
	p.CMPQ(p.n, operand.U8(8))
	p.JLE(operand.LabelRef(one))
	p.variants(2, rows, end)
	p.Label(one)
	p.masked(1, rows, end)
}

func (p *panel) masked(vectors int, rows []int, end string) {
	p.SUBQ(operand.U8((vectors-1)*p.lanes), p.n)
	p.last = p.firstLanes(p.n)
	p.byHalves(func() { p.tiles(vectors, rows) })
	p.last = nil
	p.JMP(operand.LabelRef(end))
}

// byHalves emits a body for where half a wide register has what is left for the last vector, and one for the rest: some
// processors load and multiply half a register in half the time.
func (p *panel) byHalves(body func()) {
	if !p.wide {
		body()
		return
	}
	whole, done := p.label("whole"), p.label("done")
	p.CMPQ(p.n, operand.U8(p.lanes/2))
	p.JG(operand.LabelRef(whole))
	p.half = true
	body()
	p.JMP(operand.LabelRef(done))
	p.Label(whole)
	p.half = false
	body()
	p.Label(done)
}

// tiles cuts the rows into tiles of the largest size, then one of each smaller size as needed.
func (p *panel) tiles(vectors int, sizes []int) {
	for i, rows := range sizes {
		p.Comment(fmt.Sprintf("Tiles of %d rows, %d vectors", rows, vectors))
		begin, next := p.label("rows"), p.label("next")
		p.Label(begin)
		p.CMPQ(p.m, operand.U8(rows))
		p.JLT(operand.LabelRef(next))
		p.tile(rows, vectors)
		p.SUBQ(operand.U8(rows), p.m)
		if i == 0 {
			p.JMP(operand.LabelRef(begin))
		}
		p.Label(next)
	}
}

// tile computes one tile and moves on to the rows below it.
func (p *panel) tile(rows, vectors int) {
	t := &tile{panel: p, rows: rows, vectors: vectors}
	for range rows {
		t.sums = append(t.sums, p.registers(vectors))
	}
	t.b = p.registers(vectors)
	t.start()
	t.accumulate()
	t.finish()
	p.advance(p.a, p.aRow, rows)
	p.advance(p.c, p.stride("ldc"), rows)
}

func (p *panel) registers(n int) []reg.VecVirtual {
	var x []reg.VecVirtual
	for range n {
		x = append(x, p.vec())
	}
	return x
}

// advance moves a pointer down the rows of a matrix.
func (p *panel) advance(pointer, stride reg.GPVirtual, rows int) {
	p.skipTo(pointer, stride, rows)
}

type tile struct {
	*panel
	rows, vectors int
	sums          [][]reg.VecVirtual
	b             []reg.VecVirtual
}

// lanesOf is the mask of a vector of columns.
func (t *tile) lanesOf(vector int) mask {
	return lanesOf(vector, t.vectors, t.last)
}

// eachRow walks a pointer down the rows of a matrix.
func (t *tile) eachRow(base reg.GPVirtual, stride string, f func(row int, at operand.Mem)) {
	p, ld := t.GP64(), t.stride(stride)
	t.MOVQ(base, p)
	for r := range t.rows {
		if r > 0 {
			t.ADDQ(ld, p)
		}
		f(r, operand.Mem{Base: p})
	}
}

// start sets the sums to c, the bias or zero.
func (t *tile) start() {
	fresh, ready, spread := t.label("fresh"), t.label("ready"), t.label("spread")
	t.testFlag(flagAccumulate, fresh)
	t.eachRow(t.c, "ldc", func(r int, at operand.Mem) {
		for i, sum := range t.sums[r] {
			t.load(at.Offset(i*t.bytes()), t.lanesOf(i), sum)
		}
	})
	t.JMP(operand.LabelRef(ready))

	t.Label(fresh)
	for _, sum := range t.sums[0] {
		t.clear(sum)
	}
	bias := t.pointer("bias")
	t.TESTQ(bias, bias)
	t.JZ(operand.LabelRef(spread))
	for i, sum := range t.sums[0] {
		t.load(operand.Mem{Base: bias, Disp: i * t.bytes()}, t.lanesOf(i), sum)
	}
	t.Label(spread)
	for _, row := range t.sums[1:] {
		for i, sum := range row {
			t.VMOVAPS(t.sums[0][i], sum)
		}
	}
	t.Label(ready)
}

// testFlag goes to the label unless the flag is set.
func (t *tile) testFlag(flag uint32, otherwise string) {
	flags := t.pointer("flags")
	t.TESTL(operand.U32(flag), flags.As32())
	t.JZ(operand.LabelRef(otherwise))
}

// prefetch asks for a row of c below the tile, which in a large matrix lies far from all that was used before, and moves
// the pointer to the row below that.
func (t *tile) prefetch(below operand.Mem) {
	at := t.GP64()
	t.MOVQ(below, at)
	for offset := 0; offset < t.vectors*t.bytes(); offset += cacheLine {
		t.PREFETCHT0(operand.Mem{Base: at, Disp: offset})
	}
	t.PREFETCHT0(operand.Mem{Base: at, Disp: t.vectors*t.bytes() - 1})
	t.ADDQ(t.stride("ldc"), at)
	t.MOVQ(at, below)
}

// accumulate adds one product to every sum for each k. Where it prefetches, it does so for one row at a time, between parts
// of k: asked for at once, all rows would make the loads of a and b wait.
func (t *tile) accumulate() {
	k, b, a, a3 := t.pointer("k"), t.pointer("b"), t.GP64(), t.GP64()
	loop, part, done := t.label("loop"), t.label("part"), t.label("done")
	below, left := t.local, t.local.Offset(8)
	t.TESTQ(k, k)
	t.JZ(operand.LabelRef(done))
	t.MOVQ(t.a, a)
	t.LEAQ(operand.Mem{Base: t.a, Index: t.aRow3, Scale: 1}, a3)
	t.MOVQ(operand.U32(0), left)
	t.testFlag(flagPrefetch, loop)
	t.MOVQ(k, left)
	t.startPrefetch(below)

	t.Label(part)
	t.prefetch(below)
	t.partOf(k, left)
	t.Label(loop)
	t.addStep(a, a3, b)
	t.DECQ(k)
	t.JNZ(operand.LabelRef(loop))
	t.CMPQ(left, operand.U8(0))
	t.JNE(operand.LabelRef(part))
	t.Label(done)
}

// startPrefetch takes a pointer to the first row below the tile.
func (t *tile) startPrefetch(below operand.Mem) {
	first := t.GP64()
	t.MOVQ(t.c, first)
	t.advance(first, t.stride("ldc"), t.rows)
	t.MOVQ(first, below)
}

// partOf sets k to the steps of the next part, and takes them from what is left.
func (t *tile) partOf(k reg.GPVirtual, left operand.Mem) {
	t.pointerTo("k", k)
	t.SHRQ(operand.U8(bits.Len(uint(t.rows-1))), k) // as many parts as rows, or some more
	t.INCQ(k)
	short := t.label("short")
	t.CMPQ(k, left)
	t.JLE(operand.LabelRef(short))
	t.MOVQ(left, k)
	t.Label(short)
	t.SUBQ(k, left)
}

// addStep adds one product to every sum and moves on to the next k.
func (t *tile) addStep(a, a3, b reg.GPVirtual) {
	for i, x := range t.b {
		t.load(operand.Mem{Base: b, Disp: i * t.bytes()}, t.lanesOf(i), t.part(i, x))
	}
	for r, row := range t.sums {
		x := t.vec()
		t.VBROADCASTSS(t.element(a, a3, r), t.part(0, x))
		for i, sum := range row {
			t.VFMADD231PS(t.part(i, t.b[i]), t.part(i, x), t.part(i, sum))
		}
	}
	t.ADDQ(t.aStep, a)
	if t.rows > 3 {
		t.ADDQ(t.aStep, a3)
	}
	t.ADDQ(t.ldb, b)
}

// part is what a register's vector needs of it: half of the last one's, where that is enough.
func (t *tile) part(vector int, x reg.VecVirtual) reg.Register {
	if t.half && vector == t.vectors-1 {
		return x.AsY()
	}
	return x
}

// element is the address of a's element of a row, from pointers to rows 0 and 3.
func (t *tile) element(a, a3 reg.GPVirtual, row int) operand.Mem {
	return []operand.Mem{
		{Base: a}, {Base: a, Index: t.aRow, Scale: 1}, {Base: a, Index: t.aRow, Scale: 2}, {Base: a3},
		{Base: a, Index: t.aRow, Scale: 4}, {Base: a3, Index: t.aRow, Scale: 2}, {Base: a, Index: t.aRow3, Scale: 2},
		{Base: a3, Index: t.aRow, Scale: 4},
	}[row]
}

// finish applies the ReLU and the mask and stores the sums.
func (t *tile) finish() {
	linear, unmasked := t.label("linear"), t.label("unmasked")
	zero := t.b[0]
	t.clear(zero)
	t.testFlag(flagReLU, linear)
	for _, row := range t.sums {
		for _, sum := range row {
			t.VMAXPS(sum, zero, sum)
		}
	}
	t.Label(linear)
	t.TESTQ(t.maskRow, t.maskRow)
	t.JZ(operand.LabelRef(unmasked))
	t.eachRow(t.maskRow, "ldm", func(r int, at operand.Mem) {
		for i, sum := range t.sums[r] {
			t.keepPositive(sum, at.Offset(i*t.bytes()), t.lanesOf(i), zero)
		}
	})
	t.advance(t.maskRow, t.stride("ldm"), t.rows)
	t.Label(unmasked)
	t.eachRow(t.c, "ldc", func(r int, at operand.Mem) {
		for i, sum := range t.sums[r] {
			t.storeColumns(sum, t.lanesOf(i), at.Offset(i*t.bytes()))
		}
	})
}

// storeColumns stores a vector of c. A masked store is slow in AVX2: it is avoided where the mask leaves nothing out.
func (t *tile) storeColumns(sum reg.VecVirtual, lanes mask, at operand.Mem) {
	if t.wide || lanes == nil {
		t.store(sum, lanes, at)
		return
	}
	masked, done := t.label("masked"), t.label("stored")
	t.CMPQ(t.n, operand.U8(t.isa.lanes))
	t.JNE(operand.LabelRef(masked))
	t.store(sum, nil, at)
	t.JMP(operand.LabelRef(done))
	t.Label(masked)
	t.store(sum, lanes, at)
	t.Label(done)
}

// keepPositive zeroes x where the mask in memory is not positive.
func (v *isa) keepPositive(x reg.VecVirtual, at operand.Mem, lanes mask, zero reg.Register) {
	y := v.vec()
	v.load(at, lanes, y)
	if v.wide {
		k := v.K()
		v.VCMPPS(operand.U8(notLessEqual), zero, y, k)
		v.VMOVAPS_Z(x, k, x)
		return
	}
	v.VCMPPS(operand.U8(notLessEqual), zero, y, y)
	v.VANDPS(y, x, x)
}
