package kernel

import (
	"fmt"
	"os"
	"strings"
)

// implementation is one set of kernels. Its functions trust their arguments: the exported functions have checked them.
type implementation struct {
	name string

	multiply  func(p product)
	packs     bool                                                       // multiply packs b where the product is large, and only then may b be transposed
	transpose func(dst []float32, ldd int, src []float32, lds, m, n int) // dst[n, m] = src[m, n] transposed

	add, mul            func(dst, a, b []float32)
	scale, axpy         func(dst, a []float32, s float32)
	relu                func(dst, src []float32)
	reluMask            func(dst, dy, y []float32)
	gatherSum           func(dst []float32, ldd int, start []float32, tables []*float32, ids []int32, stride int, columns []int, m int)
	segmentSum          func(dst []float32, n int, words []uint64, rows, depth int, src []float32, lds int)
	copyRows            func(dst []float32, ldd int, src []float32, lds, m, n int)
	largest             func(dst []uint32, src []float32, lds, m int)
	gatherColumns       func(dst []float32, ldd int, src []float32, lds, m int, columns []int32)
	scatterAdd          func(table []float32, n int, ids []int32, stride int, src []float32, lds, m int)
	prefetch            func(x *uint32, n int)
	exp, log, log1p     func(dst, src []float32)
	sigmoid, tanh       func(dst, src []float32)
	sigmoidCrossEntropy func(losses, dlogits, logits, labels, weights []float32)

	sgd        func(w, grad []float32, lr float32)
	momentum   func(w, v, grad []float32, lr, mu float32)
	adam       func(w, m, v, grad []float32, lr, beta1, beta2, eps, correction1, correction2 float32)
	adagrad    func(w, acc, grad []float32, lr, eps float32)
	ftrl       func(w, z, n, grad []float32, lr, l1, l2, beta float32)
	sumSquares func(x []float32) float64 // at most SumSquaresBlock elements

	fixedCheck func(x []float32, limit float32) int
	fixedAdd   func(acc []int64, x []float32)
	fixedSum   func(acc []int64, accumulate bool, x [][]float32, limit float32) bool
	fixedMerge func(acc, sums []int64)
	fixedMean  func(dst []float32, acc []int64, weight float64)
}

// environment is the variable that forces a kernel.
const environment = "PENSTOCK_KERNEL"

var (
	available = append(accelerated(), &portable) // fastest first
	active    = available[0]
	startErr  = selectFromEnvironment()
)

func selectFromEnvironment() error {
	name := os.Getenv(environment)
	if name == "" {
		return nil
	}
	if err := Select(name); err != nil {
		return fmt.Errorf("%s: %w", environment, err)
	}
	return nil
}

// Err reports a PENSTOCK_KERNEL that names no kernel of this machine, nil if it is unset or valid. The fastest kernel
// is in use then, with the same results.
func Err() error { return startErr }

// Name is the kernel in use: "avx512", "avx2" or "portable".
func Name() string { return active.name }

// Available lists the kernels that this machine can run, the fastest first.
func Available() []string {
	names := make([]string, len(available))
	for i, impl := range available {
		names[i] = impl.name
	}
	return names
}

// Select makes the named kernel the one in use. An unknown or unsupported name is an error and changes nothing. It
// must not be called while a kernel runs.
func Select(name string) error {
	for _, impl := range available {
		if impl.name == name {
			active = impl
			return nil
		}
	}
	return fmt.Errorf("kernel %q is not available on this machine: choose one of %s", name, strings.Join(Available(), ", "))
}
