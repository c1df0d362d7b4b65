package main

import (
	"math"
	"os"
	"runtime"
	"strings"
	"sync"
	"time"

	"github.com/penstock-ml/penstock/models/kernel"
)

// limits are what the processor can do, as measured.
type limits struct {
	peak      map[string]float64 // float32 operations a second of one core, by kernel; absent: not known
	peakAll   float64            // of all cores at once, with the kernel in use; 0: not known
	memory    float64            // bytes a second between one core and memory, read and written
	memoryAll float64            // the same of all cores
}

// beyondCaches is the number of floats that no cache holds.
const beyondCaches = 64 << 20

func measureLimits(cores int) limits {
	l := limits{peak: map[string]float64{}}
	const few, many = 20_000, 1_000_000 // rounds: many outlast the start of goroutines
	for _, name := range kernel.Available() {
		if loop, flops := peakLoop(name); loop != nil {
			l.peak[name] = few * flops / best(func() { loop(few) })[0]
		}
	}
	if loop, flops := peakLoop(kernel.Name()); loop != nil {
		l.peakAll = float64(cores) * many * flops / best(func() { together(cores, func(int) { loop(many) }) })[0]
	}
	l.memory, l.memoryAll = memoryRate(1), memoryRate(cores)
	return l
}

// memoryRate is the bytes a second that so many cores read and write at once: the most of reading, of changing one
// array in place, and of adding one to another.
func memoryRate(cores int) float64 {
	x, y := make([]float32, beyondCaches), make([]float32, beyondCaches)
	loops := []struct {
		bytes float64 // an element
		run   func(x, y []float32)
	}{
		{4, func(x, _ []float32) { kernel.SumSquares(x) }},
		{8, func(x, _ []float32) { kernel.Scale(x, x, 1) }},
		{12, func(x, y []float32) { kernel.Add(x, x, y) }},
	}
	most := 0.0
	for _, l := range loops {
		seconds := best(func() {
			together(cores, func(core int) {
				from, to := core*beyondCaches/cores, (core+1)*beyondCaches/cores
				l.run(x[from:to], y[from:to])
			})
		})[0]
		most = max(most, l.bytes*beyondCaches/seconds)
	}
	return most
}

// together runs f on all cores at once.
func together(cores int, f func(core int)) {
	var group sync.WaitGroup
	for core := range cores {
		group.Go(func() { f(core) })
	}
	group.Wait()
}

// best is the seconds of each function in the fastest of many runs, made in turns: what the processor can do when nothing
// else runs on it.
func best(functions ...func()) []float64 {
	least := make([]float64, len(functions))
	for i, f := range functions {
		f() // warms caches and clocks
		least[i] = math.Inf(1)
	}
	for begin := time.Now(); time.Since(begin) < time.Duration(len(functions))*300*time.Millisecond; {
		for i, f := range functions {
			start := time.Now()
			f()
			least[i] = min(least[i], time.Since(start).Seconds())
		}
	}
	return least
}

// processor is its model as Linux names it.
func processor() string {
	text, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return runtime.GOARCH
	}
	return modelName(string(text))
}

// modelName finds the first "model name : ..." of /proc/cpuinfo.
func modelName(cpuinfo string) string {
	for line := range strings.Lines(cpuinfo) {
		if key, value, found := strings.Cut(line, ":"); found && strings.TrimSpace(key) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return runtime.GOARCH
}
