package training

import (
	"context"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// A round of the strategy async averages the gradients of the weights of some rounds before, over the batch that it is
// the turn of.
func TestAsyncRoundsReadEarlierWeights(t *testing.T) {
	const staleness, rounds = 3, 9
	f := newFixture(t, 300)
	f.job.Strategy.Staleness = staleness
	trainer := f.trainer(t)
	states := []*State{trainer.Initial()}
	for r := range rounds {
		late := *states[max(0, r-staleness)]
		late.Step = int64(r)
		total, err := trainer.Contribute(context.Background(), f.shards, &late)
		if err != nil {
			t.Fatal(err)
		}
		states = append(states, trainer.Update(states[r], total))
	}
	// The same from any round on, by what the state there remembers.
	for from := range rounds {
		for _, inPlace := range []bool{false, true} {
			got := f.follow(t, trainer, states[:from+1], rounds, inPlace)
			if want := states[rounds].Weights; !slices.Equal(got.Weights, want) {
				t.Fatalf("from round %d on, in place %t, the weights differ:\n%s", from, inPlace, cmp.Diff(want, got.Weights))
			}
		}
	}
}

// follow runs the rounds after some states as a segment does.
func (f *fixture) follow(t *testing.T, trainer *Trainer, before []*State, rounds int, inPlace bool) *State {
	t.Helper()
	staleness, from := trainer.job.Strategy.Staleness, len(before)-1
	start := stateCopy(t, before[from])
	start.Remember(append([]*State(nil), before[max(0, from-staleness):from]...), staleness)
	if want := min(from, staleness); len(start.Past) != want {
		t.Fatalf("after %d rounds a state remembers %d, want %d", from, len(start.Past), want)
	}
	start = stateCopy(t, start)
	start.Keep()
	states := []*State{start}
	for r := from; r < rounds; r++ {
		ahead := min(r-from, staleness)
		total, err := trainer.Contribute(context.Background(), f.shards, states[r-from-ahead].Read(ahead, staleness-ahead))
		if err != nil {
			t.Fatal(err)
		}
		if inPlace {
			states = append(states, trainer.Advance(states[r-from], total))
		} else {
			states = append(states, trainer.Update(states[r-from], total))
		}
	}
	return states[len(states)-1]
}

// Nesterov's momentum, by its definition (Sutskever and others, 2013).
func TestOuterOptimizer(t *testing.T) {
	o := Outer{Rate: 0.5, Momentum: 0.75}
	way, velocity, next := []float32{1, -2}, []float32{4, 8}, make([]float32, 2)
	o.apply(way, velocity, next)
	if diff := cmp.Diff([]float32{4, 4}, next); diff != "" {
		t.Errorf("the velocity differs:\n%s", diff)
	}
	if diff := cmp.Diff([]float32{0.5 * (1 + 0.75*4), 0.5 * (-2 + 0.75*4)}, way); diff != "" {
		t.Errorf("the change differs:\n%s", diff)
	}
	Outer{}.apply(way, nil, nil)
	if diff := cmp.Diff([]float32{2, 0.5}, way); diff != "" {
		t.Errorf("without an outer optimizer the way changed:\n%s", diff)
	}
}
