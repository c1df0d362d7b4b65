package training

import (
	"context"
	"fmt"
	"math"
	"slices"
	"sync"

	"github.com/penstock-ml/penstock/models"
	"github.com/penstock-ml/penstock/models/features"
	"github.com/penstock-ml/penstock/models/parallel"
	"github.com/penstock-ml/penstock/models/plan"
	"github.com/penstock-ml/penstock/models/spec"
)

// Job is what a trainer is made of. All but CacheBytes is part of the run's identity.
type Job struct {
	Spec     *spec.Spec
	Features *features.Fitted
	Shards   int
	Batch    int // rows of a step over all shards; a multiple of Shards
	Seed     int64
	Strategy Strategy
	// CacheBytes bounds the memory for encoded rows.
	CacheBytes int64
}

// Trainer computes contributions and updates of one job. It may be used by several goroutines.
type Trainer struct {
	*ParameterShard // of all parameters
	model           models.Model
	layout          *features.Layout
	arrangement     *models.Arrangement
	cache           cache

	mu   sync.Mutex
	idle map[int]*freeList[*plan.Groups] // by number of shards
}

// NewTrainer checks the job and builds its model.
func NewTrainer(job Job) (*Trainer, error) {
	if err := CheckBatch(job.Batch, job.Shards); err != nil {
		return nil, err
	}
	model, err := models.New(job.Spec, job.Features)
	if err != nil {
		return nil, err
	}
	arrangement, err := models.Arrange(model.Params())
	if err != nil {
		return nil, err
	}
	t := &Trainer{model: model, layout: job.Features.Layout(job.Spec), arrangement: arrangement, idle: map[int]*freeList[*plan.Groups]{}}
	if t.ParameterShard, err = newWhole(&job, arrangement); err != nil {
		return nil, err
	}
	t.cache = cache{
		format:  job.Spec.Format(),
		encoder: func() (*features.Encoder, error) { return features.NewEncoder(job.Spec, job.Features) },
		layout:  t.layout,
		holdout: HoldoutOf(job.Spec),
		bad:     job.Features.Bad > 0,
		budget:  job.CacheBytes,
		shards:  map[int]*cachedShard{},
	}
	return t, nil
}

// CheckBatch tells whether a batch can be divided among shards.
func CheckBatch(batch, shards int) error {
	if batch%shards == 0 {
		return nil
	}
	return fmt.Errorf("a batch of %d rows cannot be divided among %d shards: use a batch that is a multiple of the number of shards, such as %d",
		batch, shards, max(1, batch/shards)*shards)
}

// Arrangement tells where each parameter lies in State.Weights.
func (t *Trainer) Arrangement() *models.Arrangement { return t.arrangement }

// StepsPerEpoch is how many steps pass over all training records once.
func (t *Trainer) StepsPerEpoch() int64 { return StepsPerEpoch(t.job.Features.Rows(), t.job.Batch) }

// StepsPerEpoch is how many batches pass over so many records once.
func StepsPerEpoch(records int64, batch int) int64 {
	return (records + int64(batch) - 1) / int64(batch)
}

// Initial is the state before the first step.
func (t *Trainer) Initial() *State {
	s := &State{Weights: t.arrangement.Initial(t.job.Seed), Slots: make([]float32, t.allSlots())}
	for i := range t.rules {
		r := &t.rules[i]
		r.optimizer.Start(r.weightsOf(s.Weights), r.slotsOf(s.Slots))
	}
	return s
}

// Contribute is what the shards give to the step after state, computed on all cores. The result does not depend on how
// shards are divided among calls.
func (t *Trainer) Contribute(ctx context.Context, shards []Shard, state *State) (*Contribution, error) {
	switch {
	case len(shards) == 0:
		return &Contribution{}, nil
	case t.job.Strategy.LocalSteps > 0:
		return t.contributeLocal(ctx, shards, state)
	}
	pieces := parallel.Divide(shards, parallel.Workers(len(shards)))
	plans, err := t.takePlans(pieces)
	defer t.returnPlans(plans)
	if err != nil {
		return nil, err
	}
	if t.arrangement.Dense <= mostSumsApart {
		return t.contributeApart(ctx, pieces, plans, state)
	}
	return t.contributeTogether(ctx, pieces, plans, state)
}

// contributeTogether is Contribute where the cores share out the sums of all gradients.
func (t *Trainer) contributeTogether(ctx context.Context, pieces [][]Shard, plans []*plan.Groups, state *State) (*Contribution, error) {
	err := parallel.Each(ctx, len(pieces), func(_, i int) error {
		return t.run(ctx, pieces[i], state, plans[i])
	})
	if err != nil {
		return nil, err
	}
	blocks := t.takeBlocks(parallel.Workers(math.MaxInt))
	defer t.pool.blocks.put(blocks)
	s := t.newSummation(pieces, plans, t.newContribution(), blocks, parallel.Each)
	return s.contribution, s.run(ctx)
}

// mostSumsApart is up to how many dense parameters each core sums all gradients of its own shards. Half a second cache
// of sums is less than what the gradients are made of, which would have to pass from core to core.
const mostSumsApart = 64 << 10

// contributeApart is Contribute where each core sums the gradients of its own shards.
func (t *Trainer) contributeApart(ctx context.Context, pieces [][]Shard, plans []*plan.Groups, state *State) (*Contribution, error) {
	parts, blocks := make([]*Contribution, len(pieces)), make([][]*blockScratch, len(pieces))
	for i := range pieces {
		parts[i], blocks[i] = t.newContribution(), t.takeBlocks(1)
	}
	defer t.pool.blocks.putBack(blocks)
	err := parallel.Each(ctx, len(pieces), func(_, i int) error {
		if err := t.run(ctx, pieces[i], state, plans[i]); err != nil {
			return err
		}
		return t.newSummation(pieces[i:i+1], plans[i:i+1], parts[i], blocks[i], parallel.InTurn).run(ctx)
	})
	if err != nil {
		return nil, err
	}
	return t.addUp(parts), nil
}

