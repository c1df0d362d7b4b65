package training

import (
	"bytes"
	"encoding"
	"slices"
	"testing"
)

// Numbers are little-endian on any processor: one that has the other order turns each of them around.
func TestOrderOfBytes(t *testing.T) {
	native := littleEndian
	defer func() { littleEndian = native }()
	for _, turn := range []bool{false, true} {
		littleEndian = native != turn
		var w writer
		w.int64s([]int64{1, -2})
		w.int32s([]int32{0x01020304})
		w.float32s([]float32{1})
		want := "\x02\x00\x00\x00\x00\x00\x00\x00" + "\x01\x00\x00\x00\x00\x00\x00\x00" + "\xfe\xff\xff\xff\xff\xff\xff\xff" +
			"\x01\x00\x00\x00\x00\x00\x00\x00" + "\x04\x03\x02\x01" + "\x01\x00\x00\x00\x00\x00\x00\x00" + "\x00\x00\x80\x3f"
		if turn {
			want = "\x02\x00\x00\x00\x00\x00\x00\x00" + "\x00\x00\x00\x00\x00\x00\x00\x01" + "\xff\xff\xff\xff\xff\xff\xff\xfe" +
				"\x01\x00\x00\x00\x00\x00\x00\x00" + "\x01\x02\x03\x04" + "\x01\x00\x00\x00\x00\x00\x00\x00" + "\x3f\x80\x00\x00"
		}
		if string(w) != want {
			t.Errorf("turned around: %t: %x, want %x", turn, w, want)
		}
		r := &reader{data: w}
		if x, y, z := r.int64s(), r.int32s(), r.float32s(); !slices.Equal(x, []int64{1, -2}) || !slices.Equal(y, []int32{0x01020304}) || !slices.Equal(z, []float32{1}) || r.finish() != nil {
			t.Errorf("turned around: %t: read %v, %v, %v, %v", turn, x, y, z, r.err)
		}
	}
}

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
