package training

import (
	"bytes"
	"encoding"
	"testing"
)

// fuzzCodec requires that bytes are refused, or accepted as a value that has a form of its own.
func fuzzCodec[T any, P interface {
	*T
	encoding.BinaryMarshaler
	encoding.BinaryUnmarshaler
}](f *testing.F, seeds ...P) {
	for _, seed := range seeds {
		data, err := seed.MarshalBinary()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var first, second T
		if P(&first).UnmarshalBinary(data) != nil {
			return
		}
		want, err := P(&first).MarshalBinary()
		if err != nil {
			t.Skip(err) // JSON takes what it would not write
		}
		if err := P(&second).UnmarshalBinary(want); err != nil {
			t.Fatal(err)
		}
		if got, err := P(&second).MarshalBinary(); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%x became %x, and that %x: %v", data, want, got, err)
		}
	})
}

func FuzzContribution(f *testing.F) {
	fuzzCodec(f, &Contribution{}, &Contribution{
		Shards: 2, Weight: 3, Loss: -1, Dense: []int64{1, -2}, Sparse: []SparseSum{{}, {Rows: []int32{4, 7}, Values: []int64{1, 2, 3, 4}}},
		LeftOut: []Omission{{Shard: 3, Reason: "of a reason"}},
	})
}

func FuzzState(f *testing.F) {
	fuzzCodec(f, &State{}, &State{
		Step: 7, Weights: []float32{1, -2}, Slots: []float32{0.5}, Past: [][]float32{{3, 4}, nil}, Log: []StepLog{{Step: 7, Loss: 0.25}},
	})
}
