package tensorboard

import (
	"encoding/binary"
	"math"
	"slices"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"
	"pgregory.net/rapid"
)

// field finds a field along a path of numbers in a message; its last one if it repeats.
func field(t interface{ Fatal(...any) }, b []byte, path ...protowire.Number) (value []byte, number uint64) {
	err := fields(b, func(f protowire.Number, v []byte, n uint64) error {
		if f == path[0] {
			value, number = v, n
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(path) > 1 {
		return field(t, value, path[1:]...)
	}
	return value, number
}

func doubles(packed []byte) (list []float64) {
	for ; len(packed) > 0; packed = packed[8:] {
		list = append(list, math.Float64frombits(binary.LittleEndian.Uint64(packed)))
	}
	return list
}

// A histogram counts every finite number once, in the bucket whose end is the first that is not below it.
func TestHistograms(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		x := rapid.SliceOf(rapid.Float32()).Draw(t, "numbers")
		v := NewHistogram("weights/a", append(x, float32(math.NaN()), float32(math.Inf(-1))))
		if tag, _ := field(t, v.encoded, 1); string(tag) != "weights/a" {
			t.Fatalf("the tag is %q", tag)
		}
		limits, _ := field(t, v.encoded, 5, 6)
		packed, _ := field(t, v.encoded, 5, 7)
		ends, counts := doubles(limits), doubles(packed)
		if len(ends) != len(counts) || !slices.IsSorted(ends) {
			t.Fatalf("%d ends, %d counts", len(ends), len(counts))
		}
		want := make([]float64, len(ends))
		for _, number := range x {
			want[slices.IndexFunc(ends, func(end float64) bool { return float64(number) <= end })]++
		}
		if !slices.Equal(want, counts) {
			t.Fatalf("the counts are %v, want %v", counts, want)
		}
		for i, number := range []float64{0, 0, float64(len(x))} {
			if len(x) > 0 && i < 2 {
				number = float64([]float32{slices.Min(x), slices.Max(x)}[i])
			}
			if _, bits := field(t, v.encoded, 5, protowire.Number(1+i)); math.Float64frombits(bits) != number {
				t.Fatalf("figure %d is %v, want %v", i, math.Float64frombits(bits), number)
			}
		}
	})
}

func TestTexts(t *testing.T) {
	v := NewText("spec", "# text")
	plugin, _ := field(t, v.encoded, 9, 1, 1)
	text, _ := field(t, v.encoded, 8, 8)
	_, kind := field(t, v.encoded, 8, 1)
	if string(plugin) != "text" || string(text) != "# text" || kind != 7 {
		t.Errorf("plugin %s, text %s, type %d", plugin, text, kind)
	}
}

func TestPRCurves(t *testing.T) {
	v := NewPRCurve("pr", []Threshold{{TruePositives: 4, FalsePositives: 12}, {3, 1, 11, 1}, {0, 0, 12, 4}})
	plugin, _ := field(t, v.encoded, 9, 1, 1)
	content, _ := field(t, v.encoded, 9, 1, 2)
	_, thresholds := field(t, content, 2)
	packed, _ := field(t, v.encoded, 8, 5)
	var got []float32
	for ; len(packed) > 0; packed = packed[4:] {
		got = append(got, math.Float32frombits(binary.LittleEndian.Uint32(packed)))
	}
	want := []float32{4, 3, 0, 12, 1, 0, 0, 11, 12, 0, 1, 4, .25, .75, 1, 1, .75, 0}
	if string(plugin) != "pr_curves" || thresholds != 3 || !slices.Equal(got, want) {
		t.Errorf("plugin %s with %d thresholds: %v, want %v", plugin, thresholds, got, want)
	}
	var sizes []uint64
	shape, _ := field(t, v.encoded, 8, 2)
	if err := fields(shape, func(_ protowire.Number, dim []byte, _ uint64) error {
		_, size := field(t, dim, 1)
		sizes = append(sizes, size)
		return nil
	}); err != nil || !slices.Equal(sizes, []uint64{6, 3}) {
		t.Errorf("the shape is %v, %v", sizes, err)
	}
}