// Mean is what shards give to the step after state, by parameter of the arrangement and as a mean over their examples:
// gradients or, in the strategy local, how far shards came. Of a sparse parameter it has the rows that occurred.
func (t *Trainer) Mean(ctx context.Context, shards []Shard, state *State) ([][]float32, error) {
	c, err := t.Contribute(ctx, shards, state)
	if err != nil || c.Weight == 0 {
		return nil, err
	}
	means := make([][]float32, 0, len(t.arrangement.Params))
	mean := func(sums []int64) (x []float32) {
		for _, sum := range sums {
			x = append(x, float32(float64(sum)/float64(c.Weight)))
		}
		return x
	}
	tables, dense := c.Sparse, c.dense()
	for i := range t.arrangement.Params {
		if p := &t.arrangement.Params[i]; p.Sparse {
			means = append(means, mean(tables[0].Values))
			tables = tables[1:]
		} else {
			means = append(means, mean(dense[p.Offset:][:p.Size()]))
		}
	}
	return means, nil
}

// Update is the state after the round to which all shards contributed, with all parameters in one part; see
// ParameterShard.Update.
func (t *Trainer) Update(state *State, total *Contribution) *State {
	return t.ParameterShard.Update(state, total, 0)
}

// Advance is Update in the memory of what is past; see ParameterShard.Advance.
func (t *Trainer) Advance(state *State, total *Contribution) *State {
	return t.ParameterShard.Advance(state, total, 0)
}

// addUp returns the sum of the parts, whose memory it takes.
func (t *Trainer) addUp(parts []*Contribution) *Contribution {
	for _, part := range parts[1:] {
		parts[0].absorb(part, parallel.Workers(len(parts)))
	}
	t.pool.contributions.putBack(parts[1:])
	return parts[0]
}

// run computes the losses of shards, and all that their gradients are made of.
func (t *Trainer) run(ctx context.Context, shards []Shard, state *State, p *plan.Groups) error {
	for i, s := range shards {
		entry, err := t.cache.shard(ctx, s)
		if err != nil {
			return err
		}
		batch := t.group(p, i)
		if err := t.fill(&batch, entry, s, state.Step); err != nil {
			return err
		}
	}
	p.Bind(state.Weights)
	if err := p.Run(); err != nil {
		return fmt.Errorf("shards %d to %d, step %d: %w", shards[0].Index, shards[len(shards)-1].Index, state.Step+1, err)
	}
	return nil
}

// perShard is how many rows of a step are one shard's.
func (t *Trainer) perShard() int { return t.job.Batch / t.job.Shards }

// group is the part of a plan's input that holds the rows of its i-th shard.
func (t *Trainer) group(p *plan.Groups, i int) features.Rows {
	all, n := p.Input(), t.perShard()
	return features.Rows{
		N:       n,
		Numeric: section(all.Numeric, i*n, n, len(t.layout.Numeric)),
		IDs:     section(all.IDs, i*n, n, len(t.layout.Categorical)),
		Labels:  section(all.Labels, i*n, n, 1),
		Weights: section(all.Weights, i*n, n, 1),
		Keys:    section(all.Keys, i*n, n, 1),
	}
}

// section is n rows of a matrix, from one on.
func section[T any](x []T, from, n, width int) []T { return x[from*width : (from+n)*width] }

// fill gathers a shard's rows of one step and pads what is missing at an epoch's end with rows of weight 0.
func (t *Trainer) fill(batch *features.Rows, entry *cachedShard, s Shard, step int64) error {
	entry.mu.Lock()
	defer entry.mu.Unlock()
	perEpoch := t.StepsPerEpoch()
	entry.order.reset(t.job.Seed, step/perEpoch, s.Index, s.Rows)
	from := min(int(step%perEpoch)*batch.N, s.Rows)
	end := min(from+batch.N, s.Rows)
	rows, next := entry.order.rows[from:end], entry.order.rows[end:min(end+batch.N, s.Rows)]
	clear(batch.Numeric[len(rows)*len(t.layout.Numeric):])
	clear(batch.IDs[len(rows)*len(t.layout.Categorical):])
	clear(batch.Labels[len(rows):])
	clear(batch.Weights[len(rows):])
	for i := range batch.Keys {
		batch.Keys[i] = rowKey(t.job.Seed, step, s.Index, i)
	}
	return entry.rows.gather(batch, rows, next)
}

// takePlans returns a plan for each piece. Plans are kept by the number of their shards.
func (t *Trainer) takePlans(pieces [][]Shard) ([]*plan.Groups, error) {
	plans := make([]*plan.Groups, 0, len(pieces))
	for _, piece := range pieces {
		p, ok := t.plans(len(piece)).take()
		if !ok {
			var err error
			if p, err = plan.CompileGroups(t.model, t.arrangement, t.layout, t.perShard(), len(piece)); err != nil {
				return plans, err
			}
		}
		plans = append(plans, p)
	}
	return plans, nil
}

func (t *Trainer) returnPlans(plans []*plan.Groups) {
	for _, p := range slices.Backward(plans) { // see freeList.putBack
		t.plans(p.Groups()).put(p)
	}
}

// plans are those for so many shards that nobody uses.
func (t *Trainer) plans(shards int) *freeList[*plan.Groups] {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.idle[shards] == nil {
		t.idle[shards] = &freeList[*plan.Groups]{}
	}
	return t.idle[shards]
}
