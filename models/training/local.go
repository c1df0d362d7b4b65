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
	copy(r.slots, state.Slots)
	r.loss, r.weight = 0, 0
	entry, err := t.cache.shard(ctx, s)
	if err != nil {
		return err
	}
	for step := state.Step; step < state.Step+int64(t.job.LocalSteps); step++ {
		batch := r.plan.Input()
		if err := t.fill(batch, entry, s, step); err != nil {
			return err
		}
		if err := r.plan.Run(); err != nil {
			return fmt.Errorf("shard %d, step %d: %w", s.Index, step+1, err)
		}
		t.stepLocal(r, batch, step)
	}
	weight := float32(r.weight)
	distance(r.moved[:len(r.weights)], r.weights, state.Weights, weight)
	distance(r.moved[len(r.weights):], r.slots, state.Slots, weight)
	return nil
}

// distance is (to - from) * weight.
func distance(dst, to, from []float32, weight float32) {
	kernel.Scale(dst, from, -1)
	kernel.Add(dst, dst, to)
	kernel.Scale(dst, dst, weight)
}

// stepLocal updates a replica by the mean gradient of its batch, of which nothing is left when all rows are padding.
func (t *Trainer) stepLocal(r *replica, batch *features.Rows, step int64) {
	weight := sum(batch.Weights)
	if weight == 0 {
		return
	}
	r.loss += sum(r.plan.Losses())
	r.weight += weight
	scale := float32(1 / weight)
	if clip := t.job.Spec.Training.ClipNorm; clip > 0 {
		squares := kernel.SumSquares(r.plan.Dense())
		for _, g := range r.plan.Sparse() {
			squares += kernel.SumSquares(g.Values)
		}
		if norm := math.Sqrt(squares) / weight; norm > clip {
			scale = float32(clip / norm / weight)
		}
	}
	dense := r.plan.Dense()
	kernel.Scale(dense, dense, scale)
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
		kernel.Scale(g.Values, g.Values, scale)
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

// move fills next with the state moved by the mean way, and returns the norm of the weights' part of that.
func (t *Trainer) move(state, next *State, total *Contribution) float64 {
	n := len(next.Weights)
	mean := make([]float32, n+len(next.Slots))
	kernel.FixedMean(mean, total.Dense, float(total.Weight))
	kernel.Add(next.Weights, state.Weights, mean[:n])
	kernel.Add(next.Slots, state.Slots, mean[n:])
	for i := range t.rules {
		t.rules[i].optimizer.Repair(t.rules[i].slotsOf(next.Slots))
	}
	return math.Sqrt(kernel.SumSquares(mean[:n]))
}
