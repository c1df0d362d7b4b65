package transforms

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/penstock-ml/penstock/models/training"
)

// FuzzPartRound holds the coder to what a worker may get: a whole round comes back, and anything else is an error.
func FuzzPartRound(f *testing.F) {
	whole, err := encodePartRound(&PartRound{
		Number: 300,
		Total:  &training.Contribution{},
		State:  &training.State{Step: 7, Weights: []float32{1, 2}, Slots: []float32{3}},
	})
	if err != nil {
		f.Fatal(err)
	}
	for n := range whole {
		if _, err := decodePartRound(whole[:n]); err == nil {
			f.Errorf("%d of %d bytes make a round", n, len(whole))
		}
	}
	f.Add(whole)
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := decodePartRound(data)
		if err != nil {
			return
		}
		encoded, err := encodePartRound(r)
		if err != nil {
			t.Fatal(err)
		}
		again, err := decodePartRound(encoded)
		if err != nil || again.Number != r.Number || !cmp.Equal(again.State.Weights, r.State.Weights) || again.State.Step != r.State.Step {
			t.Errorf("%v came back as %v: %v", r, again, err)
		}
	})
}
