// Package parallel spreads independent pieces of work over the cores of one process.
//
// Beam's direct runner is a single goroutine, so a DoFn that wants both cores has to use them itself: it calls [Each]
// on what its element holds and emits afterwards, from the goroutine that Beam called it on.
package parallel

import (
	"context"
	"runtime"
	"sync"
	"sync/atomic"
)

// Workers is how many goroutines [Each] uses for n pieces: at most one a core.
func Workers(n int) int { return max(1, min(n, runtime.GOMAXPROCS(0))) }

// Each calls work for every piece in [0, n), on Workers(n) goroutines at a time. worker, in [0, Workers(n)), tells work
// whose scratch memory it may use. After a failure or when ctx ends no further piece is begun; of several failures the
// one of the lowest piece is returned, so that what is reported does not depend on timing more than it must.
func Each(ctx context.Context, n int, work func(worker, piece int) error) error {
	workers := Workers(n)
	errs := make([]error, n)
	var next atomic.Int64
	var failed atomic.Bool
	loop := func(worker int) {
		for !failed.Load() && ctx.Err() == nil {
			piece := int(next.Add(1)) - 1
			if piece >= n {
				return
			}
			if errs[piece] = work(worker, piece); errs[piece] != nil {
				failed.Store(true)
			}
		}
	}
	var wg sync.WaitGroup
	for worker := 1; worker < workers; worker++ {
		wg.Go(func() { loop(worker) })
	}
	loop(0)
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return ctx.Err()
}
