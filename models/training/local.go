package training

import (
	"context"
	"fmt"
	"math"

	"github.com/penstock-ml/penstock/models/features"
	"github.com/penstock-ml/penstock/models/kernel"
	"github.com/penstock-ml/penstock/models/parallel"
	"github.com/penstock-ml/penstock/models/plan"
)

// The strategy local (local SGD; Stich, "Local SGD Converges Fast and Communicates Little", arXiv 1805.09767): in a round
// each shard takes several steps of its own from the common state, and what is averaged is how far it came. The
// optimizers' slots are averaged like the weights, so a round is a function of the state and the shards' data alone, as
// it is in the strategy sync, and a shard carries nothing from round to round.

// replica is one shard's own copy of the state during a round, in a worker's memory.
type replica struct {
	plan    *plan.Plan
	weights []float32
	slots   []float32
	slotsBy [][][]float32 // by rule
	moved   []float32     // weights, then slots: how far the shard came, times its weight

	loss, weight float64
}

func (t *Trainer) newReplica() (*replica, error) {
	p, err := plan.Compile(t.model, t.arrangement, t.layout, t.perShard(), plan.Train)
	if err != nil {
		return nil, err
	}
	r := &replica{
		plan:    p,
		weights: make([]float32, t.arrangement.Total),
		slots:   make([]float32, t.slots),
		moved:   make([]float32, t.arrangement.Total+t.slots),
	}
	for i := range t.rules {
		r.slotsBy = append(r.slotsBy, t.rules[i].slotsOf(r.slots))
	}
	p.Bind(r.weights)
	return r, nil
}

// contributeLocal is Contribute in the strategy local: the sum over shards of the way each came, times its weight.
func (t *Trainer) contributeLocal(ctx context.Context, shards []Shard, state *State) (*Contribution, error) {
	workers := parallel.Workers(len(shards))
	parts := make([]*Contribution, workers)
	replicas := make([]*replica, workers)
	for i := range replicas {
		r, ok := t.pool.replicas.take()
		if !ok {
			var err error
			if r, err = t.newReplica(); err != nil {
				return nil, err
			}
		}
		defer t.pool.replicas.put(r)
		replicas[i], parts[i] = r, t.newContribution()
	}
	err := parallel.Each(ctx, len(shards), func(worker, i int) error {
		r := replicas[worker]
		if err := t.walk(ctx, r, shards[i], state); err != nil {
			return err
		}
		parts[worker].addWay(shards[i].Index, r, shardLimit(t.job.Shards))
		return nil
	})
	if err != nil {
		return nil, err
	}
	return t.addUp(parts), nil
}

// walk takes the shard's own steps of a round and measures how far it came.
func (t *Trainer) walk(ctx context.Context, r *replica, s Shard, state *State) error {
	copy(r.weights, state.Weights)
	copy(r.slots, state.Slots[:t.slots])
	r.loss, r.weight = 0, 0
	entry, err := t.cache.shard(ctx, s)
	if err != nil {
		return err
	}
	for step := state.Step; step < state.Step+t.job.Strategy.Steps(); step++ {
		batch := r.plan.Input()
		if err := t.fill(batch, entry, s, step); err != nil {
			return err
		}
		if err := t.stepLocal(r, batch, step); err != nil {
			return fmt.Errorf("shard %d, step %d: %w", s.Index, step+1, err)
		}
	}
	weight := float32(r.weight)
	distance(r.moved[:len(r.weights)], r.weights, state.Weights, weight)
	distance(r.moved[len(r.weights):], r.slots, state.Slots[:t.slots], weight)
	return nil
}

// distance is (to - from) * weight, made block by block, so that the first cache holds what its steps pass on.
func distance(dst, to, from []float32, weight float32) {
	for begin := 0; begin < len(dst); begin += updateBlock {
		end := min(begin+updateBlock, len(dst))
		block := dst[begin:end]
		kernel.Scale(block, from[begin:end], -1)
		kernel.Add(block, block, to[begin:end])
		kernel.Scale(block, block, weight)
	}
}

// stepLocal updates a replica by the mean gradient of its batch, of which nothing is left when all rows are padding.
func (t *Trainer) stepLocal(r *replica, batch *features.Rows, step int64) error {
	weight := sum(batch.Weights)
	if weight == 0 {
		return nil
	}
	// With weights that add up to 1 the sum of gradients is their mean, at no cost.
	kernel.Scale(batch.Weights, batch.Weights, float32(1/weight))
	if err := r.plan.Run(); err != nil {
		return err
	}
	r.loss += sum(r.plan.Losses()) * weight
	r.weight += weight
	t.clipLocal(r.plan)
	t.applyLocal(r, step)
	return nil
}

