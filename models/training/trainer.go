package training

import (
	"context"
	"fmt"
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
	// LocalSteps is how many steps of its own each shard takes in a round; 0 averages every step.
	LocalSteps int
	// CacheBytes bounds the memory for encoded rows.
	CacheBytes int64
}

// Trainer computes contributions and updates of one job. It may be used by several goroutines.
type Trainer struct {
	job         Job
	model       models.Model
	layout      *features.Layout
	arrangement *models.Arrangement
	rules       []rule
	slots       int
	cache       cache
	pool        pool

	mu   sync.Mutex
	idle []*plan.Plan
}

// NewTrainer checks the job and builds its model.
func NewTrainer(job Job) (*Trainer, error) {
	if job.Batch%job.Shards != 0 {
		return nil, fmt.Errorf("a batch of %d rows cannot be divided among %d shards: use a batch that is a multiple of the number of shards, such as %d",
			job.Batch, job.Shards, max(1, job.Batch/job.Shards)*job.Shards)
	}
	model, err := models.New(job.Spec, job.Features)
	if err != nil {
		return nil, err
	}
	arrangement, err := models.Arrange(model.Params())
	if err != nil {
		return nil, err
	}
	t := &Trainer{job: job, model: model, layout: job.Features.Layout(), arrangement: arrangement}
	t.cache = cache{
		format:  job.Spec.Format(),
		encoder: func() (*features.Encoder, error) { return features.NewEncoder(job.Spec, job.Features) },
		layout:  t.layout,
		budget:  job.CacheBytes,
		shards:  map[int]*cachedShard{},
	}
	return t, t.setRules()
}

// Arrangement tells where each parameter lies in State.Weights.
func (t *Trainer) Arrangement() *models.Arrangement { return t.arrangement }

// StepsPerEpoch is how many steps pass over all training records once.
func (t *Trainer) StepsPerEpoch() int64 {
	return (t.job.Features.Records + int64(t.job.Batch) - 1) / int64(t.job.Batch)
}

// Initial is the state before the first step.
func (t *Trainer) Initial() *State {
	s := &State{Weights: t.arrangement.Initial(t.job.Seed), Slots: make([]float32, t.slots)}
	for i := range t.rules {
		r := &t.rules[i]
		r.optimizer.Start(r.weightsOf(s.Weights), r.slotsOf(s.Slots))
	}
	return s
}

// Contribute is what the shards give to the step after state, computed on all cores. The result does not depend on how
// shards are divided among calls.
func (t *Trainer) Contribute(ctx context.Context, shards []Shard, state *State) (*Contribution, error) {
	if t.job.LocalSteps > 0 {
		return t.contributeLocal(ctx, shards, state)
	}
	workers := parallel.Workers(len(shards))
	parts := make([]*Contribution, workers)
	plans := make([]*plan.Plan, workers)
	for i := range plans {
		p, err := t.takePlan()
		if err != nil {
			return nil, err
		}
		defer t.returnPlan(p)
		p.Bind(state.Weights)
		plans[i], parts[i] = p, t.newContribution()
	}
	err := parallel.Each(ctx, len(shards), func(worker, i int) error {
		return t.contribute(ctx, shards[i], state.Step, plans[worker], parts[worker])
	})
	if err != nil {
		return nil, err
	}
	return t.addUp(parts), nil
}

// addUp returns the sum of the parts, whose memory it takes.
func (t *Trainer) addUp(parts []*Contribution) *Contribution {
	for _, part := range parts[1:] {
		parts[0].Merge(part)
	}
	t.pool.mu.Lock()
	defer t.pool.mu.Unlock()
	t.pool.contributions = append(t.pool.contributions, parts[1:]...)
	return parts[0]
}

func (t *Trainer) contribute(ctx context.Context, s Shard, step int64, p *plan.Plan, c *Contribution) error {
	entry, err := t.cache.shard(ctx, s)
	if err != nil {
		return err
	}
	batch := p.Input()
	if err := t.fill(batch, entry, s, step); err != nil {
		return err
	}
	if err := p.Run(); err != nil {
		return fmt.Errorf("shard %d, step %d: %w", s.Index, step+1, err)
	}
	c.add(s.Index, p, batch.Weights, shardLimit(t.job.Shards))
	return nil
}

// fill gathers a shard's rows of one step and pads what is missing at an epoch's end with rows of weight 0.
func (t *Trainer) fill(batch *features.Rows, entry *cachedShard, s Shard, step int64) error {
	entry.mu.Lock()
	defer entry.mu.Unlock()
	perEpoch := t.StepsPerEpoch()
	entry.order.reset(t.job.Seed, step/perEpoch, s.Index, s.Rows)
	from := min(int(step%perEpoch)*batch.N, s.Rows)
	rows := entry.order.rows[from:min(from+batch.N, s.Rows)]
	clear(batch.Numeric[len(rows)*len(t.layout.Numeric):])
	clear(batch.IDs[len(rows)*len(t.layout.Categorical):])
	clear(batch.Labels[len(rows):])
	clear(batch.Weights[len(rows):])
	return entry.rows.gather(batch, rows)
}

func (t *Trainer) takePlan() (*plan.Plan, error) {
	t.mu.Lock()
	if n := len(t.idle); n > 0 {
		p := t.idle[n-1]
		t.idle = t.idle[:n-1]
		t.mu.Unlock()
		return p, nil
	}
	t.mu.Unlock()
	return plan.Compile(t.model, t.arrangement, t.layout, t.job.Batch/t.job.Shards, plan.Train)
}

func (t *Trainer) returnPlan(p *plan.Plan) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.idle = append(t.idle, p)
}
