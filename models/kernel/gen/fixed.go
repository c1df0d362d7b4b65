package main

import (
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// Sums in 64 bits: fixed point and squares. The functions take whole vectors only; package kernel does the rest in Go.
//
// AVX2 does not convert between float64 and 64-bit integers. There they are put together from halves of 32 bits, as
// float64s whose significand is an integer.

const (
	fixedScale = 1 << 40
	twoTo32    = 1 << 32
	// integerMagic, added to an integer within +-2^51 in float64, leaves it in the low bits.
	integerMagic     = 3 << 51
	bitsOf2To52      = 0x4330000000000000
	bitsOfHighHalf   = 0x4530000080000000 // 2^84 + 2^63
	bitsOfBothHalves = 0x4530000080100000 // 2^84 + 2^63 + 2^52
	roundToNearest   = 0
	roundDown        = 1
	lowHalves        = 0x55 // of each 64 bits, in a blend of 32
)

func (v *isa) fixed() {
	v.fixedWithin()
	v.fixedAdd()
	v.fixedSum()
	v.fixedMerge()
	v.fixedMean()
	v.squareLanes()
}

// wholeVectors is a loop over slices, some elements a step.
type wholeVectors struct {
	base map[string]reg.GPVirtual
	i    reg.GPVirtual
	done string
}

// at is the address of a slice's current elements, of the given size in bytes.
func (l *wholeVectors) at(slice string, size uint8) operand.Mem {
	return operand.Mem{Base: l.base[slice], Index: l.i, Scale: size}
}

func (v *isa) overWholeVectors(slices []string, lanes int, body func(l *wholeVectors)) *wholeVectors {
	l := &wholeVectors{base: map[string]reg.GPVirtual{}, i: v.GP64(), done: v.label("done")}
	for _, name := range slices {
		l.base[name] = v.GP64()
		v.Load(v.Param(name).Base(), l.base[name])
	}
	n := v.GP64()
	v.Load(v.Param(slices[0]).Len(), n)
	v.XORQ(l.i, l.i)
	loop := v.label("loop")
	v.Label(loop)
	v.CMPQ(l.i, n)
	v.JGE(operand.LabelRef(l.done))
	body(l)
	v.ADDQ(operand.U8(lanes), l.i)
	v.JMP(operand.LabelRef(loop))
	v.Label(l.done)
	return l
}

func (v *isa) fixedWithin() {
	v.function("fixedWithin", "func(x []float32, limit float32) int",
		"counts the leading elements of x, in whole vectors, that are all within +-limit.")
	limit := v.broadcast("limit")
	l := v.overWholeVectors([]string{"x"}, v.lanes, func(l *wholeVectors) {
		x := v.copy(l.at("x", 4))
		v.exitUnlessAll(v.compare(lessEqual, v.abs(x), limit), l.done)
	})
	v.Store(l.i, v.ReturnIndex(0))
	v.end()
}

func (v *isa) exitUnlessAll(k mask, label string) {
	if v.wide {
		v.KORTESTW(k, k)
		v.JCC(operand.LabelRef(label)) // carry: all ones
		return
	}
	lanes := v.GP32()
	v.VMOVMSKPS(k, lanes)
	v.CMPL(lanes, operand.U32(0xff))
	v.JNE(operand.LabelRef(label))
}

// doubles are float32s in memory as a vector of float64s.
func (v *isa) doubles(at operand.Mem) reg.VecVirtual {
	d := v.vec()
	v.VCVTPS2PD(at, d)
	return d
}

func (v *isa) fixedAdd() {
	v.function("fixedAdd", "func(acc []int64, x []float32)", "adds x * 2^40, rounded half to even, to acc.")
	v.overWholeVectors([]string{"acc", "x"}, v.lanes/2, func(l *wholeVectors) {
		scaled := v.binary(v.VMULPD, v.doubles(l.at("x", 4)), v.double(fixedScale))
		sum := v.binary(v.VPADDQ, v.integers(scaled), l.at("acc", 8))
		v.VMOVUPS(sum, l.at("acc", 8))
	})
	v.end()
}

func (v *isa) fixedMerge() {
	v.function("fixedMerge", "func(acc, sums []int64)", "adds sums to acc.")
	v.overWholeVectors([]string{"acc", "sums"}, v.lanes/2, func(l *wholeVectors) {
		sum := v.copy(l.at("sums", 8))
		v.VPADDQ(l.at("acc", 8), sum, sum)
		v.VMOVUPS(sum, l.at("acc", 8))
	})
	v.end()
}

// sliceBytes is the size of a slice's header, which begins with its address.
const sliceBytes = 24

// fixedSum goes through all vectors of x for some elements at a time, so that a sum is read and written once.
func (v *isa) fixedSum() {
	v.function("fixedSum", "func(acc []int64, accumulate bool, x [][]float32, limit float32) bool",
		"sums all x * 2^40, rounded half to even, and acc if it accumulates; acc is as long as whole vectors of float32. It tells whether all are within +-limit.")
	limit, within := v.broadcast("limit"), v.allLanes()
	end := v.label("end")
	v.overWholeVectors([]string{"acc"}, v.lanes, func(l *wholeVectors) {
		header, count := v.GP64(), v.GP64()
		v.Load(v.Param("x").Base(), header)
		v.Load(v.Param("x").Len(), count)
		sums := []reg.VecVirtual{v.zero(), v.zero()}
		next := v.label("vector")
		v.CMPB(v.address("accumulate"), operand.U8(0))
		v.JEQ(operand.LabelRef(next))
		for i, sum := range sums {
			v.VMOVUPS(l.at("acc", 8).Offset(i*v.bytes()), sum)
		}
		v.Label(next)
		x := v.GP64()
		v.MOVQ(operand.Mem{Base: header}, x)
		at := operand.Mem{Base: x, Index: l.i, Scale: 4}
		v.narrow(within, v.compare(lessEqual, v.abs(v.copy(at)), limit))
		for i, sum := range sums {
			scaled := v.binary(v.VMULPD, v.doubles(at.Offset(i*v.bytes()/2)), v.double(fixedScale))
			v.VPADDQ(v.integers(scaled), sum, sum)
		}
		v.ADDQ(operand.U8(sliceBytes), header)
		v.DECQ(count)
		v.JNZ(operand.LabelRef(next))
		for i, sum := range sums {
			v.VMOVUPS(sum, l.at("acc", 8).Offset(i*v.bytes()))
		}
	})
	all := v.GP8()
	v.XORB(all, all)
	v.exitUnlessAll(within, end)
	v.MOVB(operand.U8(1), all)
	v.Label(end)
	v.Store(all, v.ReturnIndex(0))
	v.end()
}

// allLanes is a mask to be narrowed.
func (v *isa) allLanes() mask {
	if v.wide {
		k := v.K()
		v.KXNORW(k, k, k)
		return k
	}
	k := v.YMM()
	v.VPCMPEQD(k, k, k)
	return k
}

// narrow takes the lanes from a mask that another lacks.
func (v *isa) narrow(k, by mask) {
	if v.wide {
		v.KANDW(by, k, k)
	} else {
		v.VANDPS(by, k, k)
	}
}

// integers rounds float64s half to even to integers of 64 bits.
func (v *isa) integers(x reg.Register) reg.VecVirtual {
	if v.wide {
		d := v.vec()
		v.VCVTPD2QQ(x, d)
		return d
	}
	whole, high := v.vec(), v.vec()
	v.VROUNDPD(operand.U8(roundToNearest), x, whole)
	v.VROUNDPD(operand.U8(roundDown), v.binary(v.VMULPD, whole, v.double(1.0/twoTo32)), high)
	low := v.binary(v.VSUBPD, whole, v.binary(v.VMULPD, high, v.double(twoTo32)))
	return v.binary(v.VPADDQ, v.shift(v.VPSLLQ, v.smallIntegers(high), 32), v.smallIntegers(low))
}

// smallIntegers are float64s, whole and within +-2^51, as integers.
func (v *isa) smallIntegers(x reg.Register) reg.VecVirtual {
	magic := v.double(integerMagic)
	return v.binary(v.VPSUBQ, v.binary(v.VADDPD, x, magic), magic)
}

func (v *isa) fixedMean() {
	v.function("fixedMean", "func(dst []float32, acc []int64, weight float64)", "sets dst = acc * 2^-40 / weight.")
	weight := v.vec()
	v.VBROADCASTSD(v.address("weight"), weight)
	v.overWholeVectors([]string{"dst", "acc"}, v.lanes/2, func(l *wholeVectors) {
		x := v.binary(v.VMULPD, v.fromIntegers(l.at("acc", 8)), v.double(1.0/fixedScale))
		v.storeNarrowed(v.binary(v.VDIVPD, x, weight), l.at("dst", 4))
	})
	v.end()
}

// fromIntegers converts integers of 64 bits to float64, rounded once: both halves are exact, their sum is rounded.
func (v *isa) fromIntegers(at operand.Mem) reg.VecVirtual {
	d := v.vec()
	if v.wide {
		v.VCVTQQ2PD(at, d)
		return d
	}
	x := v.copy(at)
	low := v.vec()
	v.VPBLENDD(operand.U8(lowHalves), x, v.copy(v.quad(bitsOf2To52)), low)
	high := v.binary(v.VXORPS, v.shift(v.VPSRLQ, x, 32), v.quad(bitsOfHighHalf))
	return v.binary(v.VADDPD, v.binary(v.VSUBPD, high, v.quad(bitsOfBothHalves)), low)
}

func (v *isa) storeNarrowed(x reg.Register, at operand.Mem) {
	if v.wide {
		d := v.YMM()
		v.VCVTPD2PS(x, d)
		v.VMOVUPS(d, at)
		return
	}
	d := v.XMM()
	v.VCVTPD2PSY(x, d)
	v.VMOVUPS(d, at)
}

// sumLanes is the number of sums in which package kernel adds squares.
const sumLanes = 16

func (v *isa) squareLanes() {
	v.function("squareLanes", "func(lanes *[16]float64, x []float32)", "adds the square of x[i] to lane i mod 16; len(x) is a multiple of 16.")
	lanes := v.pointer("lanes")
	at := func(i int) operand.Mem { return operand.Mem{Base: lanes, Disp: i * v.bytes()} }
	var sums []reg.VecVirtual
	for i := range sumLanes * 2 / v.lanes {
		sums = append(sums, v.copy(at(i)))
	}
	v.overWholeVectors([]string{"x"}, sumLanes, func(l *wholeVectors) {
		for i, sum := range sums {
			x := v.doubles(l.at("x", 4).Offset(i * v.bytes() / 2))
			v.VFMADD231PD(x, x, sum) // the product is exact, so fusing changes nothing
		}
	})
	for i, sum := range sums {
		v.VMOVUPS(sum, at(i))
	}
	v.end()
}
