package parallel

// Divide cuts list into n runs whose lengths differ by one at most; into fewer when there are fewer elements, and into
// one when there are none.
func Divide[T any](list []T, n int) [][]T {
	n = max(1, min(n, len(list)))
	parts := make([][]T, n)
	for i := range parts {
		parts[i] = list[i*len(list)/n : (i+1)*len(list)/n]
	}
	return parts
}
