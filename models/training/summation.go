package training

import (
	"context"
	"math"
	"slices"
	"sync/atomic"

	"github.com/penstock-ml/penstock/models/kernel"
	"github.com/penstock-ml/penstock/models/plan"
)

// summation computes the gradients of shards whose plans have run and adds them up. Its tasks are blocks of the dense
// parameters and the tables: one core computes a block of some shards' gradients and adds them all while they are in its
// caches. So whole gradients are never written to memory.
type summation struct {
	contribution *Contribution
	limit        float32
	shards       []*summand
	plans        []*plan.Groups
	gradients    *plan.Gradients
	blocks       []*blockScratch // by worker
	spread       spread
}

// takeBlocks returns memory for a summation by so many workers, which each makes what it needs of.
func (t *Trainer) takeBlocks(workers int) []*blockScratch {
	blocks, _ := t.pool.blocks.take()
	return append(blocks, make([]*blockScratch, max(0, workers-len(blocks)))...)
}

// spread calls work for n pieces, as parallel.Each does.
type spread = func(ctx context.Context, n int, work func(worker, piece int) error) error

// mostTogether is how many shards' gradients are added at once.
const mostTogether = 8

// blockScratch is memory for a block of some shards' gradients.
type blockScratch struct {
	values [mostTogether][]float32
	used   [mostTogether][]float32 // the part of each that this block has
	sums   []int64
	rest   []float32 // for who computes them
}

// scratchOf is the worker's memory, made when it is needed first.
func scratchOf(blocks []*blockScratch, worker int, g *plan.Gradients) *blockScratch {
	if blocks[worker] == nil {
		blocks[worker] = newBlockScratch(g)
	}
	return blocks[worker]
}

func newBlockScratch(g *plan.Gradients) *blockScratch {
	n := g.LongestBlock()
	s := &blockScratch{sums: make([]int64, n), rest: make([]float32, g.Scratch())}
	for i := range s.values {
		s.values[i] = make([]float32, n)
	}
	return s
}

// summand is one shard.
type summand struct {
	shard        int
	plan         int
	group        int // in the plan
	loss, weight float64
	dense, table atomic.Bool // a gradient is out of range
}

// spanBlocks bounds a task. Blocks that follow each other need the same columns of a layer's gradient, which stay in the
// cache within a task; smaller tasks are shared more evenly.
const spanBlocks = 8

func (t *Trainer) newSummation(pieces [][]Shard, plans []*plan.Groups, total *Contribution, blocks []*blockScratch, spread spread) *summation {
	s := &summation{contribution: total, limit: shardLimit(t.job.Shards), plans: plans, gradients: total.gradients, blocks: blocks, spread: spread}
	for i, piece := range pieces {
		for group, shard := range piece {
			rows := t.group(plans[i], group)
			s.shards = append(s.shards, &summand{shard: shard.Index, plan: i, group: group, loss: sum(plans[i].Losses(group)), weight: sum(rows.Weights)})
		}
	}
	return s
}

// run adds all shards up, and again without those that turn out to have a number out of range: they are left out whole.
func (s *summation) run(ctx context.Context) error {
	if err := s.take(ctx); err != nil {
		return err
	}
	s.leaveOut()
	for len(s.shards) > 0 {
		if err := s.addUp(ctx); err != nil {
			return err
		}
		if !s.leaveOut() {
			break
		}
	}
	c := s.contribution
	if len(s.shards) == 0 {
		c.Dense, c.compact, c.Sparse = c.Dense[:0], c.compact[:0], nil
	}
	for _, shard := range s.shards {
		c.Shards++
		c.Loss += fixed(shard.loss)
		c.Weight += fixed(shard.weight)
	}
	c.sortLeftOut()
	return nil
}

// take readies the gradients.
func (s *summation) take(ctx context.Context) error {
	if !s.gradients.Take(s.plans) {
		return nil
	}
	return s.spread(ctx, len(s.plans), func(_, i int) error {
		s.gradients.Keep(i)
		return nil
	})
}

