package kernel

import (
	"fmt"
	"math"
	"testing"
	"time"
)

func benchEachKernel(b *testing.B, f func(b *testing.B)) {
	before := Name()
	defer mustSelect(b, before)
	for _, name := range Available() {
		b.Run(name, func(b *testing.B) {
			mustSelect(b, name)
			f(b)
		})
	}
}

// bestOf runs f in batches of about 50 us and returns the time of one call in the fastest batch, in ns: what the
// processor can do when nothing else runs on it. The ns/op that Go prints is the mean.
func bestOf(b *testing.B, f func()) float64 {
	start := time.Now()
	f()
	calls := max(1, int(50*time.Microsecond/(time.Since(start)+1)))
	best := math.Inf(1)
	for b.Loop() {
		start := time.Now()
		for range calls {
			f()
		}
		best = min(best, float64(time.Since(start))/float64(calls))
	}
	b.ReportMetric(0, "ns/op") // would be that of a batch
	return best
}

func benchGFLOPs(b *testing.B, operations int, f func()) {
	b.ReportMetric(float64(operations)/bestOf(b, f), "GFLOP/s")
}

// BenchmarkPeak is a tile that reads the same cache lines for every k: the multiply-adders alone limit it.
func BenchmarkPeak(b *testing.B) {
	const m, n, k = 24, 48, 5000
	c, x := make([]float32, m*n), make([]float32, n)
	benchEachKernel(b, func(b *testing.B) {
		benchGFLOPs(b, 2*m*n*k, func() {
			active.multiply(product{c: c, ldc: n, a: x, aRow: 1, b: x, m: m, n: n, k: k})
		})
	})
}

func ramp(n int) []float32 {
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(1+i%17) * 0.25 // no zeros, which products leave out
	}
	return x
}

func BenchmarkMulNN(b *testing.B) {
	shapes := [][3]int{{512, 112, 100}, {512, 80, 100}, {512, 48, 70}, {256, 112, 100}, {512, 1024, 1024}, {64, 1024, 1024}, {512, 256, 256}, {512, 512, 256}, {512, 80, 4000}, {512, 100, 27}, {64, 100, 27}, {64, 70, 100}, {64, 34, 50}, {512, 1, 50}}
	benchEachKernel(b, func(b *testing.B) {
		for _, s := range shapes {
			m, n, k := s[0], s[1], s[2]
			x, w, c, bias := ramp(m*k), ramp(k*n), ramp(m*n), ramp(n)
			b.Run(fmt.Sprintf("%dx%dx%d", m, n, k), func(b *testing.B) {
				benchGFLOPs(b, 2*m*n*k, func() {
					MulNN(c, n, x, k, w, n, m, n, k, bias, true)
				})
			})
		}
	})
}

func BenchmarkMulTN(b *testing.B) {
	benchEachKernel(b, func(b *testing.B) {
		for _, s := range [][3]int{{104, 80, 512}, {1024, 1024, 512}, {100, 70, 64}, {27, 100, 64}, {50, 1, 512}} {
			m, n, k := s[0], s[1], s[2]
			x, d, c := ramp(m*k), ramp(k*n), ramp(m*n)
			b.Run(fmt.Sprintf("%dx%dx%d", m, n, k), func(b *testing.B) {
				benchGFLOPs(b, 2*m*n*k, func() {
					MulTN(c, n, x, m, d, n, m, n, k)
				})
			})
		}
	})
}

func BenchmarkMulNT(b *testing.B) {
	benchEachKernel(b, func(b *testing.B) {
		for _, s := range [][3]int{{512, 100, 70}, {64, 100, 70}, {64, 70, 50}, {512, 34, 1}} {
			m, n, k := s[0], s[1], s[2]
			d, w, c, y := ramp(m*k), ramp(k*n), ramp(m*n), ramp(m*n)
			scratch := make([]float32, TransposeScratch(n, k))
			b.Run(fmt.Sprintf("%dx%dx%d", m, n, k), func(b *testing.B) {
				benchGFLOPs(b, 2*m*n*k, func() {
					MulNT(c, n, d, k, w, k, m, n, k, y, n, scratch)
				})
			})
		}
	})
}

