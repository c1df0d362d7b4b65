package parallel

import (
	"slices"
	"testing"
)

func TestDivideKeepsOrderAndBalance(t *testing.T) {
	for length := range 12 {
		list := make([]int, length)
		for i := range list {
			list[i] = i
		}
		for n := 1; n < 15; n++ {
			parts := Divide(list, n)
			if want := max(1, min(n, length)); len(parts) != want {
				t.Fatalf("%d elements in %d parts, want %d", length, len(parts), want)
			}
			for _, part := range parts {
				if len(part) < length/len(parts) || len(part) > length/len(parts)+1 {
					t.Errorf("%d elements in %d parts: one has %d", length, len(parts), len(part))
				}
			}
			if !slices.Equal(slices.Concat(parts...), list) {
				t.Errorf("%d elements in %d parts are %v", length, n, parts)
			}
		}
	}
}
