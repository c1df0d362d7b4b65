package spec

import "fmt"

// Nearest returns the candidate that a misspelt name most likely means: the one
// that the fewest insertions, deletions, substitutions and swaps of neighbours
// lead to, if these change at most a third of the name. The first of equals wins.
func Nearest(name string, candidates []string) (string, bool) {
	best, found := max(1, len(name)/3)+1, ""
	for _, c := range candidates {
		if d := distance(name, c); d < best && d < len(c) {
			best, found = d, c
		}
	}
	return found, found != ""
}

// DidYouMean is the end of a complaint about a misspelt name: a suggestion if
// one is near, nothing otherwise.
func DidYouMean(name string, candidates []string) string {
	if near, ok := Nearest(name, candidates); ok {
		return fmt.Sprintf("; did you mean %q?", near)
	}
	return ""
}

// distance is the optimal string alignment distance, in bytes.
func distance(a, b string) int {
	previous, row, next := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		next[0] = i
		for j := 1; j <= len(b); j++ {
			next[j] = min(row[j]+1, next[j-1]+1)
			if a[i-1] == b[j-1] {
				next[j] = min(next[j], row[j-1])
			} else {
				next[j] = min(next[j], row[j-1]+1)
			}
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				next[j] = min(next[j], previous[j-2]+1)
			}
		}
		previous, row, next = row, next, previous
	}
	return row[len(b)]
}
