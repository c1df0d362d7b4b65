package training

import (
	"cmp"
	"math"
	"slices"

	"github.com/penstock-ml/penstock/models"
)

// A ParameterShard is a part of the parameters that is averaged and updated apart from the others: what a parameter server holds. One part has
// all of them unless a run asks for more. The dense parameters are cut between blocks, and every table between groups
// of its rows: blocks and groups are the same however many parts there are, and whatever is summed over parameters is
// summed by them in order. So the number of parts never changes a bit.
type ParameterShard struct {
	job       *Job
	index, of int
	rules     []rule // of the pieces of parameters that it has
	pool      *pool

	dense, total, slots  int // floats of dense pieces, of all, and of their optimizers' slots
	firstBlock           int
	firstGroup, endGroup int // of each table's rows
	allWeights           int // floats of all parts' weights
	// Where its weights and slots lie among all, in order.
	weightPieces, slotPieces []piece
}

// tableGroups is how many groups the rows of a table have, and the most parts that there can be.
const tableGroups = 64

// MostParts is the most parts that parameters can be cut into.
const MostParts = tableGroups

// piece is consecutive floats of a vector of all parts; a part's own vector has its pieces one after the other.
type piece struct{ offset, length int }

// firstRow is the first row of a group of a table's rows.
func (r *rule) firstRow(group int) int { return group * r.rows / tableGroups }

// newWhole makes the part that has all parameters.
func newWhole(job *Job, arrangement *models.Arrangement) (*ParameterShard, error) {
	p := &ParameterShard{job: job, of: 1, pool: &pool{}, dense: arrangement.Dense, total: arrangement.Total, allWeights: arrangement.Total, endGroup: tableGroups}
	if err := p.setRules(arrangement); err != nil {
		return nil, err
	}
	cells := (p.dense + updateBlock - 1) / updateBlock
	for i := range p.rules {
		if r := &p.rules[i]; r.param.Sparse {
			r.rows, r.firstCell = r.param.Shape[0], cells
			cells += tableGroups
		}
	}
	p.weightPieces, p.slotPieces = []piece{{0, p.total}}, []piece{{0, p.slots}}
	return p, nil
}

// Cut returns the parts of a whole, of which there are at most MostParts. Some may be empty.
func (p *ParameterShard) Cut(parts int) []*ParameterShard {
	cut := make([]*ParameterShard, parts)
	blocks := (p.dense + updateBlock - 1) / updateBlock
	for i := range cut {
		part := &ParameterShard{job: p.job, index: i, of: parts, pool: &pool{}, allWeights: p.total}
		part.firstBlock = i * blocks / parts
		part.firstGroup, part.endGroup = i*tableGroups/parts, (i+1)*tableGroups/parts
		part.take(p, part.firstBlock*updateBlock, min((i+1)*blocks/parts*updateBlock, p.dense))
		cut[i] = part
	}
	return cut
}

// take takes over the dense elements [from, to) of a whole, and the part's groups of its tables.
func (p *ParameterShard) take(whole *ParameterShard, from, to int) {
	for _, r := range whole.rules {
		begin, end := max(from, r.param.Offset), min(to, r.end())
		if r.param.Sparse {
			dim := r.param.Shape[1]
			begin, end = r.param.Offset+r.firstRow(p.firstGroup)*dim, r.param.Offset+r.firstRow(p.endGroup)*dim
		}
		if begin >= end && !r.param.Sparse {
			continue
		}
		p.add(r, begin-r.param.Offset, end-begin)
	}
}

// add adds a piece of a parameter: so many floats of it, from one on.
func (p *ParameterShard) add(r rule, from, length int) {
	p.weightPieces = append(p.weightPieces, piece{r.param.Offset + from, length})
	for i := range r.optimizer.Slots() {
		p.slotPieces = append(p.slotPieces, piece{r.slot + i*r.size + from, length})
	}
	r.param.Offset, r.slot, r.size = p.total, p.slots, length
	p.rules = append(p.rules, r)
	p.total += length
	p.slots += r.optimizer.Slots() * length
	if !r.param.Sparse {
		p.dense = p.total
	}
}

// State is the part of a state.
func (p *ParameterShard) State(whole *State) *State {
	s := &State{Step: whole.Step, Log: whole.Log, Weights: extract(nil, whole.Weights, p.weightPieces)}
	s.Slots = extract(nil, whole.Slots, p.slotPieces)
	if p.job.Strategy.Outer.momentum() {
		s.Slots = extract(s.Slots, whole.Slots[len(whole.Slots)-len(whole.Weights):], p.weightPieces)
	}
	for _, past := range whole.Past {
		s.Past = append(s.Past, extract(nil, past, p.weightPieces))
	}
	return s
}

