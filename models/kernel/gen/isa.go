package main

import (
	"fmt"
	"math"

	"github.com/mmcloughlin/avo/attr"
	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/gotypes"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

const noSplit = attr.NOSPLIT

// isa emits functions for one instruction set: 16 lanes and mask registers, or 8 lanes and masks in vectors. What
// differs between the two is in this file and in the tiles of the products.
type isa struct {
	*build.Context
	file, suffix string
	lanes        int
	wide         bool // AVX-512
	constants    map[uint64]operand.Mem
	tail         operand.Mem // AVX2: as many set as clear lanes
	labels       int
}

func newAVX512() *isa {
	return &isa{Context: build.NewContext(), file: "avx512", suffix: "AVX512", lanes: 16, wide: true, constants: map[uint64]operand.Mem{}}
}

func newAVX2() *isa {
	v := &isa{Context: build.NewContext(), file: "avx2", suffix: "AVX2", lanes: 8, constants: map[uint64]operand.Mem{}}
	v.tail = v.data("tailMask")
	for i := range 16 {
		mask := uint32(0)
		if i < 8 {
			mask = math.MaxUint32
		}
		v.AddDatum(4*i, operand.U32(mask))
	}
	return v
}

// vec is a new vector register.
func (v *isa) vec() reg.VecVirtual {
	if v.wide {
		return v.ZMM()
	}
	return v.YMM()
}

// label is a name that no other label has.
func (v *isa) label(stem string) string {
	v.labels++
	return fmt.Sprintf("%s%d", stem, v.labels)
}

// bytes is the size of a vector.
func (v *isa) bytes() int { return 4 * v.lanes }

// float is a constant in every lane, in memory: all instructions take it as an operand.
func (v *isa) float(x float32) operand.Mem { return v.bits(math.Float32bits(x)) }

func (v *isa) bits(x uint32) operand.Mem { return v.constant(uint64(x)|uint64(x)<<32, operand.U32(x)) }

// double and quad are constants in every lane of 64 bits.
func (v *isa) double(x float64) operand.Mem { return v.quad(math.Float64bits(x)) }

func (v *isa) quad(x uint64) operand.Mem { return v.constant(x, operand.U64(x)) }

func (v *isa) constant(key uint64, value operand.Constant) operand.Mem {
	if m, ok := v.constants[key]; ok {
		return m
	}
	m := v.data(fmt.Sprintf("constant%016x%s", key, v.suffix))
	for offset := 0; offset < v.bytes(); offset += value.Bytes() {
		v.AddDatum(offset, value)
	}
	v.constants[key] = m
	return m
}

// data begins a read-only symbol of this file.
func (v *isa) data(name string) operand.Mem {
	m := v.StaticGlobal(name)
	v.DataAttributes(attr.RODATA | attr.NOPTR)
	return m
}

// broadcast is a parameter in every lane.
func (v *isa) broadcast(param string) reg.VecVirtual {
	d := v.vec()
	v.VBROADCASTSS(v.address(param), d)
	return d
}

// address is where a parameter lies on the stack.
func (v *isa) address(param string) operand.Mem { return v.resolve(v.Param(param)) }

func (v *isa) resolve(c gotypes.Component) operand.Mem {
	b, err := c.Resolve()
	if err != nil {
		panic(err)
	}
	return b.Addr
}

// mask tells which lanes a comparison or the end of a slice leaves: an opmask register or a vector of lanes.
type mask = operand.Op

// firstLanes is the mask of the first n lanes, 0 < n <= lanes.
func (v *isa) firstLanes(n reg.GPVirtual) mask {
	if v.wide {
		all, k := v.GP32(), v.K()
		v.MOVL(operand.U32(math.MaxUint32), all)
		v.BZHIL(n.As32(), all, all)
		v.KMOVW(all, k)
		return k
	}
	base, k := v.GP64(), v.YMM()
	v.LEAQ(v.tail.Offset(32), base)
	back := v.GP64()
	v.MOVQ(n, back)
	v.NEGQ(back)
	v.VMOVDQU(operand.Mem{Base: base, Index: back, Scale: 4}, k)
	return k
}

// lanesOf is the mask of one of some vectors, of which the last alone has one.
func lanesOf(vector, vectors int, last mask) mask {
	if vector == vectors-1 {
		return last
	}
	return nil
}

// load and store move a vector; a mask, if any, keeps them within the slice, and zeroes the other lanes loaded.
func (v *isa) load(m operand.Mem, k mask, d reg.Register) {
	switch {
	case k == nil:
		v.VMOVUPS(m, d)
	case v.wide:
		v.VMOVUPS_Z(m, k, d)
	default:
		v.VMASKMOVPS(m, k, d)
	}
}

func (v *isa) store(x reg.Register, k mask, m operand.Mem) {
	switch {
	case k == nil:
		v.VMOVUPS(x, m)
	case v.wide:
		v.VMOVUPS(x, k, m)
	default:
		v.VMASKMOVPS(x, k, m)
	}
}

// Predicates of comparisons, as the instruction encodes them.
const (
	equal           = 0  // ordered: false of NaN
	notEqual        = 4  // unordered: true of NaN
	less            = 17 // ordered
	lessEqual       = 18 // ordered
	notLessEqual    = 22 // unordered: true of NaN
	notGreaterEqual = 25 // unordered
	greater         = 30 // ordered
)

// compare is the mask of lanes in which a stands to b as the predicate says.
func (v *isa) compare(predicate uint8, a reg.Register, b operand.Op) mask {
	if v.wide {
		k := v.K()
		v.VCMPPS(operand.U8(predicate), b, a, k)
		return k
	}
	k := v.YMM()
	v.VCMPPS(operand.U8(predicate), b, a, k)
	return k
}

// choose is yes where the mask is set and no elsewhere.
func (v *isa) choose(k mask, yes operand.Op, no reg.Register) reg.VecVirtual {
	d := v.vec()
	if v.wide {
		v.VBLENDMPS(yes, no, k, d)
	} else {
		v.VBLENDVPS(k, yes, no, d)
	}
	return d
}

// The arithmetic below is named after what it computes; the second operand may lie in memory.

func (v *isa) binary(instruction func(...operand.Op), a reg.Register, b operand.Op) reg.VecVirtual {
	d := v.vec()
	instruction(b, a, d)
	return d
}

func (v *isa) add(a reg.Register, b operand.Op) reg.VecVirtual { return v.binary(v.VADDPS, a, b) }
func (v *isa) sub(a reg.Register, b operand.Op) reg.VecVirtual { return v.binary(v.VSUBPS, a, b) }
func (v *isa) mul(a reg.Register, b operand.Op) reg.VecVirtual { return v.binary(v.VMULPS, a, b) }
func (v *isa) div(a reg.Register, b operand.Op) reg.VecVirtual { return v.binary(v.VDIVPS, a, b) }
func (v *isa) and(a reg.Register, b operand.Op) reg.VecVirtual { return v.binary(v.VANDPS, a, b) }
func (v *isa) or(a reg.Register, b operand.Op) reg.VecVirtual  { return v.binary(v.VORPS, a, b) }

// max is a where a > b, else b; min is a where a < b, else b: a NaN in b stays.
func (v *isa) max(a reg.Register, b operand.Op) reg.VecVirtual { return v.binary(v.VMAXPS, a, b) }
func (v *isa) min(a reg.Register, b operand.Op) reg.VecVirtual { return v.binary(v.VMINPS, a, b) }

func (v *isa) sqrt(a reg.Register) reg.VecVirtual {
	d := v.vec()
	v.VSQRTPS(a, d)
	return d
}

// fma is a*b + c.
func (v *isa) fma(a, b reg.Register, c operand.Op) reg.VecVirtual {
	d := v.copy(a)
	v.VFMADD213PS(c, b, d)
	return d
}

// fmaConstant is a*b + c with the constant b in memory.
func (v *isa) fmaConstant(a reg.Register, b operand.Mem, c reg.Register) reg.VecVirtual {
	d := v.copy(a)
	v.VFMADD132PS(b, c, d)
	return d
}

func (v *isa) copy(a operand.Op) reg.VecVirtual {
	d := v.vec()
	v.VMOVUPS(a, d)
	return d
}

func (v *isa) zero() reg.VecVirtual {
	d := v.vec()
	v.clear(d)
	return d
}

// clear loads a zero: avo does not know that the exclusive or of a wide register with itself reads nothing.
func (v *isa) clear(d reg.Register) {
	if v.wide {
		v.VMOVUPS(v.float(0), d)
	} else {
		v.VXORPS(d, d, d)
	}
}

const (
	signBit      = 1 << 31
	magnitudeBit = signBit - 1
)

func (v *isa) abs(a reg.Register) reg.VecVirtual { return v.and(a, v.bits(magnitudeBit)) }

// withSign is the magnitude, which has no sign, with the sign of x.
func (v *isa) withSign(magnitude, x reg.Register) reg.VecVirtual {
	return v.or(v.and(x, v.bits(signBit)), magnitude)
}

// shift instructions take their count first.
func (v *isa) shift(instruction func(...operand.Op), a reg.Register, count uint8) reg.VecVirtual {
	d := v.vec()
	instruction(operand.U8(count), a, d)
	return d
}
