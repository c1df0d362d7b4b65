package training

import (
	"fmt"
	"slices"

	"github.com/penstock-ml/penstock/models"
	"github.com/penstock-ml/penstock/models/optimizer"
)

// rule is how one parameter is updated: its place in the weights and in the slots, and its optimizer.
type rule struct {
	param     models.Placed
	size      int // floats
	optimizer optimizer.Optimizer
	slot      int // offset of its first slot

	// Of a sparse parameter: its rows, of which a part may have some, and the cell of its first group.
	rows, firstCell int
}

// end is the offset after the parameter's last float.
func (r *rule) end() int { return r.param.Offset + r.size }

// slotsOf are the parameter's slots within all slots.
func (r *rule) slotsOf(all []float32) [][]float32 {
	slots := make([][]float32, r.optimizer.Slots())
	for i := range slots {
		at := r.slot + i*r.size
		slots[i] = all[at : at+r.size]
	}
	return slots
}

// setRules makes the rules of all parameters.
func (p *ParameterShard) setRules(arrangement *models.Arrangement) error {
	byGroup := map[string]optimizer.Optimizer{}
	for _, param := range arrangement.Params {
		if byGroup[param.Group] == nil {
			settings, ok := p.job.Spec.Training.Optimizer[param.Group]
			if !ok {
				return fmt.Errorf("training.optimizer has no entry for the parameter group %q of the model", param.Group)
			}
			settings.Momentum, settings.Beta1 = p.job.Strategy.momentum(settings.Momentum), p.job.Strategy.momentum(settings.Beta1)
			o, err := optimizer.New(settings)
			if err != nil {
				return fmt.Errorf("training.optimizer.%s: %w", param.Group, err)
			}
			byGroup[param.Group] = o
		}
		r := rule{param: param, size: param.Size(), optimizer: byGroup[param.Group], slot: p.slots}
		p.rules = append(p.rules, r)
		p.slots += r.optimizer.Slots() * r.size
	}
	return nil
}

// allSlots is how many floats a state's slots are: those of the optimizers and, after them, the outer optimizer's velocity.
func (p *ParameterShard) allSlots() int {
	if p.job.Strategy.Outer.momentum() {
		return p.slots + p.total
	}
	return p.slots
}

// Update is the state after the round to which all shards contributed; the norm is that of all parts' measures, and not
// looked at where there is only one part. A round in which every shard was left out changes nothing but the position.
func (p *ParameterShard) Update(state *State, total *Contribution, norm float64) *State {
	next := p.newState()
	p.update(state, next, total, norm)
	return next
}

// Advance is Update for runners that pass elements by reference and run each round once: nobody may read the total or,
// unless Keep was called for it, the state any more, in the strategy async after as many more calls as its staleness.
// Their memory serves again, the state's for the one returned where nobody reads it later.
func (p *ParameterShard) Advance(state *State, total *Contribution, norm float64) *State {
	next := state
	if state.kept || p.job.Strategy.Staleness > 0 {
		next = p.newState()
	}
	p.update(state, next, total, norm)
	p.pool.contributions.put(total)
	if next != state {
		p.pool.outlive(state, p.job.Strategy.Staleness)
	}
	return next
}

// update makes next, which may be the state itself, of the state.
func (p *ParameterShard) update(state, next *State, total *Contribution, norm float64) {
	log := StepLog{
		Step:         state.Step + p.job.Strategy.Steps(),
		Examples:     float(total.Weight),
		GradientNorm: norm,
		LeftOut:      total.LeftOut,
	}
	log.RateFactor = rateFactor(p.job.Spec.Training.Schedule, log.Step-1)
	if total.Weight > 0 {
		log.Loss = float(total.Loss) / log.Examples
	}
	switch {
	case total.Weight == 0:
		next.copyFrom(state)
		log.GradientNorm = 0
	case p.job.Strategy.LocalSteps > 0:
		p.move(state, next, total, &log)
	default:
		p.apply(state, next, total, &log)
	}
	next.Step, next.Log = log.Step, append(slices.Clip(state.Log), log)
}

// copyFrom makes the vectors of s what those of other are.
func (s *State) copyFrom(other *State) {
	if s != other {
		copy(s.Weights, other.Weights)
		copy(s.Slots, other.Slots)
	}
}

// apply fills next by the mean gradient, whose norm it measures if this is the only part.
func (p *ParameterShard) apply(state, next *State, total *Contribution, log *StepLog) {
	u := p.begin(state, next, total, log)
	defer u.end()
	clip := p.job.Spec.Training.ClipNorm
	if p.of == 1 && clip == 0 {
		u.eachBlock(func(worker, block int) { u.measure(worker, block); u.change(worker, block) })
		log.GradientNorm = u.measured().Norm()
		u.changeTables()
		return
	}
	if p.of == 1 {
		u.eachBlock(func(worker, block int) { u.measure(worker, block) })
		log.GradientNorm = u.measured().Norm()
	}
	if clip > 0 && log.GradientNorm > clip {
		u.scale = float32(clip / log.GradientNorm)
	}
	u.eachBlock(func(worker, block int) { u.gradient(worker, block); u.change(worker, block) })
	u.changeTables()
}

// applyRows updates some rows of a table: they are copied together, updated as one vector, and copied back.
func (r *rule) applyRows(step int64, factor float64, weights []float32, slots [][]float32, rows []int32, g []float32) {
	dim := r.param.Shape[1]
	w := gatherRows(weights, rows, dim)
	s := make([][]float32, len(slots))
	for i := range slots {
		s[i] = gatherRows(slots[i], rows, dim)
	}
	r.optimizer.Apply(step, factor, w, s, g)
	scatterRows(weights, w, rows, dim)
	for i := range slots {
		scatterRows(slots[i], s[i], rows, dim)
	}
}

func gatherRows(table []float32, rows []int32, dim int) []float32 {
	out := make([]float32, 0, len(rows)*dim)
	for _, row := range rows {
		out = append(out, table[int(row)*dim:(int(row)+1)*dim]...)
	}
	return out
}

func scatterRows(table, values []float32, rows []int32, dim int) {
	for i, row := range rows {
		copy(table[int(row)*dim:(int(row)+1)*dim], values[i*dim:(i+1)*dim])
	}
}
