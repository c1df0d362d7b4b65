package training

import (
	"context"
	"math"
	"strings"
	"testing"
)

// With one shard there is nobody to average with: a local round is as many steps of the strategy sync, but for the
// rounding of the way.
func TestOneShardsRoundIsItsSteps(t *testing.T) {
	f := newFixture(t, 300)
	var err error
	if f.shards, err = PlanShards([]IndexedRange{f.index}, 1); err != nil {
		t.Fatal(err)
	}
	f.job.Shards = 1
	want := f.run(t, f.trainer(t), 12)
	f.job.Strategy.LocalSteps = 4
	got := f.run(t, f.trainer(t), 3)
	if got.Step != 12 || len(got.Log) != 3 {
		t.Fatalf("three rounds of four steps led to step %d with %d logs", got.Step, len(got.Log))
	}
	for i := range want.Weights {
		if d := math.Abs(float64(got.Weights[i] - want.Weights[i])); d > 1e-4 {
			t.Fatalf("weight %d is %v, want %v", i, got.Weights[i], want.Weights[i])
		}
	}
	examples := 0.0
	for _, step := range want.Log[8:] {
		examples += step.Examples
	}
	if got.Log[2].Examples != examples {
		t.Errorf("the last round used %v examples, want %v", got.Log[2].Examples, examples)
	}
}

func TestLocalTrainingLowersTheLoss(t *testing.T) {
	f := newFixture(t, 500)
	f.job.Strategy.LocalSteps = 10
	log := f.run(t, f.trainer(t), 10).Log
	if first, last := log[0].Loss, log[9].Loss; last > 0.6*math.Ln2 || last >= first {
		t.Errorf("the loss went from %v to %v", first, last)
	}
}

func TestALocalShardThatLeavesTheRangeIsLeftOut(t *testing.T) {
	f := newFixture(t, 300)
	f.job.Strategy.LocalSteps = 2
	trainer := f.trainer(t)
	state := trainer.Initial()
	healthy, err := trainer.Contribute(context.Background(), f.shards[1:], state)
	if err != nil {
		t.Fatal(err)
	}
	want := trainer.Update(state, healthy)
	poison(t, trainer, f.shards[0])
	total, err := trainer.Contribute(context.Background(), f.shards, state)
	if err != nil {
		t.Fatal(err)
	}
	got := trainer.Update(state, total)
	if left := got.Log[0].LeftOut; len(left) != 1 || left[0].Shard != 0 || !strings.Contains(left[0].Reason, "not finite") {
		t.Fatalf("left out: %v, want shard 0", left)
	}
	for i := range want.Weights {
		if got.Weights[i] != want.Weights[i] {
			t.Fatalf("weight %d is %v, want %v as without the shard", i, got.Weights[i], want.Weights[i])
		}
	}
}
