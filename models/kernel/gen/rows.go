package main

import (
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// rows emits the functions on rows of matrices.
func (v *isa) rows() {
	v.scatterAdd()
	v.gatherSum()
	v.copyRows()
	v.largest()
	v.gatherColumns()
	v.transpose()
	v.prefetchWords()
}

// sumVectors is how many vectors of a row are summed in registers.
const sumVectors = 8

// gatherSum writes each sum once and does not read it.
func (v *isa) gatherSum() {
	v.function("gatherSum", "func(dst *float32, ldd int, start *float32, tables **float32, ids *int32, stride int, columns *int, count, m, n int)", "sets row i of dst [m, n] to start plus row ids[i*stride+columns[j]] of each of count tables, in order.")
	ids, columns, tables, width := v.pointer("ids"), v.pointer("columns"), v.pointer("tables"), v.stride("n")
	v.byColumns(func(s *rowSum) {
		v.MOVQ(v.address("m"), s.left)
		s.eachRow(func() {
			start, j, row, next, done := v.pointer("start"), v.GP64(), v.GP64(), v.label("table"), v.label("summed")
			s.each(start, func(i int, at operand.Mem, lanes mask) { v.load(at, lanes, s.sums[i]) })
			v.XORQ(j, j)
			v.Label(next)
			v.CMPQ(j, v.address("count"))
			v.JGE(operand.LabelRef(done))
			v.MOVQ(operand.Mem{Base: columns, Index: j, Scale: 8}, row)
			v.MOVLQSX(operand.Mem{Base: ids, Index: row, Scale: 4}, row)
			v.IMULQ(width, row)
			v.ADDQ(operand.Mem{Base: tables, Index: j, Scale: 8}, row)
			s.add(row)
			v.INCQ(j)
			v.JMP(operand.LabelRef(next))
			v.Label(done)
			v.ADDQ(v.stride("stride"), ids)
		})
		v.pointerTo("ids", ids)
	})
	v.end()
}

// A rowSum makes some vectors of all rows of dst, from a column on.
type rowSum struct {
	*isa
	offset reg.GPVirtual // of the column, in bytes
	left   reg.GPVirtual // rows
	sums   []reg.VecVirtual
	last   mask
}

// byColumns emits what makes as many vectors of dst at a time as there are sums for, and the last ones.
func (v *isa) byColumns(body func(s *rowSum)) {
	n, offset, left, many, few := v.pointer("n"), v.GP64(), v.GP64(), v.label("many"), v.label("few")
	sum := func(vectors int, last mask) {
		s := &rowSum{isa: v, offset: offset, left: left, last: last}
		for range vectors {
			s.sums = append(s.sums, v.vec())
		}
		body(s)
	}
	v.XORQ(offset, offset)
	v.Label(many)
	v.CMPQ(n, operand.U32(sumVectors*v.lanes))
	v.JLE(operand.LabelRef(few))
	sum(sumVectors, nil)
	v.SUBQ(operand.U32(sumVectors*v.lanes), n)
	v.ADDQ(operand.U32(sumVectors*v.bytes()), offset)
	v.JMP(operand.LabelRef(many))
	v.Label(few)
	v.byVectors(n, sumVectors, func(vectors int, last mask) {
		v.ifWhole(n, last, func(last mask) { sum(vectors, last) })
	})
}

// ifWhole emits a body without a mask for where the last vector has n = lanes elements, and one with it for the rest.
func (v *isa) ifWhole(n reg.GPVirtual, last mask, body func(last mask)) {
	partial, done := v.label("partial"), v.label("done")
	v.CMPQ(n, operand.U8(v.lanes))
	v.JNE(operand.LabelRef(partial))
	body(nil)
	v.JMP(operand.LabelRef(done))
	v.Label(partial)
	body(last)
	v.Label(done)
}

// eachRow emits a loop over the rows of dst, whose sums the body makes.
func (s *rowSum) eachRow(body func()) {
	dst, row := s.pointer("dst"), s.label("row")
	s.Label(row)
	body()
	s.each(dst, func(i int, at operand.Mem, lanes mask) { s.store(s.sums[i], lanes, at) })
	s.ADDQ(s.stride("ldd"), dst)
	s.DECQ(s.left)
	s.JNZ(operand.LabelRef(row))
}

// add adds a row to the sums.
func (s *rowSum) add(row reg.GPVirtual) {
	s.each(row, func(i int, at operand.Mem, lanes mask) { s.addMemory(s.sums[i], at, lanes) })
}

// each calls f for the vectors of a row.
func (s *rowSum) each(row reg.GPVirtual, f func(i int, at operand.Mem, lanes mask)) {
	for i := range s.sums {
		f(i, operand.Mem{Base: row, Index: s.offset, Scale: 1, Disp: i * s.bytes()}, lanesOf(i, len(s.sums), s.last))
	}
}

// addMemory adds a vector in memory to the sum, in the lanes of the mask.
func (v *isa) addMemory(sum reg.VecVirtual, at operand.Mem, lanes mask) {
	switch {
	case lanes == nil:
		v.VADDPS(at, sum, sum)
	case v.wide:
		v.VADDPS(at, sum, lanes, sum)
	default:
		x := v.vec()
		v.load(at, lanes, x)
		v.VADDPS(x, sum, sum)
	}
}

// scatterAdd emits a loop over ids.
func (v *isa) scatterAdd() {
	v.function("scatterAdd", "func(table *float32, n int, ids *int32, stride int, src *float32, lds, m int)", "adds row i of src to row ids[i*stride] of table.")
	row, distance, ids, stride := v.pointer("src"), v.stride("lds"), v.pointer("ids"), v.stride("stride")
	table, n, m := v.pointer("table"), v.pointer("n"), v.pointer("m")
	width, whole, rest := v.GP64(), v.GP64(), v.GP64()
	v.MOVQ(n, rest)
	v.ANDL(operand.U8(v.lanes-1), rest.As32())
	v.MOVQ(n, whole)
	v.SUBQ(rest, whole)
	v.SHLQ(operand.U8(2), whole)
	v.MOVQ(n, width)
	v.SHLQ(operand.U8(2), width)
	lanes := v.firstLanes(rest)

	loop, partial, next := v.label("loop"), v.label("partial"), v.label("next")
	v.Label(loop)
	indexed, offset := v.GP64(), v.GP64()
	v.MOVLQSX(operand.Mem{Base: ids}, indexed)
	v.IMULQ(width, indexed)
	v.ADDQ(table, indexed)
	v.XORQ(offset, offset)
	columns := v.label("columns")
	v.Label(columns)
	v.CMPQ(offset, whole)
	v.JGE(operand.LabelRef(partial))
	v.addVector(indexed, row, offset, nil)
	v.ADDQ(operand.U8(v.bytes()), offset)
	v.JMP(operand.LabelRef(columns))
	v.Label(partial)
	v.TESTQ(rest, rest)
	v.JZ(operand.LabelRef(next))
	v.addVector(indexed, row, offset, lanes)
	v.Label(next)
	v.ADDQ(distance, row)
	v.ADDQ(stride, ids)
	v.DECQ(m)
	v.JNZ(operand.LabelRef(loop))
	v.end()
}

func (v *isa) addVector(to, from, offset reg.GPVirtual, lanes mask) {
	x, y := v.vec(), v.vec()
	at := operand.Mem{Base: to, Index: offset, Scale: 1}
	v.load(at, lanes, x)
	v.load(operand.Mem{Base: from, Index: offset, Scale: 1}, lanes, y)
	v.VADDPS(y, x, x)
	v.store(x, lanes, at)
}

// copyRows emits a loop over rows.
func (v *isa) copyRows() {
	v.function("copyRows", "func(dst *float32, ldd int, src *float32, lds, m, n int)", "copies m rows of n elements.")
	src, lds := v.pointer("src"), v.stride("lds")
	v.fillRows(src, src, lds, func(at operand.Mem, lanes mask) reg.VecVirtual {
		x := v.vec()
		v.load(at, lanes, x)
		return x
	})
}

// fillRows emits a loop over m rows of dst, of which each vector is made of the one at the same place in list; src moves on
// by its stride after each row.
func (v *isa) fillRows(list, src, lds reg.GPVirtual, vector func(at operand.Mem, lanes mask) reg.VecVirtual) {
	dst, ldd, m := v.pointer("dst"), v.stride("ldd"), v.pointer("m")
	columns, row, to := v.vectorsOf("n"), v.label("row"), v.GP64()
	v.Label(row)
	v.MOVQ(dst, to)
	columns.each(list, func(at operand.Mem, lanes mask) {
		v.store(vector(at, lanes), lanes, operand.Mem{Base: to})
		v.ADDQ(operand.U8(v.bytes()), to)
	})
	v.ADDQ(lds, src)
	v.ADDQ(ldd, dst)
	v.DECQ(m)
	v.JNZ(operand.LabelRef(row))
	v.end()
}

// largest goes down the rows for some vectors of columns at a time. Magnitudes of floats are in the order of their bits.
func (v *isa) largest() {
	v.function("largest", "func(dst *uint32, src *float32, lds, m, n int)", "sets dst[j] to the bits of the largest magnitude among src[0:m, j].")
	dst, src, lds, magnitude := v.pointer("dst"), v.pointer("src"), v.stride("lds"), v.copy(v.bits(magnitudeBit))
	v.vectorsOf("n").groups(src, 4, func(at operand.Mem, vectors int, lanes mask) {
		most := make([]reg.VecVirtual, vectors)
		for i := range most {
			most[i] = v.zero()
		}
		i, p, row := v.GP64(), v.GP64(), v.label("row")
		v.MOVQ(v.address("m"), i)
		v.MOVQ(at.Base, p)
		v.Label(row)
		for i, most := range most {
			x := v.vec()
			v.load(operand.Mem{Base: p, Disp: i * v.bytes()}, lanes, x)
			v.VANDPS(magnitude, x, x)
			v.VPMAXUD(x, most, most)
		}
		v.ADDQ(lds, p)
		v.DECQ(i)
		v.JNZ(operand.LabelRef(row))
		for i, most := range most {
			v.store(most, lanes, operand.Mem{Base: dst, Disp: i * v.bytes()})
		}
		v.ADDQ(operand.U32(vectors*v.bytes()), dst)
	})
	v.end()
}

// gatherColumns reads the list of columns anew for each row: it stays in the first cache. It asks for the next row in
// time, which often lies on a page of its own.
func (v *isa) gatherColumns() {
	v.function("gatherColumns", "func(dst *float32, ldd int, src *float32, lds, m int, columns *int32, n int)", "copies n columns of m rows.")
	list, src, lds, below := v.pointer("columns"), v.pointer("src"), v.stride("lds"), v.GP64()
	v.fillRows(list, src, lds, func(at operand.Mem, lanes mask) reg.VecVirtual {
		if lanes == nil {
			v.LEAQ(operand.Mem{Base: src, Index: lds, Scale: 1}, below)
			v.prefetchColumns(below, at)
		}
		index := v.vec()
		v.load(at, lanes, index)
		return v.gather(src, index, lanes)
	})
}

// prefetchColumns asks for every fourth of a vector of columns in a list: those between lie in the same or the next
// cache lines.
func (v *isa) prefetchColumns(row reg.GPVirtual, list operand.Mem) {
	for i := 0; i < v.lanes; i += 4 {
		column := v.GP64()
		v.MOVLQSX(list.Offset(4*i), column)
		v.PREFETCHT0(operand.Mem{Base: row, Index: column, Scale: 4})
	}
}

// gather is the elements of an array at the indices, in the lanes of the mask. The instruction clears its mask.
func (v *isa) gather(array reg.GPVirtual, index reg.VecVirtual, lanes mask) reg.VecVirtual {
	d, at := v.zero(), operand.Mem{Base: array, Index: index, Scale: 4}
	left := v.allLanes()
	if v.wide {
		if lanes != nil {
			v.KMOVW(lanes, left)
		}
		v.VGATHERDPS(at, left, d)
		return d
	}
	if lanes != nil {
		v.VMOVAPS(lanes, left)
	}
	v.VGATHERDPS(left, at, d)
	return d
}

// transposeSize is the side of the squares that transpose works in, one register a row.
const transposeSize = 8

// transpose emits the transposition of 8 rows of src. The last square overlaps the one before, so that no mask is
// needed.
func (v *isa) transpose() {
	v.function("transposeRows", "func(dst *float32, ldd int, src *float32, lds, n int)", "writes 8 rows of src, n >= 8 long, as 8 columns of dst.")
	dst, ldd, src, lds, n := v.pointer("dst"), v.stride("ldd"), v.pointer("src"), v.stride("lds"), v.pointer("n")
	j, last := v.GP64(), v.GP64()
	v.XORQ(j, j)
	v.LEAQ(operand.Mem{Base: n, Disp: -transposeSize}, last)
	loop, done := v.label("loop"), v.label("done")
	v.Label(loop)
	v.transposeSquare(dst, ldd, src, lds, j)
	v.CMPQ(j, last)
	v.JGE(operand.LabelRef(done))
	v.ADDQ(operand.U8(transposeSize), j)
	v.CMPQ(j, last)
	v.CMOVQGT(last, j)
	v.JMP(operand.LabelRef(loop))
	v.Label(done)
	v.end()
}

func (v *isa) transposeSquare(dst, ldd, src, lds, j reg.GPVirtual) {
	from := v.GP64()
	v.LEAQ(operand.Mem{Base: src, Index: j, Scale: 4}, from)
	var rows [transposeSize]reg.VecVirtual
	for i := range rows {
		rows[i] = v.YMM()
		v.VMOVUPS(operand.Mem{Base: from}, rows[i])
		v.ADDQ(lds, from)
	}
	to := v.GP64()
	v.MOVQ(j, to)
	v.IMULQ(ldd, to)
	v.ADDQ(dst, to)
	for _, column := range v.transposed(rows) {
		v.VMOVUPS(column, operand.Mem{Base: to})
		v.ADDQ(ldd, to)
	}
}

// transposed exchanges single elements, then pairs, then halves.
func (v *isa) transposed(rows [transposeSize]reg.VecVirtual) [transposeSize]reg.VecVirtual {
	half := func(instruction func(...operand.Op), ops ...operand.Op) reg.VecVirtual {
		d := v.YMM()
		instruction(append(ops, d)...)
		return d
	}
	var pairs, quads, columns [transposeSize]reg.VecVirtual
	for i := 0; i < transposeSize; i += 2 {
		pairs[i] = half(v.VUNPCKLPS, rows[i+1], rows[i])
		pairs[i+1] = half(v.VUNPCKHPS, rows[i+1], rows[i])
	}
	for i := 0; i < transposeSize; i += 4 {
		for k := range 2 {
			quads[i+2*k] = half(v.VUNPCKLPD, pairs[i+k+2], pairs[i+k])
			quads[i+2*k+1] = half(v.VUNPCKHPD, pairs[i+k+2], pairs[i+k])
		}
	}
	const lowHalvesOfBoth, highHalvesOfBoth = 0x20, 0x31
	for i := range transposeSize / 2 {
		columns[i] = v.permuted(lowHalvesOfBoth, quads[i+4], quads[i])
		columns[i+4] = v.permuted(highHalvesOfBoth, quads[i+4], quads[i])
	}
	return columns
}

func (v *isa) permuted(halves uint8, b, a reg.Register) reg.VecVirtual {
	d := v.YMM()
	v.VPERM2F128(operand.U8(halves), b, a, d)
	return d
}

// prefetchWords emits a loop over cache lines, from the one that the first word is in.
func (v *isa) prefetchWords() {
	v.function("prefetch", "func(x *uint32, n int)", "asks for the cache lines of n words.")
	x, end, line := v.pointer("x"), v.stride("n"), v.label("line")
	v.ADDQ(x, end)
	v.ANDQ(operand.I8(-cacheLine), x)
	v.Label(line)
	v.PREFETCHT0(operand.Mem{Base: x})
	v.ADDQ(operand.U8(cacheLine), x)
	v.CMPQ(x, end)
	v.JLT(operand.LabelRef(line))
	v.end()
}
