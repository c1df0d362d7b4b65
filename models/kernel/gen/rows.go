package main

import (
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// rows emits the functions on rows of matrices.
func (v *isa) rows() {
	v.scatterAdd()
	v.sumRows()
	v.copyRows()
	v.largest()
	v.gatherColumns()
	v.transpose()
}

// sumVectors is how many vectors of each row are read at a time.
const sumVectors = 4

// sumRows adds rows up, so that the sum is written once and not read.
func (v *isa) sumRows() {
	v.function("sumRows", "func(dst *float32, rows **float32, count, n int)", "sets dst to the sum of n elements of count rows, in order.")
	dst, rows, count, offset := v.pointer("dst"), v.pointer("rows"), v.pointer("count"), v.GP64()
	columns := v.vectorsOf("n")
	many, few, rest, done := v.label("many"), v.label("few"), v.label("rest"), v.label("done")
	v.XORQ(offset, offset)
	v.Label(many)
	v.CMPQ(columns.whole, operand.U8(sumVectors*v.lanes))
	v.JLT(operand.LabelRef(few))
	v.sumOfVectors(dst, rows, count, offset, sumVectors, nil)
	v.SUBQ(operand.U8(sumVectors*v.lanes), columns.whole)
	v.JMP(operand.LabelRef(many))
	v.Label(few)
	v.TESTQ(columns.whole, columns.whole)
	v.JZ(operand.LabelRef(rest))
	v.sumOfVectors(dst, rows, count, offset, 1, nil)
	v.SUBQ(operand.U8(v.lanes), columns.whole)
	v.JMP(operand.LabelRef(few))
	v.Label(rest)
	v.TESTQ(columns.rest, columns.rest)
	v.JZ(operand.LabelRef(done))
	v.sumOfVectors(dst, rows, count, offset, 1, columns.lanes)
	v.Label(done)
	v.end()
}

// sumOfVectors sums some vectors of all rows and moves the offset, in bytes, past them.
func (v *isa) sumOfVectors(dst, rows, count, offset reg.GPVirtual, vectors int, lanes mask) {
	i, row, loop, done := v.GP64(), v.GP64(), v.label("loop"), v.label("summed")
	at := func(base reg.GPVirtual, vector int) operand.Mem {
		return operand.Mem{Base: base, Index: offset, Scale: 1, Disp: vector * v.bytes()}
	}
	sums := make([]reg.VecVirtual, vectors)
	v.MOVQ(operand.Mem{Base: rows}, row)
	for j := range sums {
		sums[j] = v.vec()
		v.load(at(row, j), lanes, sums[j])
	}
	v.MOVQ(operand.U32(1), i)
	v.Label(loop)
	v.CMPQ(i, count)
	v.JGE(operand.LabelRef(done))
	v.MOVQ(operand.Mem{Base: rows, Index: i, Scale: 8}, row)
	for j, sum := range sums {
		x := v.vec()
		v.load(at(row, j), lanes, x)
		v.VADDPS(x, sum, sum)
	}
	v.INCQ(i)
	v.JMP(operand.LabelRef(loop))
	v.Label(done)
	for j, sum := range sums {
		v.store(sum, lanes, at(dst, j))
	}
	v.ADDQ(operand.U32(vectors*v.bytes()), offset)
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
