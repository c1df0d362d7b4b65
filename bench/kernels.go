package main

import (
	"fmt"
	"regexp"

	"github.com/penstock-ml/penstock/models/kernel"
)

// kernelRow is a kernel alone, on one core, against the limit that binds it.
type kernelRow struct {
	name   string
	work   float64 // operations or bytes of a call
	memory bool    // limits it, not the multiply-adders
	unit   string  // "GFLOP/s" or "GB/s"
	// call makes its operands and returns the call.
	call func() func()
}

// kernelResult is a kernel's rate, and its share of the limit: 0 where that is not known.
type kernelResult struct {
	row         *kernelRow
	kernel      string
	rate, share float64
}

// kernelRows are products with a batch of 512 rows, those that a shard of 64 rows of the census model needs, and an
// update that reads and writes memory.
func kernelRows() []kernelRow {
	return []kernelRow{
		forward(512, 112, 100), forward(512, 80, 100), forward(512, 48, 70), weightGradient(104, 80, 512), forward(512, 1024, 1024),
		forward(64, 100, inputs), forward(64, 70, 100), forward(64, 34, 48), weightGradient(100, 70, 64), inputGradient(64, 100, 70),
		adam(beyondCaches / 4),
	}
}

// measureKernels runs the rows that the pattern selects, with every implementation that this machine has.
func (b *bench) measureKernels(selected *regexp.Regexp) error {
	inUse := kernel.Name()
	for _, r := range kernelRows() {
		if !selected.MatchString("kernel " + r.name) {
			continue
		}
		call := r.call()
		for _, name := range kernel.Available() {
			if err := kernel.Select(name); err != nil {
				return err
			}
			result := r.measure(name, call, &b.limits)
			b.say("kernel %s, %s: %s %s", r.name, name, number(result.rate/1e9), r.unit)
			b.kernels = append(b.kernels, result)
		}
		if err := kernel.Select(inUse); err != nil {
			return err
		}
	}
	return nil
}

// measure times the kernel in use. Multiply-adders that limit it are timed in turns with it, so that both find the
// processor alike.
func (r *kernelRow) measure(name string, call func(), l *limits) kernelResult {
	if r.memory {
		rate := r.work / best(call)[0]
		return kernelResult{r, name, rate, rate / l.memory}
	}
	loop, flops := peakLoop(name)
	if loop == nil {
		return kernelResult{row: r, kernel: name, rate: r.work / best(call)[0]}
	}
	rounds := max(1, int(r.work/flops))
	seconds := best(call, func() { loop(rounds) })
	rate, peak := r.work/seconds[0], float64(rounds)*flops/seconds[1]
	return kernelResult{r, name, rate, rate / peak}
}

func product(form string, m, n, k int, call func() func()) kernelRow {
	name := fmt.Sprintf("%s %dx%dx%d", form, m, n, k)
	return kernelRow{name: name, work: float64(2 * m * n * k), unit: "GFLOP/s", call: call}
}

// forward is act(bias + x w) with x [m, k] and w [k, n].
func forward(m, n, k int) kernelRow {
	return product("X·W", m, n, k, func() func() {
		x, w, y, bias := ramp(m*k), ramp(k*n), ramp(m*n), ramp(n)
		return func() { kernel.MulNN(y, n, x, k, w, n, m, n, k, bias, true) }
	})
}

// weightGradient is xT dy with x [k, m] and dy [k, n].
func weightGradient(m, n, k int) kernelRow {
	return product("Xᵀ·dY", m, n, k, func() func() {
		x, dy, dw := ramp(m*k), ramp(k*n), ramp(m*n)
		return func() { kernel.MulTN(dw, n, x, m, dy, n, m, n, k) }
	})
}

// inputGradient is dy wT with dy [m, k] and w [n, k], masked by the inputs [m, n].
func inputGradient(m, n, k int) kernelRow {
	return product("dY·Wᵀ", m, n, k, func() func() {
		dy, w, dx, x := ramp(m*k), ramp(n*k), ramp(m*n), ramp(m*n)
		scratch := make([]float32, kernel.TransposeScratch(n, k))
		return func() { kernel.MulNT(dx, n, dy, k, w, k, m, n, k, x, n, scratch) }
	})
}

// adam reads four numbers a parameter and writes three.
func adam(n int) kernelRow {
	return kernelRow{name: fmt.Sprintf("Adam, %d million parameters", n>>20), work: float64(7 * 4 * n), memory: true, unit: "GB/s", call: func() func() {
		w, m, v, grad := ramp(n), ramp(n), ramp(n), ramp(n)
		return func() { kernel.Adam(w, m, v, grad, 0, 0.5, 0.5, 1, 1, 1) }
	}}
}

// ramp is n small numbers whose sums stay finite.
func ramp(n int) []float32 {
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(1+i%17) * 0.25 // no zeros, which products leave out
	}
	return x
}
