package training

import (
	"context"
	"math"
	"sort"

	"github.com/penstock-ml/penstock/models/kernel"
	"github.com/penstock-ml/penstock/models/parallel"
)

// An update goes over the dense parameters block by block, so that a block's sums, mean, weights and slots are in the
// cache together; the blocks are those in which kernel.SumSquares sums, so the norm has the same bits whoever sums them.
const (
	updateBlock = kernel.SumSquaresBlock
	// pieceBlocks is how many blocks a core takes at a time. Fewer blocks than two pieces are not worth a second core.
	pieceBlocks = 8
)

// update is one call of Trainer.apply.
type update struct {
	*Trainer
	state, next *State
	total       *Contribution
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
	slots [][]float32 // of one stretch of a parameter
}

func (u *update) begin() {
	var ok bool
	if u.scratch, ok = u.pool.updates.take(); !ok {
		u.scratch = u.newScratch()
	}
	for _, s := range u.total.Sparse {
		mean := make([]float32, len(s.Values))
		kernel.FixedMean(mean, s.Values, u.weight)
		u.tables = append(u.tables, mean)
	}
}

// newScratch makes memory for updates of the trainer's parameters.
func (t *Trainer) newScratch() *updateScratch {
	blocks := (t.arrangement.Dense + updateBlock - 1) / updateBlock
	s := &updateScratch{squares: make([]float64, blocks), workers: make([]updateWorker, parallel.Workers(blocks))}
	for i := range s.workers {
		s.workers[i].mean = make([]float32, updateBlock)
	}
	return s
}

// eachBlock calls do for every block, on all cores where there are many.
func (u *update) eachBlock(do func(worker, block int)) {
	blocks := len(u.scratch.squares)
	if blocks < 2*pieceBlocks || len(u.scratch.workers) < parallel.Workers(blocks) {
		for block := range blocks {
			do(0, block)
		}
		return
	}
	pieces := (blocks + pieceBlocks - 1) / pieceBlocks
	// Neither the context nor the work fails.
	_ = parallel.Each(context.Background(), pieces, func(worker, piece int) error {
		for block := piece * pieceBlocks; block < min((piece+1)*pieceBlocks, blocks); block++ {
			do(worker, block)
		}
		return nil
	})
}

// bounds are the dense elements of a block.
func (u *update) bounds(block int) (from, to int) {
	return block * updateBlock, min((block+1)*updateBlock, u.arrangement.Dense)
}

// gradient computes a block's mean gradient, before it is clipped.
func (u *update) gradient(worker, block int) []float32 {
	from, to := u.bounds(block)
	mean := u.scratch.workers[worker].mean[:to-from]
	kernel.FixedMean(mean, u.total.Dense[from:to], u.weight)
	return mean
}

// measure computes a block's mean gradient and its sum of squares.
func (u *update) measure(worker, block int) {
	u.scratch.squares[block] = kernel.SumSquares(u.gradient(worker, block))
}

// norm is the Euclidean norm of the mean gradient, once all blocks are measured.
func (u *update) norm() float64 {
	squares := 0.0
	for _, s := range u.scratch.squares {
		squares += s
	}
	for _, mean := range u.tables {
		squares += kernel.SumSquares(mean)
	}
	return math.Sqrt(squares)
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

// changeStretch updates the dense elements [from, to), all of one parameter.
func (u *update) changeStretch(r *rule, w *updateWorker, from, to int, gradient []float32) {
	weights := u.next.Weights[from:to]
	copy(weights, u.state.Weights[from:to])
	w.slots = w.slots[:0]
	for i := range r.optimizer.Slots() {
		at := r.slot + i*r.size + from - r.param.Offset
		slot := u.next.Slots[at : at+to-from]
		copy(slot, u.state.Slots[at:])
		w.slots = append(w.slots, slot)
	}
	r.optimizer.Apply(u.next.Step, u.factor, weights, w.slots, gradient)
}

// changeTables updates the rows of the sparse parameters that occurred.
func (u *update) changeTables() {
	tables := 0
	for i := range u.rules {
		r := &u.rules[i]
		if !r.param.Sparse {
			continue
		}
		copy(r.weightsOf(u.next.Weights), r.weightsOf(u.state.Weights))
		slots := u.next.Slots[r.slot : r.slot+r.optimizer.Slots()*r.size]
		copy(slots, u.state.Slots[r.slot:])
		if u.scale != 1 {
			kernel.Scale(u.tables[tables], u.tables[tables], u.scale)
		}
		r.applyRows(u.next.Step, u.factor, r.weightsOf(u.next.Weights), r.slotsOf(u.next.Slots), u.total.Sparse[tables].Rows, u.tables[tables])
		tables++
	}
}
