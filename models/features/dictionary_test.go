package features

import (
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// Texts of all lengths, many of which differ in one byte alone, are numbered as by a map.
func TestDictionaryNumbersAsAMapDoes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.OneOf(
			rapid.StringN(0, 40, 60),
			rapid.Map(rapid.IntRange(0, 60), func(n int) string { return strings.Repeat("a", n) }),
			rapid.Map(rapid.IntRange(0, 60), func(n int) string { return strings.Repeat("a", n) + "b" + strings.Repeat("a", 60-n) }),
		)
		got, want := newDictionary(), map[string]int32{}
		for _, s := range rapid.SliceOfN(text, 0, 200).Draw(t, "texts") {
			number, known := want[s]
			if !known {
				number = -1
			}
			if found := got.find([]byte(s)); found != number {
				t.Fatalf("%q is found as %d, want %d", s, found, number)
			}
			if !known {
				want[s] = int32(len(want))
			}
			if added := got.add(s); added != want[s] || got.texts[added] != s {
				t.Fatalf("%q is added as %d, want %d", s, added, want[s])
			}
		}
		for s, number := range want {
			if found := got.find([]byte(s)); found != number {
				t.Fatalf("%q is found as %d in the end, want %d", s, found, number)
			}
		}
	})
}
