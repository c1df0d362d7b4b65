package saved

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func drawTensors(t *rapid.T) []Tensor {
	names := rapid.SliceOfNDistinct(rapid.StringMatching(`[a-z<"é/]{1,6}`), 0, 5, rapid.ID).Draw(t, "names")
	tensors := make([]Tensor, len(names))
	for i, name := range names {
		shape := rapid.SliceOfN(rapid.IntRange(0, 4), 0, 3).Draw(t, "shape")
		size, err := elements(shape)
		if err != nil {
			t.Fatal(err)
		}
		tensors[i] = Tensor{name, shape, rapid.SliceOfN(rapid.Float32(), size, size).Draw(t, "data")}
	}
	return tensors
}

func TestTensorsRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		tensors := drawTensors(t)
		data, err := EncodeTensors(tensors)
		if err != nil {
			t.Fatal(err)
		}
		shuffled, err := EncodeTensors(rapid.Permutation(tensors).Draw(t, "order"))
		if err != nil || !bytes.Equal(data, shuffled) {
			t.Fatalf("the bytes depend on the order of the tensors (%v)", err)
		}
		got, err := DecodeTensors(data)
		if err != nil {
			t.Fatal(err)
		}
		want := map[string]Tensor{}
		for _, x := range tensors {
			want[x.Name] = x
		}
		for i, x := range got {
			if diff := cmp.Diff(want[x.Name], x); diff != "" {
				t.Fatalf("tensor %q differs (-want +got):\n%s", x.Name, diff)
			}
			if i > 0 && got[i-1].Name >= x.Name {
				t.Fatalf("tensor %q comes after %q", x.Name, got[i-1].Name)
			}
		}
		if len(got) != len(tensors) {
			t.Fatalf("%d tensors came back, want %d", len(got), len(tensors))
		}
	})
}

// TestTensorsGolden pins the file that Python's safetensors writes for the same
// arrays, the hash of an export depends on it.
func TestTensorsGolden(t *testing.T) {
	data, err := EncodeTensors([]Tensor{{"w", []int{2, 1}, []float32{1, -0.5}}, {"b", nil, []float32{2}}})
	if err != nil {
		t.Fatal(err)
	}
	header := `{"b":{"dtype":"F32","shape":[],"data_offsets":[0,4]},"w":{"dtype":"F32","shape":[2,1],"data_offsets":[4,12]}}`
	header += strings.Repeat(" ", (8-len(header)%8)%8)
	want := hex.EncodeToString(binary.LittleEndian.AppendUint64(nil, uint64(len(header)))) +
		hex.EncodeToString([]byte(header)) + "00000040" + "0000803f" + "000000bf"
	if got := hex.EncodeToString(data); got != want {
		t.Errorf("the file is\n%s, want\n%s", got, want)
	}
}

func TestEncodeTensorsErrors(t *testing.T) {
	tests := []struct {
		tensors []Tensor
		want    string
	}{
		{[]Tensor{{"w", []int{2, 3}, make([]float32, 5)}}, `tensor "w" has the shape [2 3] but 5 elements`},
		{[]Tensor{{"w", nil, nil}}, `tensor "w" has the shape [] but 0 elements`},
		{[]Tensor{{"w", []int{-1}, nil}}, "negative dimension"},
		{[]Tensor{{"w", []int{math.MaxInt, 4}, nil}}, "too many elements"},
		{[]Tensor{{"w", []int{0}, nil}, {"w", []int{0}, nil}}, `two tensors are named "w"`},
		{[]Tensor{{"", []int{0}, nil}}, `"" is no name`},
		{[]Tensor{{"\xff", []int{0}, nil}}, "is no name"},
		{[]Tensor{{"__metadata__", []int{0}, nil}}, "is no name"},
	}
	for _, test := range tests {
		if _, err := EncodeTensors(test.tensors); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("EncodeTensors(%v) returned %v, want %q", test.tensors, err, test.want)
		}
	}
}

// file makes a safetensors file by hand.
func file(header string, data ...byte) []byte {
	b := binary.LittleEndian.AppendUint64(nil, uint64(len(header)))
	return append(append(b, header...), data...)
}

func TestDecodeTensorsErrors(t *testing.T) {
	tests := map[string]struct {
		data []byte
		want string
	}{
		"empty":     {nil, "header too small"},
		"truncated": {file(`{"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}`, 1, 2, 3), "incomplete buffer"},
		"trailing":  {file(`{"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}`, 1, 2, 3, 4, 5), "incomplete buffer"},
		"type":      {file(`{"w":{"dtype":"F16","shape":[2],"data_offsets":[0,4]}}`, 1, 2, 3, 4), `tensor "w" is of type F16; only F32`},
		"shape":     {file(`{"w":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}`, 1, 2, 3, 4), "offsets mismatch"},
		"bomb":      {file(`{"w":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,0]}}`), "elements"},
		"huge zero": {file(`{"w":{"dtype":"F32","shape":[18446744073709551615,0],"data_offsets":[0,0]}}`), "dimension 0"},
		"header":    {[]byte{255, 255, 255, 255, 255, 255, 255, 127}, "header too large"},
		"twice": {file(`{"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}`, 1, 2, 3, 4),
			`two tensors are named "w"`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if _, err := DecodeTensors(test.data); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("DecodeTensors returned %v, want %q", err, test.want)
			}
		})
	}
}

// FuzzTensors holds that what is accepted survives another round.
func FuzzTensors(f *testing.F) {
	data, err := EncodeTensors([]Tensor{{"w", []int{2, 1}, []float32{1, -0.5}}, {"b", nil, []float32{2}}})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Add(file(`{"__metadata__":{"a":"b"},"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}`, 1, 2, 3, 4))
	f.Fuzz(func(t *testing.T, data []byte) {
		tensors, err := DecodeTensors(data)
		if err != nil {
			return
		}
		encoded, err := EncodeTensors(tensors)
		if err != nil {
			t.Fatalf("what was decoded cannot be encoded: %v", err)
		}
		again, err := DecodeTensors(encoded)
		if err != nil || len(again) != len(tensors) {
			t.Fatalf("%d tensors became %d (%v)", len(tensors), len(again), err)
		}
	})
}
