package training

import (
	"context"
	"math"
	"slices"
	"sync/atomic"

	"github.com/penstock-ml/penstock/models/kernel"
	"github.com/penstock-ml/penstock/models/parallel"
	"github.com/penstock-ml/penstock/models/plan"
)

// summation computes the gradients of shards whose plans have run and adds them up. Its tasks are blocks of the dense
// parameters and the tables: one core computes a block of some shards' gradients and adds them all while they are in its
// caches. So neither whole gradients nor sums by core are ever written to memory.
type summation struct {
	contribution *Contribution
	limit        float32
	shards       []*summand
	blocks       []plan.Block
	span         int // blocks a task
	scratch      *freeList[*blockScratch]
}

// mostTogether is how many shards' gradients are added at once.
const mostTogether = 8

// blockScratch is memory for a block of some shards' gradients.
type blockScratch struct {
	values [mostTogether][]float32
	runs   [mostTogether][]float32 // a run of each
	rest   []float32               // for who computes them
}

func newBlockScratch(p *plan.Groups) *blockScratch {
	s := &blockScratch{rest: make([]float32, p.Scratch())}
	for i := range s.values {
		s.values[i] = make([]float32, p.LongestBlock())
	}
	return s
}

// summand is one shard.
type summand struct {
	shard        int
	plan         *plan.Groups
	group        int // in the plan
	loss, weight float64
	dense, table atomic.Bool // a gradient is out of range
}

// spanFloats bounds a task. Blocks that follow each other need the same columns of a layer's gradient, which stay in the
// cache within a task; smaller tasks are shared more evenly.
const spanFloats = 64 << 10

func (t *Trainer) newSummation(pieces [][]Shard, plans []*plan.Groups) *summation {
	s := &summation{contribution: t.newContribution(), limit: shardLimit(t.job.Shards), scratch: &t.pool.gradients}
	for i, piece := range pieces {
		p := plans[i]
		for group, shard := range piece {
			rows := t.group(p, group)
			s.shards = append(s.shards, &summand{shard: shard.Index, plan: p, group: group, loss: sum(p.Losses(group)), weight: sum(rows.Weights)})
		}
	}
	return s
}

// run adds all shards up, and again without those that turn out to have a number out of range: they are left out whole.
func (s *summation) run(ctx context.Context) error {
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
		c.Dense, c.Sparse = c.Dense[:0], nil
	}
	for _, shard := range s.shards {
		c.Shards++
		c.Loss += fixed(shard.loss)
		c.Weight += fixed(shard.weight)
	}
	c.sortLeftOut()
	return nil
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
	first := s.shards[0].plan
	s.blocks = first.Blocks()
	dense := 0
	for i := range s.blocks {
		dense += s.blocks[i].Len
	}
	s.span = max(1, min(len(s.blocks)/16, spanFloats*len(s.blocks)/max(1, dense)))
	spans := (len(s.blocks) + s.span - 1) / s.span
	s.contribution.Dense = slices.Grow(s.contribution.Dense[:0], dense)[:dense]
	s.contribution.Sparse = make([]SparseSum, first.Tables())
	tables := first.Tables() // first, as they take longest
	return parallel.Each(ctx, tables+spans, func(_, task int) error {
		if task < tables {
			s.addTable(task)
			return nil
		}
		task -= tables
		scratch, ok := s.scratch.take()
		if !ok {
			scratch = newBlockScratch(first)
		}
		for block := task * s.span; block < min((task+1)*s.span, len(s.blocks)); block++ {
			s.addBlock(block, scratch)
		}
		s.scratch.put(scratch)
		return nil
	})
}

// addBlock adds a block of all shards' gradients up.
func (s *summation) addBlock(block int, scratch *blockScratch) {
	b := &s.blocks[block]
	for from := 0; from < len(s.shards); from += mostTogether {
		shards := s.shards[from:min(from+mostTogether, len(s.shards))]
		for i, shard := range shards {
			shard.plan.Reduce(scratch.values[i], block, shard.group, scratch.rest)
		}
		within := true
		for _, r := range b.Runs {
			for i := range shards {
				scratch.runs[i] = scratch.values[i][r.At:][:r.Len]
			}
			within = kernel.FixedSum(s.contribution.Dense[r.Offset:][:r.Len], from > 0, scratch.runs[:len(shards)], s.limit) && within
		}
		if !within {
			s.blame(shards, b.Len, scratch)
		}
	}
}

// blame marks the shards whose values of a block are out of range.
func (s *summation) blame(shards []*summand, length int, scratch *blockScratch) {
	for i, shard := range shards {
		if kernel.FixedCheck(scratch.values[i][:length], s.limit) >= 0 {
			shard.dense.Store(true)
		}
	}
}

// addTable adds all shards' gradients of a sparse parameter up.
func (s *summation) addTable(table int) {
	total := &s.contribution.Sparse[table]
	for _, shard := range s.shards {
		g := shard.plan.Sparse(shard.group, table)
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
