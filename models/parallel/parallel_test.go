package parallel

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
)

func TestEachDoesEveryPieceOnce(t *testing.T) {
	for _, n := range []int{0, 1, 2, 100} {
		done := make([]atomic.Int32, n)
		err := Each(context.Background(), n, func(worker, piece int) error {
			if worker < 0 || worker >= Workers(n) {
				return fmt.Errorf("worker %d of %d", worker, Workers(n))
			}
			done[piece].Add(1)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		for i := range done {
			if done[i].Load() != 1 {
				t.Errorf("of %d pieces, piece %d was done %d times", n, i, done[i].Load())
			}
		}
	}
}

func TestEachReturnsTheFailure(t *testing.T) {
	want := errors.New("piece 3")
	err := Each(context.Background(), 10, func(_, piece int) error {
		if piece == 3 {
			return want
		}
		return nil
	})
	if !errors.Is(err, want) {
		t.Errorf("got %v, want %v", err, want)
	}
}

func TestEachStopsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	var begun atomic.Int32
	err := Each(ctx, 1000, func(_, _ int) error {
		begun.Add(1)
		cancel()
		return nil
	})
	if !errors.Is(err, context.Canceled) || begun.Load() > int32(Workers(1000)) {
		t.Errorf("got %v after %d pieces, want context.Canceled and no piece begun after it", err, begun.Load())
	}
}
