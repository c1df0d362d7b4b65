package training

import (
	"bytes"
	"context"
	"fmt"
	"testing"
)

func marshal(t *testing.T, s *State) []byte {
	t.Helper()
	data, err := s.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// However many parts the parameters are cut into, rounds make the same states and report the same figures.
func TestPartsMakeTheWhole(t *testing.T) {
	fixtures := map[string]*fixture{"not clipped": newWideFixture(t, "0"), "small, clipped": newFixture(t, 300)}
	for name, f := range fixtures {
		for _, strategy := range []Strategy{{}, {LocalSteps: 2}, {LocalSteps: 2, Outer: Outer{Rate: 1, Momentum: 0.5}}, {Staleness: 2}} {
			f.job.Strategy = strategy
			trainer := f.trainer(t)
			want := f.run(t, trainer, 3)
			for _, parts := range []int{1, 3, MostParts} {
				t.Run(fmt.Sprintf("%s/%s/%d", name, strategy.Name(), parts), func(t *testing.T) {
					got := f.runParts(t, trainer, parts, 3)
					if !bytes.Equal(marshal(t, want), marshal(t, got)) {
						t.Errorf("the state differs; its log is %+v, want %+v", got.Log, want.Log)
					}
				})
			}
		}
	}
}

// runParts is run with parameters in parts, each of which passes through bytes.
func (f *fixture) runParts(t *testing.T, trainer *Trainer, count, rounds int) *State {
	t.Helper()
	parts := trainer.Cut(count)
	states := make([]*State, count)
	for i, p := range parts {
		states[i] = p.State(trainer.Initial())
	}
	for range rounds {
		total, err := trainer.Contribute(context.Background(), f.shards, trainer.Join(parts, states))
		if err != nil {
			t.Fatal(err)
		}
		measure := &Measure{}
		for i := range parts { // in an order of its own
			p := parts[(i*5+3)%count]
			if count%5 == 0 {
				p = parts[i]
			}
			measure.Merge(p.Measure(p.Contribution(total)))
		}
		norm := measure.Norm()
		for i, p := range parts {
			states[i] = p.Update(stateCopy(t, states[i]), p.Contribution(total), norm)
		}
	}
	return trainer.Join(parts, states)
}

func TestAPartHasItsOwnPieces(t *testing.T) {
	f := newWideFixture(t, "0")
	trainer := f.trainer(t)
	whole := trainer.Initial()
	for i := range whole.Weights {
		whole.Weights[i] = float32(i)
	}
	for _, count := range []int{1, 3, 7, MostParts} {
		seen := make([]int, len(whole.Weights))
		for _, p := range trainer.Cut(count) {
			s := p.State(whole)
			if len(s.Slots) != p.slots || len(s.Weights) != p.total {
				t.Fatalf("a part's state has %d weights and %d slots, want %d and %d", len(s.Weights), len(s.Slots), p.total, p.slots)
			}
			for _, w := range s.Weights {
				seen[int(w)]++
			}
		}
		for i, n := range seen {
			if n != 1 {
				t.Fatalf("of %d parts, %d have weight %d", count, n, i)
			}
		}
	}
}
