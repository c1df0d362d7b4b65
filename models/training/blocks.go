package training

import (
	"context"
	"slices"
	"sort"

	"github.com/penstock-ml/penstock/models/kernel"
	"github.com/penstock-ml/penstock/models/parallel"
)

// An update goes over the dense parameters block by block, so that a block's sums, mean, weights and slots are in the
// cache together; the blocks are those in which kernel.SumSquares sums, so the norm has the same bits whoever sums them.
const (
	updateBlock = kernel.SumSquaresBlock
	// mostPieceBlocks is how many blocks a core takes at a time where there are many.
	mostPieceBlocks = 8
)

// update is one call of ParameterShard.apply or Measure.
type update struct {
	*ParameterShard
	state, next *State // may be the same
	total       *Contribution
	step        int64   // that it ends
	factor      float64 // of the learning rates
	weight      float64 // sum of the examples' weights
	scale       float32 // of the gradient, when it is clipped

	scratch *updateScratch
	tables  [][]float32 // mean gradients of the sparse parameters
}

// updateScratch is memory that updates use again.
type updateScratch struct {
	squares []float64 // by block
	workers []updateWorker
}

type updateWorker struct {
	mean  []float32   // of one block
	rest  []float32   // for who computes that
	slots [][]float32 // of one stretch of a parameter
}

// begin starts an update, to be ended.
func (p *ParameterShard) begin(state, next *State, total *Contribution, log *StepLog) *update {
	u := &update{ParameterShard: p, state: state, next: next, total: total, step: log.Step, factor: log.RateFactor, weight: log.Examples, scale: 1}
	var ok bool
	if u.scratch, ok = p.pool.updates.take(); !ok {
		u.scratch = p.newScratch()
	}
	for _, s := range u.total.Sparse {
		mean := make([]float32, len(s.Values))
		kernel.FixedMean(mean, s.Values, u.weight)
		u.tables = append(u.tables, mean)
	}
	return u
}

func (u *update) end() { u.pool.updates.put(u.scratch) }

// newScratch makes memory for updates of the part's parameters.
func (p *ParameterShard) newScratch() *updateScratch {
	blocks := (p.dense + updateBlock - 1) / updateBlock
	s := &updateScratch{squares: make([]float64, blocks), workers: make([]updateWorker, parallel.Workers(blocks))}
	for i := range s.workers {
		s.workers[i].mean, s.workers[i].rest = make([]float32, updateBlock), make([]float32, updateBlock)
	}
	return s
}

// eachBlock calls do for every block, on all cores where there are many. Of few blocks each core takes the same ones in
// each round, those whose weights and slots are in its cache.
func (u *update) eachBlock(do func(worker, block int)) {
	blocks, workers := len(u.scratch.squares), len(u.scratch.workers)
	pieces := min(blocks, workers)
	if blocks > 2*workers*mostPieceBlocks {
		pieces = blocks / mostPieceBlocks
	}
	if parallel.Workers(pieces) > workers { // more cores than when the memory was made
		pieces = min(blocks, 1)
	}
	// Neither the context nor the work fails.
	_ = parallel.Each(context.Background(), pieces, func(worker, piece int) error {
		for block := piece * blocks / pieces; block < (piece+1)*blocks/pieces; block++ {
			do(worker, block)
		}
		return nil
	})
}

// bounds are the dense elements of a block.
func (u *update) bounds(block int) (from, to int) {
	return block * updateBlock, min((block+1)*updateBlock, u.dense)
}

// gradient computes a block's mean gradient, before it is clipped.
func (u *update) gradient(worker, block int) []float32 {
	from, to := u.bounds(block)
	w := &u.scratch.workers[worker]
	mean := w.mean[:to-from]
	u.total.mean(mean, from, w.rest[:to-from])
	return mean
}

// measure computes a block's mean gradient and its sum of squares.
func (u *update) measure(worker, block int) {
	u.scratch.squares[block] = kernel.SumSquares(u.gradient(worker, block))
}

// measured are the squares of the mean gradient, once all blocks are measured.
func (u *update) measured() *Measure {
	m := &Measure{}
	for block, squares := range u.scratch.squares {
		m.add(u.firstBlock+block, squares)
	}
	tables := 0
	for i := range u.rules {
		if r := &u.rules[i]; r.param.Sparse {
			u.measureTable(m, r, tables)
			tables++
		}
	}
	return m
}

// measureTable adds the squares of a table's gradient, by groups of its rows.
func (u *update) measureTable(m *Measure, r *rule, table int) {
	rows, mean, dim := u.total.Sparse[table].Rows, u.tables[table], r.param.Shape[1]
	for group := u.firstGroup; group < u.endGroup; group++ {
		end, _ := slices.BinarySearch(rows, int32(r.firstRow(group+1)-r.firstRow(u.firstGroup)))
		m.add(r.firstCell+group, kernel.SumSquares(mean[:end*dim]))
		rows, mean = rows[end:], mean[end*dim:]
	}
}

// change updates a block by the gradient that the worker has computed for it.
func (u *update) change(worker, block int) {
	w := &u.scratch.workers[worker]
	from, to := u.bounds(block)
	mean := w.mean[:to-from]
	if u.scale != 1 {
		kernel.Scale(mean, mean, u.scale)
	}
	first := sort.Search(len(u.rules), func(i int) bool { return u.rules[i].end() > from })
	for i := first; i < len(u.rules) && u.rules[i].param.Offset < to; i++ {
		r := &u.rules[i]
		begin, end := max(from, r.param.Offset), min(to, r.end())
		u.changeStretch(r, w, begin, end, mean[begin-from:end-from])
	}
}

// carry copies a part of the state to the next, where that has memory of its own.
func (u *update) carry(next, state []float32) {
	if u.next != u.state {
		copy(next, state)
	}
}

// changeStretch updates the dense elements [from, to), all of one parameter.
func (u *update) changeStretch(r *rule, w *updateWorker, from, to int, gradient []float32) {
	weights := u.next.Weights[from:to]
	u.carry(weights, u.state.Weights[from:])
	w.slots = w.slots[:0]
	for i := range r.optimizer.Slots() {
		at := r.slot + i*r.size + from - r.param.Offset
		slot := u.next.Slots[at : at+to-from]
		u.carry(slot, u.state.Slots[at:])
		w.slots = append(w.slots, slot)
	}
	r.optimizer.Apply(u.step, u.factor, weights, w.slots, gradient)
}

// changeTables updates the rows of the sparse parameters that occurred.
func (u *update) changeTables() {
	tables := 0
	for i := range u.rules {
		r := &u.rules[i]
		if !r.param.Sparse {
			continue
		}
		u.carry(r.weightsOf(u.next.Weights), r.weightsOf(u.state.Weights))
		slots := u.next.Slots[r.slot : r.slot+r.optimizer.Slots()*r.size]
		u.carry(slots, u.state.Slots[r.slot:])
		if u.scale != 1 {
			kernel.Scale(u.tables[tables], u.tables[tables], u.scale)
		}
		r.applyRows(u.step, u.factor, r.weightsOf(u.next.Weights), r.slotsOf(u.next.Slots), u.total.Sparse[tables].Rows, u.tables[tables])
		tables++
	}
}
