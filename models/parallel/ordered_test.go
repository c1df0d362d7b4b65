package parallel

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
)

// count makes next: the numbers up to n.
func count(n int) func() (int, bool, error) {
	i := 0
	return func() (int, bool, error) {
		i++
		return i, i <= n, nil
	}
}

func TestOrderedKeepsTheOrder(t *testing.T) {
	for _, workers := range []int{1, 2, 7} {
		for _, n := range []int{0, 1, 2, 100} {
			squares := make([]int, n+1)
			var got []int
			err := Ordered(context.Background(), workers, count(n),
				func(i int) error { squares[i] = i * i; return nil },
				func(i int) error { got = append(got, squares[i]); return nil })
			if err != nil || len(got) != n || !slices.IsSorted(got) {
				t.Errorf("%d pieces, %d workers: %v, %v", n, workers, got, err)
			}
		}
	}
}

func TestOrderedEndsWithTheFirstFailure(t *testing.T) {
	failAt := func(stage string, n int) func(int) error {
		return func(i int) error {
			if i >= n {
				return fmt.Errorf("%s %d", stage, i)
			}
			return nil
		}
	}
	never := 1000
	for _, test := range []struct {
		work, use int
		want      string
	}{{5, never, "work 5"}, {never, 5, "use 5"}, {6, 3, "use 3"}, {1, 1, "work 1"}} {
		used := 0
		use := failAt("use", test.use)
		err := Ordered(context.Background(), 3, count(100), failAt("work", test.work), func(i int) error {
			used = i
			return use(i)
		})
		if err == nil || err.Error() != test.want || used > min(test.work, test.use) {
			t.Errorf("work fails at %d, use at %d: %v after using %d", test.work, test.use, err, used)
		}
	}
}

func TestOrderedEndsWithNext(t *testing.T) {
	broken := errors.New("broken")
	next := count(10)
	used := 0
	err := Ordered(context.Background(), 2,
		func() (int, bool, error) {
			i, ok, _ := next()
			if i == 4 {
				return 0, false, broken
			}
			return i, ok, nil
		},
		func(int) error { return nil },
		func(int) error { used++; return nil })
	if err != broken || used != 3 {
		t.Errorf("%v after %d pieces", err, used)
	}
}

func TestOrderedEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	used := 0
	err := Ordered(ctx, 2, count(1000), func(int) error { return nil }, func(int) error {
		used++
		cancel()
		return nil
	})
	if !errors.Is(err, context.Canceled) || used != 1 {
		t.Errorf("%v after %d pieces", err, used)
	}
}
