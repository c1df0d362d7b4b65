package main

import (
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// span is one step of a loop over slices of equal length: a whole vector, or the masked rest.
type span struct {
	*isa
	base   map[string]reg.GPVirtual
	offset reg.GPVirtual // in bytes
	lanes  mask
}

func (s *span) address(slice string) operand.Mem {
	return operand.Mem{Base: s.base[slice], Index: s.offset, Scale: 1}
}

func (s *span) load(slice string) reg.VecVirtual {
	d := s.vec()
	s.isa.load(s.address(slice), s.lanes, d)
	return d
}

func (s *span) store(slice string, x reg.Register) { s.isa.store(x, s.lanes, s.address(slice)) }

// overSlices emits a loop over the elements of slices and the function's end.
func (v *isa) overSlices(slices []string, body func(s *span)) {
	s := &span{isa: v, base: map[string]reg.GPVirtual{}, offset: v.GP64()}
	for _, name := range slices {
		s.base[name] = v.GP64()
		v.Load(v.Param(name).Base(), s.base[name])
	}
	n := v.GP64()
	v.Load(v.Param(slices[0]).Len(), n)
	v.XORQ(s.offset, s.offset)

	loop, rest, done := v.label("loop"), v.label("rest"), v.label("done")
	v.SUBQ(operand.U8(v.lanes), n)
	v.JLT(operand.LabelRef(rest))
	v.Label(loop)
	body(s)
	v.ADDQ(operand.U8(v.bytes()), s.offset)
	v.SUBQ(operand.U8(v.lanes), n)
	v.JGE(operand.LabelRef(loop))
	v.Label(rest)
	v.ADDQ(operand.U8(v.lanes), n)
	v.JZ(operand.LabelRef(done))
	s.lanes = v.firstLanes(n)
	body(s)
	v.Label(done)
	v.end()
}

func (v *isa) end() {
	v.VZEROUPPER()
	v.RET()
}

func (v *isa) elementwise() {
	binary := func(name, doc string, f func(a reg.Register, b operand.Op) reg.VecVirtual) {
		v.function(name, "func(dst, a, b []float32)", doc)
		v.overSlices([]string{"dst", "a", "b"}, func(s *span) { s.store("dst", f(s.load("a"), s.load("b"))) })
	}
	binary("add", "sets dst = a + b.", v.add)
	binary("mul", "sets dst = a * b.", v.mul)

	v.function("scale", "func(dst, a []float32, s float32)", "sets dst = a * s.")
	factor := v.broadcast("s")
	v.overSlices([]string{"dst", "a"}, func(s *span) { s.store("dst", v.mul(s.load("a"), factor)) })

	v.function("axpy", "func(dst, a []float32, s float32)", "sets dst += a * s, rounding the product first.")
	slope := v.broadcast("s")
	v.overSlices([]string{"dst", "a"}, func(s *span) {
		s.store("dst", v.add(s.load("dst"), v.mul(s.load("a"), slope)))
	})

	v.function("relu", "func(dst, src []float32)", "sets dst = 0 where src < 0, else src.")
	zero := v.zero()
	v.overSlices([]string{"dst", "src"}, func(s *span) { s.store("dst", v.max(zero, s.load("src"))) })

	v.function("reluMask", "func(dst, dy, y []float32)", "sets dst = 0 where y <= 0, else dy.")
	none := v.zero()
	v.overSlices([]string{"dst", "dy", "y"}, func(s *span) {
		closed := v.compare(lessEqual, s.load("y"), none)
		s.store("dst", v.choose(closed, none, s.load("dy")))
	})
}
