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

func (t *Trainer) setRules() error {
	byGroup := map[string]optimizer.Optimizer{}
	for _, p := range t.arrangement.Params {
		if byGroup[p.Group] == nil {
			settings, ok := t.job.Spec.Training.Optimizer[p.Group]
			if !ok {
				return fmt.Errorf("training.optimizer has no entry for the parameter group %q of the model", p.Group)
			}
			o, err := optimizer.New(settings)
			if err != nil {
				return fmt.Errorf("training.optimizer.%s: %w", p.Group, err)
			}
			byGroup[p.Group] = o
		}
		r := rule{param: p, size: p.Size(), optimizer: byGroup[p.Group], slot: t.slots}
		t.rules = append(t.rules, r)
		t.slots += r.optimizer.Slots() * r.size
	}
	return nil
}

// Update is the state after the round to which all shards contributed. A round in which every shard was left out changes
// nothing but the position.
func (t *Trainer) Update(state *State, total *Contribution) *State {
	next := t.newState()
	next.Step = state.Step + int64(max(1, t.job.LocalSteps))
	log := StepLog{
		Step:       next.Step,
		Examples:   float(total.Weight),
		RateFactor: rateFactor(t.job.Spec.Training.Schedule, next.Step-1),
		LeftOut:    total.LeftOut,
	}
	if total.Weight > 0 {
		log.Loss = float(total.Loss) / log.Examples
	}
	switch {
	case total.Weight == 0:
		next.copyFrom(state)
	case t.job.LocalSteps > 0:
		log.GradientNorm = t.move(state, next, total)
	default:
		log.GradientNorm = t.apply(state, next, total, log.RateFactor)
	}
	next.Log = append(slices.Clip(state.Log), log)
	return next
}

// copyFrom makes s what other is, but for its position.
func (s *State) copyFrom(other *State) {
	copy(s.Weights, other.Weights)
	copy(s.Slots, other.Slots)
}

// apply fills next, which is not shared yet, and returns the norm of the mean gradient.
func (t *Trainer) apply(state, next *State, total *Contribution, factor float64) float64 {
	u := &update{Trainer: t, state: state, next: next, total: total, factor: factor, weight: float(total.Weight), scale: 1}
	u.begin()
	defer t.pool.updates.put(u.scratch)
	clip := t.job.Spec.Training.ClipNorm
	if clip == 0 {
		u.eachBlock(func(worker, block int) { u.measure(worker, block); u.change(worker, block) })
		norm := u.norm()
		u.changeTables()
		return norm
	}
	u.eachBlock(func(worker, block int) { u.measure(worker, block) })
	norm := u.norm()
	if norm > clip {
		u.scale = float32(clip / norm)
	}
	u.eachBlock(func(worker, block int) { u.gradient(worker, block); u.change(worker, block) })
	u.changeTables()
	return norm
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
