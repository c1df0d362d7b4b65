package training

import (
	"bytes"
	"context"
	"math"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/penstock-ml/penstock/models/kernel"
	"github.com/penstock-ml/penstock/models/spec"
)

// newWideFixture has dense parameters of many blocks.
func newWideFixture(t *testing.T, clip string) *fixture {
	t.Helper()
	f := newFixture(t, 300)
	text := strings.NewReplacer("hidden: [5]", "hidden: [300, 300]", "clip_norm: 0.2", "clip_norm: "+clip).Replace(sparseSpec)
	s, err := spec.Parse("spec.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	f.job.Spec = s
	return f
}

// silence makes some units of each layer of a wide model zero for every row.
func silence(trainer *Trainer, state *State) {
	for _, p := range trainer.arrangement.Params {
		if p.Size() != 300 {
			continue // no bias of a hidden layer
		}
		for i := 0; i < 300; i += 3 {
			state.Weights[p.Offset+i] = -1000
		}
	}
}

// whole updates a state parameter by parameter, with no blocks.
func whole(t *Trainer, state *State, total *Contribution) *State {
	next := &State{Step: state.Step + 1, Weights: slices.Clone(state.Weights), Slots: slices.Clone(state.Slots)}
	mean := make([]float32, t.arrangement.Dense)
	kernel.FixedMean(mean, total.dense(), float(total.Weight))
	squares := kernel.SumSquares(mean)
	var tables [][]float32
	for _, s := range total.Sparse {
		table := make([]float32, len(s.Values))
		kernel.FixedMean(table, s.Values, float(total.Weight))
		squares += kernel.SumSquares(table)
		tables = append(tables, table)
	}
	if clip, norm := t.job.Spec.Training.ClipNorm, math.Sqrt(squares); clip > 0 && norm > clip {
		for _, g := range append([][]float32{mean}, tables...) {
			kernel.Scale(g, g, float32(clip/norm))
		}
	}
	for i := range t.rules {
		r := &t.rules[i]
		if r.param.Sparse {
			r.applyRows(next.Step, 1, r.weightsOf(next.Weights), r.slotsOf(next.Slots), total.Sparse[0].Rows, tables[0])
			continue
		}
		r.optimizer.Apply(next.Step, 1, r.weightsOf(next.Weights), r.slotsOf(next.Slots), r.weightsOf(mean))
	}
	return next
}

// Blocks, and the cores that they are spread over, do not show.
func TestUpdatesByBlocksAreUpdatesOfTheWhole(t *testing.T) {
	for _, clip := range []string{"0", "0.01", "1000"} {
		f := newWideFixture(t, clip)
		trainer := f.trainer(t)
		if blocks := trainer.arrangement.Dense / updateBlock; blocks < 2*mostPieceBlocks {
			t.Fatalf("%d blocks are too few to be spread over cores", blocks)
		}
		state := trainer.Initial()
		for round := range 4 {
			if round == 1 {
				silence(trainer, state)
			}
			total, err := trainer.Contribute(context.Background(), f.shards, state)
			if err != nil {
				t.Fatal(err)
			}
			if compact := len(total.compact) > 0; compact != (round > 0) {
				t.Fatalf("round %d: sums that leave out zeros: %t", round, compact)
			}
			want, err := whole(trainer, state, total).MarshalBinary()
			if err != nil {
				t.Fatal(err)
			}
			for _, cores := range []int{1, 2, 4} {
				before := runtime.GOMAXPROCS(cores)
				next := trainer.Update(state, total)
				runtime.GOMAXPROCS(before)
				next.Log = nil
				got, err := next.MarshalBinary()
				if err != nil {
					t.Fatal(err)
				}
				if !bytes.Equal(got, want) {
					t.Errorf("clipped to %s, on %d cores: another state than that of the whole", clip, cores)
				}
				if cores == 4 {
					state = next
				}
			}
		}
	}
}
