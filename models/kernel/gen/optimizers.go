package main

import "github.com/mmcloughlin/avo/reg"

// The functions below repeat portable_optimizer.go of package kernel operation by operation.

func (v *isa) optimizers() {
	v.sgd()
	v.momentum()
	v.adam()
	v.adagrad()
	v.ftrl()
}

const ( // as there
	smallestGradient = 0x1p-50
	smallestMoment   = 0x1p-100
	smallestSquare   = 0x1p-126
)

// flush makes what is smaller than a bound 0.
func (v *isa) flush(x reg.Register, smallest float32) reg.VecVirtual {
	return v.choose(v.compare(less, v.abs(x), v.float(smallest)), v.float(0), x)
}

func (v *isa) sgd() {
	v.function("sgd", "func(w, grad []float32, lr float32)", "updates w by gradient descent.")
	lr := v.broadcast("lr")
	v.overSlices([]string{"w", "grad"}, func(s *span) {
		s.store("w", v.sub(s.load("w"), v.mul(lr, s.load("grad"))))
	})
}

func (v *isa) momentum() {
	v.function("momentum", "func(w, v, grad []float32, lr, mu float32)", "updates w and v by gradient descent with momentum.")
	lr, mu := v.broadcast("lr"), v.broadcast("mu")
	v.overSlices([]string{"w", "v", "grad"}, func(s *span) {
		velocity := v.flush(v.add(v.mul(mu, s.load("v")), s.load("grad")), smallestMoment)
		s.store("v", velocity)
		s.store("w", v.sub(s.load("w"), v.mul(lr, velocity)))
	})
}

func (v *isa) adam() {
	v.function("adam", "func(w, m, v, grad []float32, lr, beta1, beta2, eps, correction1, correction2 float32)", "updates w, m and v by Adam.")
	lr, beta1, beta2, eps := v.broadcast("lr"), v.broadcast("beta1"), v.broadcast("beta2"), v.broadcast("eps")
	correction1, correction2 := v.broadcast("correction1"), v.broadcast("correction2")
	rest1 := v.sub(v.copy(v.float(1)), beta1)
	rest2 := v.sub(v.copy(v.float(1)), beta2)
	v.overSlices([]string{"w", "m", "v", "grad"}, func(s *span) {
		grad := v.flush(s.load("grad"), smallestGradient)
		m := v.flush(v.add(v.mul(beta1, s.load("m")), v.mul(rest1, grad)), smallestMoment)
		s.store("m", m)
		second := v.flush(v.add(v.mul(beta2, s.load("v")), v.mul(v.mul(rest2, grad), grad)), smallestSquare)
		s.store("v", second)
		step := v.mul(lr, v.mul(m, correction1))
		root := v.sqrt(v.mul(second, correction2))
		s.store("w", v.sub(s.load("w"), v.div(step, v.add(root, eps))))
	})
}

func (v *isa) adagrad() {
	v.function("adagrad", "func(w, acc, grad []float32, lr, eps float32)", "updates w and acc by Adagrad.")
	lr, eps := v.broadcast("lr"), v.broadcast("eps")
	v.overSlices([]string{"w", "acc", "grad"}, func(s *span) {
		grad := s.load("grad")
		acc := v.add(s.load("acc"), v.mul(grad, grad))
		s.store("acc", acc)
		s.store("w", v.sub(s.load("w"), v.div(v.mul(lr, grad), v.add(v.sqrt(acc), eps))))
	})
}

func (v *isa) ftrl() {
	v.function("ftrl", "func(w, z, n, grad []float32, lr, l1, l2, beta float32)", "updates w, z and n by FTRL-Proximal.")
	lr, l1, l2, beta := v.broadcast("lr"), v.broadcast("l1"), v.broadcast("l2"), v.broadcast("beta")
	v.overSlices([]string{"w", "z", "n", "grad"}, func(s *span) {
		grad, n := s.load("grad"), s.load("n")
		before := v.sqrt(n)
		n = v.add(n, v.mul(grad, grad))
		s.store("n", n)
		after := v.sqrt(n)
		sigma := v.div(v.sub(after, before), lr)
		z := v.sub(v.add(s.load("z"), grad), v.mul(sigma, s.load("w")))
		s.store("z", z)
		s.store("w", v.ftrlWeight(z, after, lr, l1, l2, beta))
	})
}

func (v *isa) ftrlWeight(z, root, lr, l1, l2, beta reg.Register) reg.VecVirtual {
	threshold := v.withSign(v.abs(l1), z)
	w := v.div(v.sub(threshold, z), v.add(v.div(v.add(beta, root), lr), l2))
	return v.choose(v.compare(lessEqual, v.abs(z), l1), v.float(0), w)
}