// Contribution is the part of a contribution.
func (p *ParameterShard) Contribution(whole *Contribution) *Contribution {
	c := &Contribution{Shards: whole.Shards, Weight: whole.Weight, Loss: whole.Loss, LeftOut: whole.LeftOut}
	if whole.Shards == 0 {
		return c
	}
	if p.job.Strategy.LocalSteps > 0 {
		c.Dense = extract(extract(nil, whole.Dense, p.weightPieces), whole.Dense[p.allWeights:], p.slotPieces) // never compact
		return c
	}
	tables := 0
	for i := range p.rules {
		if r := &p.rules[i]; r.param.Sparse {
			c.Sparse = append(c.Sparse, whole.Sparse[tables].between(r.firstRow(p.firstGroup), r.firstRow(p.endGroup)))
			tables++
		}
	}
	c.Dense = extract(nil, whole.dense(), p.weightPieces[:len(p.weightPieces)-tables])
	return c
}

// between are the rows [from, to) of the sum, renumbered from 0. It shares the values' memory.
func (s *SparseSum) between(from, to int) SparseSum {
	first, _ := slices.BinarySearch(s.Rows, int32(from))
	end, _ := slices.BinarySearch(s.Rows, int32(to))
	if first == end {
		return SparseSum{}
	}
	dim := len(s.Values) / len(s.Rows)
	rows := slices.Clone(s.Rows[first:end])
	for i := range rows {
		rows[i] -= int32(from)
	}
	return SparseSum{Rows: rows, Values: s.Values[first*dim : end*dim : end*dim]}
}

// extract appends pieces of a vector.
func extract[T any](dst, vector []T, pieces []piece) []T {
	for _, p := range pieces {
		dst = append(dst, vector[p.offset:p.offset+p.length]...)
	}
	return dst
}

// restore is the opposite of extract: it returns what follows the pieces in part.
func restore[T any](vector, part []T, pieces []piece) []T {
	for _, p := range pieces {
		part = part[copy(vector[p.offset:p.offset+p.length], part):]
	}
	return part
}

// Join makes a state of its parts, in the order of Cut.
func (p *ParameterShard) Join(parts []*ParameterShard, states []*State) *State {
	s := p.newState()
	s.Step, s.Log = states[0].Step, states[0].Log
	for range states[0].Past {
		s.Past = append(s.Past, make([]float32, p.total))
	}
	for i, part := range parts {
		state := states[i]
		restore(s.Weights, state.Weights, part.weightPieces)
		velocity := restore(s.Slots, state.Slots, part.slotPieces)
		if p.job.Strategy.Outer.momentum() {
			restore(s.Slots[p.slots:], velocity, part.weightPieces)
		}
		for j := range s.Past {
			restore(s.Past[j], state.Past[j], part.weightPieces)
		}
	}
	return s
}

// Measure has sums of squares by block and group, of some parts.
type Measure struct {
	Cells   []int // in no order
	Squares []float64
}

func (m *Measure) add(cell int, squares float64) {
	m.Cells, m.Squares = append(m.Cells, cell), append(m.Squares, squares)
}

// Merge adds the cells of another part.
func (m *Measure) Merge(other *Measure) {
	m.Cells, m.Squares = append(m.Cells, other.Cells...), append(m.Squares, other.Squares...)
}

// Norm is the Euclidean norm of what was measured: summed in order of cells, so that it depends on nothing else.
func (m *Measure) Norm() float64 {
	if !slices.IsSorted(m.Cells) {
		m.sort()
	}
	total := 0.0
	for _, squares := range m.Squares {
		total += squares
	}
	return math.Sqrt(total)
}

func (m *Measure) sort() {
	order := make([]int, len(m.Cells))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Compare(m.Cells[a], m.Cells[b]) })
	cells, squares := make([]int, len(order)), make([]float64, len(order))
	for i, at := range order {
		cells[i], squares[i] = m.Cells[at], m.Squares[at]
	}
	m.Cells, m.Squares = cells, squares
}

// Measure measures the part of a round's mean gradient, or of the mean way, that is in total.
func (p *ParameterShard) Measure(total *Contribution) *Measure {
	switch {
	case total.Weight == 0:
		return &Measure{}
	case p.job.Strategy.LocalSteps > 0:
		way := p.meanWay(total)
		defer p.pool.means.put(way)
		return p.measureWay(way)
	}
	u := p.begin(nil, nil, total, &StepLog{Examples: float(total.Weight)})
	defer u.end()
	u.eachBlock(func(worker, block int) { u.measure(worker, block) })
	return u.measured()
}
