package parallel

import (
	"context"
	"sync"
)

// Ordered passes pieces through three stages that run at the same time: next makes one after the other, until it says
// that there are no more; work is called for each, on so many goroutines; and use is called for each in the order of
// next, on the caller's goroutine. At most workers+2 pieces are between next and the end of use. The first failure in
// that order ends everything and is returned.
func Ordered[T any](ctx context.Context, workers int, next func() (piece T, ok bool, err error), work, use func(T) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	line := &line[T]{order: make(chan *ticket[T], workers), jobs: make(chan *ticket[T])}
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() { line.work(work) })
	}
	wg.Go(func() { line.produce(ctx, next) })
	defer wg.Wait()
	for t := range line.order {
		err := <-t.done
		if err == nil && ctx.Err() == nil {
			err = use(t.piece)
		}
		if err != nil {
			cancel(err) // the first cause stays; what is in the line is dropped
		}
	}
	return context.Cause(ctx)
}

// line is what the stages share: every ticket goes to order, and then to jobs.
type line[T any] struct {
	order, jobs chan *ticket[T]
}

type ticket[T any] struct {
	piece T
	done  chan error // of one: the worker never waits
}

func (l *line[T]) produce(ctx context.Context, next func() (T, bool, error)) {
	defer close(l.order)
	defer close(l.jobs)
	for ctx.Err() == nil {
		piece, ok, err := next()
		if !ok && err == nil {
			return
		}
		t := &ticket[T]{piece, make(chan error, 1)}
		l.order <- t
		if err != nil {
			t.done <- err
			return
		}
		l.jobs <- t
	}
}

func (l *line[T]) work(work func(T) error) {
	for t := range l.jobs {
		t.done <- work(t.piece)
	}
}