// clipLocal bounds the norm of a plan's gradients.
func (t *Trainer) clipLocal(p *plan.Plan) {
	clip := t.job.Spec.Training.ClipNorm
	if clip == 0 {
		return
	}
	squares := kernel.SumSquares(p.Dense())
	for _, g := range p.Sparse() {
		squares += kernel.SumSquares(g.Values)
	}
	norm := math.Sqrt(squares)
	if norm <= clip {
		return
	}
	scale := float32(clip / norm)
	kernel.Scale(p.Dense(), p.Dense(), scale)
	for _, g := range p.Sparse() {
		kernel.Scale(g.Values, g.Values, scale)
	}
}

// applyLocal updates a replica by its plan's gradients.
func (t *Trainer) applyLocal(r *replica, step int64) {
	dense := r.plan.Dense()
	factor := rateFactor(t.job.Spec.Training.Schedule, step)
	tables := 0
	for i := range t.rules {
		rule := &t.rules[i]
		weights := rule.weightsOf(r.weights)
		if !rule.param.Sparse {
			rule.optimizer.Apply(step+1, factor, weights, r.slotsBy[i], rule.weightsOf(dense))
			continue
		}
		g := r.plan.Sparse()[tables]
		rule.applyRows(step+1, factor, weights, r.slotsBy[i], g.Rows, g.Values)
		tables++
	}
}

// addWay adds how far one shard came, or leaves the shard out, whole.
func (c *Contribution) addWay(shard int, r *replica, limit float32) {
	switch {
	case math.IsNaN(r.loss) || math.IsInf(r.loss, 0) || math.Abs(r.loss) > float64(limit):
		c.LeftOut = append(c.LeftOut, Omission{Shard: shard, Reason: "its loss is not finite or beyond the range of exact sums"})
		return
	case kernel.FixedCheck(r.moved, limit) >= 0:
		c.LeftOut = append(c.LeftOut, Omission{Shard: shard, Reason: "its weights are not finite or beyond the range of exact sums"})
		return
	}
	c.Loss += fixed(r.loss)
	c.Weight += fixed(r.weight)
	if c.Shards == 0 {
		c.Dense = zeros(c.Dense, len(r.moved))
	}
	c.Shards++
	kernel.FixedAdd(c.Dense, r.moved)
}

// move fills next with the state moved by the mean way, and measures the norm of the weights' part of that if this is the
// only part.
func (p *ParameterShard) move(state, next *State, total *Contribution, log *StepLog) {
	way := p.meanWay(total)
	defer p.pool.means.put(way)
	if p.of == 1 {
		log.GradientNorm = p.measureWay(way).Norm()
	}
	p.job.Strategy.Outer.apply(way[:p.total], state.Slots[p.slots:], next.Slots[p.slots:])
	kernel.Add(next.Weights, state.Weights, way[:p.total])
	kernel.Add(next.Slots[:p.slots], state.Slots[:p.slots], way[p.total:])
	for i := range p.rules {
		p.rules[i].optimizer.Repair(p.rules[i].slotsOf(next.Slots))
	}
}

// meanWay is how far the shards came: weights, then slots. It is memory to be put back.
func (p *ParameterShard) meanWay(total *Contribution) []float32 {
	way, ok := p.pool.means.take()
	if !ok {
		way = make([]float32, p.total+p.slots)
	}
	kernel.FixedMean(way, total.Dense, float(total.Weight))
	return way
}

// measureWay are the squares of the weights' part of a way.
func (p *ParameterShard) measureWay(way []float32) *Measure {
	m := &Measure{}
	for block, from := p.firstBlock, 0; from < p.dense; block, from = block+1, from+updateBlock {
		m.add(block, kernel.SumSquares(way[from:min(from+updateBlock, p.dense)]))
	}
	for i := range p.rules {
		r := &p.rules[i]
		if !r.param.Sparse {
			continue
		}
		rows, dim := r.weightsOf(way), r.param.Shape[1]
		for group := p.firstGroup; group < p.endGroup; group++ {
			end := (r.firstRow(group+1) - r.firstRow(group)) * dim
			m.add(r.firstCell+group, kernel.SumSquares(rows[:end]))
			rows = rows[end:]
		}
	}
	return m
}

// apply turns a mean way into what the weights change by, and a velocity into the next.
func (o Outer) apply(way, velocity, next []float32) {
	if o.momentum() {
		copy(next, velocity)
		kernel.Momentum(way, next, way, -float32(o.Momentum), float32(o.Momentum))
	}
	if o.Rate > 0 {
		kernel.Scale(way, way, float32(o.Rate))
	}
}