// leaveOut drops the shards of which a number is known to be out of range. It tells whether there were any.
func (s *summation) leaveOut() bool {
	before := len(s.shards)
	s.shards = slices.DeleteFunc(s.shards, func(x *summand) bool {
		reason := x.outOfRange(s.limit)
		if reason != "" {
			s.contribution.LeftOut = append(s.contribution.LeftOut, Omission{Shard: x.shard, Reason: reason})
		}
		return reason != ""
	})
	return len(s.shards) < before
}

// outOfRange says what is wrong with a shard's numbers as far as they are known, or nothing.
func (x *summand) outOfRange(limit float32) string {
	switch {
	case math.IsNaN(x.loss) || math.IsInf(x.loss, 0):
		return "its loss is not finite"
	case math.Abs(x.loss) > float64(limit):
		return "its loss is beyond the range of exact sums"
	case x.dense.Load():
		return "its gradient is not finite or beyond the range of exact sums"
	case x.table.Load():
		return "its gradient of a table is not finite or beyond the range of exact sums"
	}
	return ""
}

// addUp computes the sums of the shards' gradients.
func (s *summation) addUp(ctx context.Context) error {
	blocks := len(s.gradients.Blocks())
	span := max(1, min(blocks/16, spanBlocks))
	spans := (blocks + span - 1) / span
	tables := s.plans[0].Tables() // first, as they take longest
	sums := s.sums()
	s.contribution.Sparse = make([]SparseSum, tables)
	return s.spread(ctx, tables+spans, func(worker, task int) error {
		if task < tables {
			s.addTable(task)
			return nil
		}
		scratch := scratchOf(s.blocks, worker, s.gradients)
		task -= tables
		for block := task * span; block < min((task+1)*span, blocks); block++ {
			s.addBlock(sums, block, scratch)
		}
		return nil
	})
}

// sums is memory for the sums: the contribution's Dense, or its compact vector where gradients have zeros to leave out.
func (s *summation) sums() []int64 {
	c, n := s.contribution, s.gradients.Compact()
	if n == s.gradients.Dense() {
		c.Dense = slices.Grow(c.Dense[:0], n)[:n]
		return c.Dense
	}
	c.compact = slices.Grow(c.compact[:0], n)[:n]
	return c.compact
}

// addBlock adds a block of all shards' gradients up.
func (s *summation) addBlock(to []int64, block int, scratch *blockScratch) {
	length := s.gradients.Blocks()[block].Len
	sums := scratch.sums[:length]
	for from := 0; from < len(s.shards); from += mostTogether {
		shards := s.shards[from:min(from+mostTogether, len(s.shards))]
		values := scratch.used[:len(shards)]
		for i, shard := range shards {
			values[i] = scratch.values[i][:length]
			s.gradients.Reduce(values[i], block, shard.plan, shard.group, scratch.rest)
		}
		if !kernel.FixedSum(sums, from > 0, values, s.limit) {
			s.blame(shards, values)
		}
	}
	plan.Place(s.gradients, to, block, sums)
}

// blame marks the shards that have values out of range.
func (s *summation) blame(shards []*summand, values [][]float32) {
	for i, shard := range shards {
		if kernel.FixedCheck(values[i], s.limit) >= 0 {
			shard.dense.Store(true)
		}
	}
}

// addTable adds all shards' gradients of a sparse parameter up.
func (s *summation) addTable(table int) {
	total := &s.contribution.Sparse[table]
	for _, shard := range s.shards {
		g := s.plans[shard.plan].Sparse(shard.group, table)
		if kernel.FixedCheck(g.Values, s.limit) >= 0 {
			shard.table.Store(true)
			continue
		}
		values := make([]int64, len(g.Values))
		kernel.FixedAdd(values, g.Values)
		total.merge(SparseSum{Rows: slices.Clone(g.Rows), Values: values})
	}
}

// sum adds in float64, in order: a shard's rows have one order, so this has one result.
func sum(x []float32) float64 {
	total := 0.0
	for _, v := range x {
		total += float64(v)
	}
	return total
}
