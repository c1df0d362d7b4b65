package kernel

// Gradients are averaged in fixed point, where addition is exact and so independent of its order: a gradient is
// rounded to a multiple of 2^-40 once, as int64.

const (
	// FixedScale is the number of fixed-point units in one: 2^40.
	FixedScale = 1 << 40
	// FixedLimit is the largest magnitude that FixedAdd accepts: 2^22, which leaves room for a sign and one carry.
	FixedLimit = 1 << 22
)

// FixedCheck is the index of the first element of x that is NaN, infinite or beyond +-limit; -1 when there is none.
func FixedCheck(x []float32, limit float32) int { return active.fixedCheck(x, limit) }

// FixedAdd adds x to acc in fixed point: acc += x * 2^40 rounded half to even. Elements beyond FixedLimit, infinities
// and NaN have no defined result: FixedCheck finds them. The sums wrap silently, so the caller bounds them.
func FixedAdd(acc []int64, x []float32) { active.fixedAdd(acc[:len(x)], x) }

// FixedSum sums several vectors, one or more, as FixedAdd does: into acc, beginning with what is there if it accumulates.
// It tells whether all their elements are within +-limit, as FixedCheck does; if not, the sums have no defined value.
func FixedSum(acc []int64, accumulate bool, x [][]float32, limit float32) bool {
	for i := range x {
		_ = x[i][:len(acc)]
	}
	return active.fixedSum(acc, accumulate, x, limit)
}

// FixedMean divides fixed-point sums by a weight, which is not zero: dst = float32(float64(acc) * 2^-40 / weight).
func FixedMean(dst []float32, acc []int64, weight float64) {
	active.fixedMean(dst, acc[:len(dst)], weight)
}

// FixedMerge adds one vector of fixed-point sums to another.
func FixedMerge(acc, sums []int64) { active.fixedMerge(acc, sums[:len(acc)]) }
