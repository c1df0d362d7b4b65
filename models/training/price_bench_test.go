package training

import (
	"context"
	"math"
	"testing"

	"github.com/penstock-ml/penstock/models/kernel"
	"github.com/penstock-ml/penstock/models/parallel"
	"github.com/penstock-ml/penstock/models/plan"
	"github.com/penstock-ml/penstock/models/spec"
)

// BenchmarkAverage is the price of exactness: steps of the strategy sync whose gradients are summed in fixed point, and
// the same steps with sums in float32, which then depend on how shards are spread over cores. Both are loops without
// Beam, whose share is the same.
func BenchmarkAverage(b *testing.B) {
	job, shards, _ := censusJob(b, 32_768)
	job.CacheBytes = 1 << 30
	job.Spec.Training.Schedule = spec.Schedule{Kind: spec.Constant} // there is no last step for another to lead to
	steps := map[string]func(t *Trainer, s *State) (*State, error){
		"fixed": func(t *Trainer, s *State) (*State, error) {
			total, err := t.Contribute(context.Background(), shards, s)
			if err != nil {
				return nil, err
			}
			return t.Advance(s, total), nil
		},
		"float": func(t *Trainer, s *State) (*State, error) { return floatStep(t, s, shards) },
	}
	for _, name := range []string{"fixed", "float", "fixed", "float", "fixed", "float"} {
		b.Run(name, func(b *testing.B) {
			trainer, err := NewTrainer(*job)
			if err != nil {
				b.Fatal(err)
			}
			state := trainer.Initial()
			for b.Loop() {
				state.Log = nil
				if state, err = steps[name](trainer, state); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.N*job.Batch)/b.Elapsed().Seconds(), "examples/s")
		})
	}
}

// floatStep is a step whose sums are float32.
func floatStep(t *Trainer, state *State, shards []Shard) (*State, error) {
	pieces := parallel.Divide(shards, parallel.Workers(len(shards)))
	plans, err := t.takePlans(pieces)
	defer t.returnPlans(plans)
	if err != nil {
		return nil, err
	}
	err = parallel.Each(context.Background(), len(pieces), func(_, i int) error {
		return t.run(context.Background(), pieces[i], state, plans[i])
	})
	if err != nil {
		return nil, err
	}
	gradients := plan.NewGradients(t.arrangement)
	sums, weight := floatSums(t, plans, gradients)
	u := t.begin(state, state, &Contribution{}, &StepLog{Step: state.Step + 1, RateFactor: 1, Examples: weight})
	defer u.end()
	u.eachBlock(func(worker, block int) {
		from, to := u.bounds(block)
		mean := u.scratch.workers[worker].mean[:to-from]
		plan.Expand(gradients, mean, from, u.scratch.workers[worker].rest, func(dst []float32, begin int) {
			kernel.Scale(dst, sums[begin:][:len(dst)], float32(1/weight))
		})
		u.scratch.squares[block] = kernel.SumSquares(mean)
		u.change(worker, block)
	})
	u.measured().Norm()
	state.Step++
	t.pool.means.put(sums)
	return state, nil
}

// floatSums adds gradients up block by block on all cores, as a summation does.
func floatSums(t *Trainer, plans []*plan.Groups, gradients *plan.Gradients) (sums []float32, weight float64) {
	sums, ok := t.pool.means.take()
	if !ok {
		sums = make([]float32, t.arrangement.Dense)
	}
	memory := t.takeBlocks(parallel.Workers(math.MaxInt))
	defer t.pool.blocks.put(memory)
	if gradients.Take(plans) {
		for i := range plans {
			gradients.Keep(i)
		}
	}
	blocks := gradients.Blocks()
	// Neither the context nor the work fails.
	_ = parallel.Each(context.Background(), len(blocks), func(worker, i int) error {
		scratch := scratchOf(memory, worker, gradients)
		total, values := scratch.values[0][:blocks[i].Len], scratch.values[1][:blocks[i].Len]
		clear(total)
		for p := range plans {
			for group := range plans[p].Groups() {
				gradients.Reduce(values, i, p, group, scratch.rest)
				kernel.Add(total, total, values)
			}
		}
		plan.Place(gradients, sums, i, total)
		return nil
	})
	for _, p := range plans {
		for _, w := range p.Input().Weights {
			weight += float64(w)
		}
	}
	return sums, weight
}