func BenchmarkElementwise(b *testing.B) {
	const n = 20000
	x := make([][]float32, 5)
	acc := make([]int64, n)
	functions := []struct {
		name string
		call func()
	}{
		{"Add", func() { Add(x[0], x[1], x[2]) }},
		{"ReLU", func() { ReLU(x[0], x[1]) }},
		{"ReLUMask", func() { ReLUMask(x[0], x[1], x[2]) }},
		{"Exp", func() { Exp(x[0], x[1]) }},
		{"Log", func() { Log(x[0], x[1]) }},
		{"Log1p", func() { Log1p(x[0], x[1]) }},
		{"Sigmoid", func() { Sigmoid(x[0], x[1]) }},
		{"Tanh", func() { Tanh(x[0], x[1]) }},
		{"SigmoidCrossEntropy", func() { SigmoidCrossEntropy(x[0], x[1], x[2], x[3], x[4]) }},
		{"SGD", func() { SGD(x[0], x[1], 0) }},
		{"Momentum", func() { Momentum(x[0], x[1], x[2], 0, 0) }},
		{"Adam", func() { Adam(x[0], x[1], x[2], x[3], 0, 0.5, 0.5, 1, 1, 1) }},
		{"Adagrad", func() { Adagrad(x[0], x[1], x[2], 0, 1) }},
		{"FTRL", func() { FTRL(x[0], x[1], x[2], x[3], 0.1, 1, 1, 1) }},
		{"SumSquares", func() { SumSquares(x[1]) }},
		{"FixedCheck", func() { FixedCheck(x[1], FixedLimit) }},
		{"FixedAdd", func() { FixedAdd(acc, x[1]) }},
		{"FixedSum", func() { FixedSum(acc, false, [][]float32{x[0], x[1], x[2], x[3]}, FixedLimit) }},
		{"FixedMerge", func() { FixedMerge(acc, acc) }},
		{"FixedMean", func() { FixedMean(x[0], acc, 512) }},
		{"SumColumns", func() { SumColumns(x[0][:100], x[1], 100, 200, 100) }},
		{"Transpose", func() { Transpose(x[0], 200, x[1], 100, 200, 100) }},
	}
	benchEachKernel(b, func(b *testing.B) {
		for _, f := range functions {
			b.Run(f.name, func(b *testing.B) {
				for i := range x {
					x[i] = ramp(n)
				}
				b.ReportMetric(bestOf(b, f.call)/n, "ns/element")
			})
		}
	})
}

func BenchmarkGather(b *testing.B) {
	const m, rows = 512, 1000
	for _, n := range []int{1, 8, 100} {
		table, dense, ids := ramp(rows*n), ramp(m*n), make([]int32, m)
		for i := range ids {
			ids[i] = int32(i * 7919 % rows)
		}
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			benchEachKernel(b, func(b *testing.B) {
				b.Run("GatherSum", func(b *testing.B) {
					b.ReportMetric(bestOf(b, func() {
						GatherSum(dense, n, table, func(int) []float32 { return table }, n, ids, 1, []int{0, 0, 0, 0, 0, 0}, m)
					})/(6*m), "ns/id")
				})
				b.Run("ScatterAdd", func(b *testing.B) {
					b.ReportMetric(bestOf(b, func() {
						ScatterAdd(table, n, ids, 1, dense, n, m)
					})/m, "ns/id")
				})
			})
		})
	}
}

// BenchmarkSkip has products of which a share of the factors in a is not zero. Its GFLOP/s count the terms that are
// left, at best the peak.
func BenchmarkSkip(b *testing.B) {
	benchEachKernel(b, func(b *testing.B) {
		for _, s := range [][3]int{{256, 1024, 1024}, {256, 70, 100}, {256, 34, 48}} {
			for _, percent := range []int{50, 10} {
				m, n, k := s[0], s[1], s[2]
				x, terms := thinned(m*k, percent)
				w, c, scratch := ramp(k*n), ramp(m*n), make([]float32, TransposeScratch(n, k))
				run := func(form string, f func()) {
					b.Run(fmt.Sprintf("%s/%dx%dx%d/%d%%", form, m, n, k, percent), func(b *testing.B) { benchGFLOPs(b, 2*terms*n, f) })
				}
				run("NN", func() { MulNN(c, n, x, k, w, n, m, n, k, nil, true) })
				run("NT", func() { MulNT(c, n, x, k, w, k, m, n, k, nil, 0, scratch) })
			}
		}
		for _, s := range [][3]int{{16, 1024, 64}, {64, 1024, 64}, {100, 70, 64}, {70, 48, 64}} {
			for _, percent := range []int{50, 10} {
				m, n, k := s[0], s[1], s[2]
				x, terms := thinned(m*k, percent)
				d, c := ramp(k*(n+32)), ramp(m*n)
				b.Run(fmt.Sprintf("TN/%dx%dx%d/%d%%", m, n, k, percent), func(b *testing.B) {
					benchGFLOPs(b, 2*terms*n, func() { MulTN(c, n, x, m, d, (n+15)&^15+16, m, n, k) })
				})
			}
		}
	})
}

// thinned is a ramp of which so many percent are left, and their number.
func thinned(n, percent int) (x []float32, left int) {
	x = ramp(n)
	state := uint64(1)
	for i := range x {
		x[i]++
		if next(&state)%100 >= uint64(percent) {
			x[i] = 0
		} else {
			left++
		}
	}
	return x, left
}
