package training

import (
	"cmp"
	"context"
	"math"
	"slices"
	"strings"

	"github.com/penstock-ml/penstock/models/kernel"
	"github.com/penstock-ml/penstock/models/parallel"
	"github.com/penstock-ml/penstock/models/plan"
)

// The averaging is exact: every float32 that a shard contributes is rounded, half to even, to a multiple of 2^-40 and
// summed in int64. Integer addition is associative, so the sum has the same bits whatever the order and grouping.
const (
	resolution = 1.0 / (1 << 40)
	// sumRange bounds the magnitude of a sum over all shards; see shardLimit.
	sumRange = 1 << 22
)

// shardLimit is the largest magnitude that one of count shards may contribute. With it no sum over all shards passes
// 2^22 and no int64 can wrap, in any order of additions, so overflow is found at its source and has a shard's name.
func shardLimit(count int) float32 {
	return float32(sumRange / math.Exp2(math.Ceil(math.Log2(float64(count)))))
}

// Contribution is the exact sum of what some shards give to one round. The zero value is the sum over no shards.
type Contribution struct {
	// Shards is how many shards are in it.
	Shards int64
	// Weight and Loss are the sums of the examples' weights and weighted losses, in multiples of 2^-40.
	Weight, Loss int64
	// Dense are the gradient sums of the dense parameters, [arrangement.Dense], in multiples of 2^-40.
	Dense []int64
	// Sparse has the gradient sums of each sparse parameter.
	Sparse []SparseSum
	// LeftOut are shards that gave nothing, in order of shard.
	LeftOut []Omission

	// compact, unless it is empty, has what is to become Dense without the zeros that gradients leaves out. So sums are
	// passed to an update in the same process.
	compact   []int64
	gradients *plan.Gradients
}

// dense is Dense, made of the compact vector if that has it.
func (c *Contribution) dense() []int64 {
	if len(c.compact) == 0 {
		return c.Dense
	}
	dense := make([]int64, c.gradients.Dense())
	plan.Expand(c.gradients, dense, 0, make([]int64, len(dense)), func(dst []int64, begin int) { copy(dst, c.compact[begin:]) })
	return dense
}

// expand makes Dense whole.
func (c *Contribution) expand() { c.Dense, c.compact = c.dense(), c.compact[:0] }

// mean sets dst to the mean gradient of the dense parameters from one element on. The scratch is as long as dst.
func (c *Contribution) mean(dst []float32, from int, scratch []float32) {
	weight := float(c.Weight)
	if len(c.compact) == 0 {
		kernel.FixedMean(dst, c.Dense[from:][:len(dst)], weight)
		return
	}
	plan.Expand(c.gradients, dst, from, scratch, func(dst []float32, begin int) {
		kernel.FixedMean(dst, c.compact[begin:][:len(dst)], weight)
	})
}

// SparseSum is a sum of gradients over the rows of a table that occurred.
type SparseSum struct {
	// Rows are the indices of the rows, ascending.
	Rows []int32
	// Values are [len(Rows), dim] in multiples of 2^-40.
	Values []int64
}

func fixed(x float64) int64 { return int64(math.RoundToEven(x / resolution)) }
func float(x int64) float64 { return float64(x) * resolution }

// zeros returns n zeros, in the memory of x if it is large enough.
func zeros(x []int64, n int) []int64 {
	if cap(x) < n {
		return make([]int64, n)
	}
	x = x[:n]
	clear(x)
	return x
}

// Merge adds other, which is not changed and keeps its memory.
func (c *Contribution) Merge(other *Contribution) {
	if c.Shards == 0 && other.Shards > 0 {
		c.Dense = append(c.Dense[:0], other.dense()...)
		c.Sparse = slices.Clone(other.Sparse)
		c.mergeCounts(other)
		return
	}
	c.Absorb(other)
}

// Absorb adds other, which nobody reads any more: where c is empty, the two exchange their memory.
func (c *Contribution) Absorb(other *Contribution) { c.absorb(other, 1) }

// absorb is Absorb on so many cores.
func (c *Contribution) absorb(other *Contribution, cores int) {
	switch {
	case other.Shards == 0:
	case c.Shards == 0:
		c.Dense, other.Dense, c.Sparse = other.Dense, c.Dense, other.Sparse
		c.compact, other.compact, c.gradients, other.gradients = other.compact, c.compact, other.gradients, c.gradients
	default:
		c.mergeSums(other, cores)
	}
	c.mergeCounts(other)
}

// mergeSums adds the sums of other, on so many cores. Both have some.
func (c *Contribution) mergeSums(other *Contribution, cores int) {
	c.expand()
	sums := other.dense()
	// Neither the context nor the work fails.
	_ = parallel.Each(context.Background(), cores, func(_, i int) error {
		from, to := i*len(c.Dense)/cores, (i+1)*len(c.Dense)/cores
		kernel.FixedMerge(c.Dense[from:to], sums[from:to])
		return nil
	})
	for i := range c.Sparse {
		c.Sparse[i].merge(other.Sparse[i])
	}
}

func (c *Contribution) mergeCounts(other *Contribution) {
	c.Shards += other.Shards
	c.Weight += other.Weight
	c.Loss += other.Loss
	c.LeftOut = append(c.LeftOut, other.LeftOut...)
	c.sortLeftOut()
}

func (c *Contribution) sortLeftOut() {
	slices.SortFunc(c.LeftOut, func(a, b Omission) int {
		return cmp.Or(cmp.Compare(a.Shard, b.Shard), strings.Compare(a.Reason, b.Reason))
	})
}

// merge makes s the sum of s and o, in new memory where both have rows.
func (s *SparseSum) merge(o SparseSum) {
	switch {
	case len(o.Rows) == 0:
		return
	case len(s.Rows) == 0:
		*s = o
		return
	}
	dim := len(o.Values) / len(o.Rows)
	merged := SparseSum{Rows: make([]int32, 0, len(s.Rows)+len(o.Rows)), Values: make([]int64, 0, len(s.Values)+len(o.Values))}
	a, b := 0, 0
	for a < len(s.Rows) || b < len(o.Rows) {
		switch {
		case b == len(o.Rows) || a < len(s.Rows) && s.Rows[a] < o.Rows[b]:
			merged.append(s.Rows[a], s.Values[a*dim:(a+1)*dim])
			a++
		case a == len(s.Rows) || o.Rows[b] < s.Rows[a]:
			merged.append(o.Rows[b], o.Values[b*dim:(b+1)*dim])
			b++
		default:
			merged.append(s.Rows[a], s.Values[a*dim:(a+1)*dim])
			last := merged.Values[len(merged.Values)-dim:]
			for i, v := range o.Values[b*dim : (b+1)*dim] {
				last[i] += v
			}
			a, b = a+1, b+1
		}
	}
	*s = merged
}

func (s *SparseSum) append(row int32, values []int64) {
	s.Rows = append(s.Rows, row)
	s.Values = append(s.Values, values...)
}
