// Package parallel spreads independent pieces of work over the cores of one process.
//
// Beam's direct runner is a single goroutine, so a DoFn that wants both cores has to use them itself: it calls [Each]
// on what its element holds and emits afterwards, from the goroutine that Beam called it on.
package parallel

import (
	"context"
	"runtime"
	"sync/atomic"
)

// Workers is how many goroutines [Each] uses for n pieces: at most one a core.
func Workers(n int) int { return max(1, min(n, runtime.GOMAXPROCS(0))) }

// Each calls work for every piece in [0, n), on Workers(n) goroutines at a time. worker, in [0, Workers(n)), tells work
// whose scratch memory it may use. After a failure or when ctx ends no further piece is begun; of several failures the
// one of the lowest piece is returned, so that what is reported does not depend on timing more than it must.
func Each(ctx context.Context, n int, work func(worker, piece int) error) error {
	c := &call{ctx: ctx, work: work, errs: make([]error, n)}
	helpers := hire(Workers(n) - 1)
	c.pending.count.Store(int32(len(helpers)))
	c.pending.group.Add(len(helpers))
	for i, h := range helpers {
		h.start(&task{do: c.loop, worker: i + 1, pending: &c.pending})
	}
	c.loop(0)
	c.pending.wait()
	dismiss(helpers)
	for _, err := range c.errs {
		if err != nil {
			return err
		}
	}
	return ctx.Err()
}

// call is one call of Each.
type call struct {
	ctx     context.Context
	work    func(worker, piece int) error
	errs    []error // by piece
	next    atomic.Int64
	failed  atomic.Bool
	pending pending
}

// loop does pieces until there are no more.
func (c *call) loop(worker int) {
	for !c.failed.Load() && c.ctx.Err() == nil {
		piece := int(c.next.Add(1)) - 1
		if piece >= len(c.errs) {
			return
		}
		if c.errs[piece] = c.work(worker, piece); c.errs[piece] != nil {
			c.failed.Store(true)
		}
	}
}

// InTurn is Each on the caller's goroutine alone, for work that is a part of a piece already.
func InTurn(ctx context.Context, n int, work func(worker, piece int) error) error {
	for piece := range n {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := work(0, piece); err != nil {
			return err
		}
	}
	return ctx.Err()
}
