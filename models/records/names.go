package records

import "fmt"

// fieldName names a CSV field, from 0, in a message.
func fieldName(i int, columns []string) string {
	if i < len(columns) {
		return fmt.Sprintf("field %d (%s)", i+1, columns[i])
	}
	return fmt.Sprintf("field %d", i+1)
}

// nearest returns the name with the fewest edits from a misspelt one, "" when
// all are too far to be meant.
func nearest(name string, names []string) string {
	best, near := max(len(name)/3, 1)+1, ""
	for _, candidate := range names {
		if d := distance(name, candidate); d < best {
			best, near = d, candidate
		}
	}
	return near
}

// distance is Levenshtein's: the insertions, deletions and substitutions that
// turn a into b, in bytes.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			substituted := diagonal
			if a[i] != b[j] {
				substituted++
			}
			diagonal = row[j+1]
			row[j+1] = min(substituted, row[j]+1, diagonal+1)
		}
	}
	return row[len(b)]
}
