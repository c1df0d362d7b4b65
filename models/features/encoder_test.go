package features

import (
	"math"
	"strings"
	"testing"

	"github.com/cespare/xxhash/v2"
	"github.com/google/go-cmp/cmp"
	"github.com/penstock-ml/penstock/models/alloctest"
	"github.com/penstock-ml/penstock/models/spec"
)

func TestLayout(t *testing.T) {
	s := parse(t, every)
	want := &Layout{
		Numeric: []string{"n", "raw", "raw"}, // the second tells missing values
		Categorical: []Categorical{
			{"triple", 5},     // more than 5 combinations, so hashed
			{"colour", 3 + 2}, // no missing ones
			{"size", 4 + 1},   // and one for missing
			{"level", 3 + 2},  // four intervals and one for missing
			{"pair", 5 * 5},   // fewer than 100 combinations, so exact
		},
		Target: Target{Outputs: 1, Loss: spec.LogLoss},
	}
	f := fit(t, s, split(everyRecords))
	if diff := cmp.Diff(want, f.Layout(s)); diff != "" {
		t.Fatal(diff)
	}
	if diff := cmp.Diff(want, newEncoder(t, s, f).Layout()); diff != "" {
		t.Fatal(diff)
	}
}

func hash(text string, buckets uint64) int32 { return int32(xxhash.Sum64String(text) % buckets) }

func TestEncode(t *testing.T) {
	s := parse(t, every)
	e := newEncoder(t, s, fit(t, s, split(everyRecords)))
	s0, m0 := hash("S", 4), hash("M", 4)
	for _, c := range []struct {
		name, record             string
		colour, size, level, raw float64
	}{
		// green occurs three times, blue and red twice, black too rarely.
		{"the most frequent value", "0,1,green,S,no,a", 0, float64(s0), 1, 1},
		{"equally frequent ones, by bytes", "0,1,blue,S,no,a", 1, float64(s0), 1, 1},
		{"the last one", "0,1,red,M,no,a", 2, float64(m0), 1, 1},
		{"below min_count", "0,1,black,S,no,a", 3 + float64(hash("black", 2)), float64(s0), 1, 1},
		{"never seen", "0,1,mauve,XXL,no,a", 3 + float64(hash("mauve", 2)), float64(hash("XXL", 4)), 1, 1},
		{"space around values", " 0 ,\t1, green , S , no ,a", 0, float64(s0), 1, 1},
		{"a missing number", "0,?,green,S,no,a", 0, float64(s0), 4, 5.083333333333333},
		{"a missing text", "0,1,green,,no,a", 0, 4, 1, 1},
		{"a marker", "0,1,green,NA,no,a", 0, 4, 1, 1},
		{"below all boundaries", "0,-1e-9,green,S,no,a", 0, float64(s0), 0, -1e-9},
		{"at the first boundary", "0,-0,green,S,no,a", 0, float64(s0), 1, 0},
		{"just below the second", "0,1.4999,green,S,no,a", 0, float64(s0), 1, 1.4999},
		{"at the second", "0,1.5,green,S,no,a", 0, float64(s0), 2, 1.5},
		{"above all", "0,1e9,green,S,no,a", 0, float64(s0), 3, 1e9},
	} {
		var rows Rows
		if err := e.Append(&rows, split(c.record)[0]); err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		pair := int32(c.level)*5 + int32(c.size)
		got := append([]int32{}, rows.IDs[1:]...)
		want := []int32{int32(c.colour), int32(c.size), int32(c.level), pair}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: ids of colour, size, level, pair:\n%s", c.name, diff)
		}
		if rows.Numeric[1] != float32(c.raw) {
			t.Errorf("%s: raw is %v, want %v", c.name, rows.Numeric[1], c.raw)
		}
		if id := rows.IDs[0]; id < 0 || id >= 5 {
			t.Errorf("%s: the hashed cross is %d", c.name, id)
		}
	}
}

func TestHashedCrossUsesEveryPart(t *testing.T) {
	s := parse(t, strings.ReplaceAll(every, "buckets: 5", "buckets: 124"))
	e := newEncoder(t, s, fit(t, s, split(everyRecords)))
	var rows Rows
	for _, r := range split("0,1,red,S,no,a\n0,1,blue,S,no,a\n0,1,red,M,no,a\n0,9,red,S,no,a\n0,1,red,S,yes,b\n") {
		if err := e.Append(&rows, r); err != nil {
			t.Fatal(err)
		}
	}
	id := func(row int) int32 { return rows.IDs[row*5] }
	if id(0) == id(1) || id(0) == id(2) || id(0) == id(3) || id(0) != id(4) {
		t.Fatalf("ids %d, changed colour %d, size %d, level %d; nothing changed %d", id(0), id(1), id(2), id(3), id(4))
	}
}

func TestZScore(t *testing.T) {
	s := parse(t, every)
	f := fit(t, s, split(everyRecords))
	e := newEncoder(t, s, f)
	var rows Rows
	for _, r := range split(everyRecords) {
		if err := e.Append(&rows, r); err != nil {
			t.Fatal(err)
		}
	}
	var sum, squares, mean float64
	for i := range rows.N {
		x := float64(rows.Numeric[len(rows.Numeric)/rows.N*i])
		sum += x
		squares += x * x
		mean += math.Log1p(float64(i)) / 8
	}
	if math.Abs(sum) > 1e-6 || math.Abs(squares-8) > 1e-5 {
		t.Errorf("standardised values have the sum %v and the sum of squares %v, want 0 and 8", sum, squares)
	}
	if got := f.Features[1].Number.Mean; math.Abs(got-mean) > 1e-12 {
		t.Errorf("the mean is %v, want %v", got, mean)
	}
	if want := []float32{0, 1, 0, 1, 0, 0, 1, 0}; cmp.Diff(want, rows.Labels) != "" || rows.Weights[7] != 1 {
		t.Errorf("labels %v, weights %v", rows.Labels, rows.Weights)
	}
}

func TestMissingAndConstantNumbersAreZeroAfterZScore(t *testing.T) {
	const numbers = `
version: 1
name: numbers
data: {columns: [a, b, y]}
label: {column: y}
features: [{name: a, kind: numeric, transform: [zscore]}, {name: b, kind: numeric, transform: [zscore]}]
model: {kind: none}
`
	s := parse(t, numbers)
	e := newEncoder(t, s, fit(t, s, split("1,7,u\n3,7,v\n,7,v\n")))
	var rows Rows
	for _, r := range split(",7,u\n1,8,v\n") {
		if err := e.Append(&rows, r); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff([]float32{0, 1, 0, -1, 0, 0}, rows.Numeric); diff != "" {
		t.Fatal(diff)
	}
	if diff := cmp.Diff([]float32{0, 1}, rows.Labels); diff != "" {
		t.Fatalf("classes found in the data are sorted:\n%s", diff)
	}
}

func TestColumnErrors(t *testing.T) {
	s := parse(t, strings.ReplaceAll(every, "oov_buckets: 2, min_count: 2, top_k: 3", "oov_buckets: 0"))
	e := newEncoder(t, s, fit(t, s, split(everyRecords)))
	for record, want := range map[string]string{
		"x,1,red,S,no,a":     `column n: "x" is not a decimal number; correct it, or list it in data.missing if it stands for no value`,
		"0x1F,1,red,S,no,a":  `column n: "0x1F" is not a decimal number; correct it, or list it in data.missing if it stands for no value`,
		"1_000,1,red,S,no,a": `column n: "1_000" is not a decimal number; correct it, or list it in data.missing if it stands for no value`,
		"inf,1,red,S,no,a":   `column n: "inf" is not a decimal number; correct it, or list it in data.missing if it stands for no value`,
		"1e400,1,red,S,no,a": `column n: "1e400" is beyond the range of float64; correct it`,
		"-1,1,red,S,no,a":    `column n: "-1" has no log1p, which is defined above -1; correct the value, or remove log1p from the feature's transform`,
		"1,1e39,red,S,no,a":  `column m: "1e39" is beyond the range of float32; correct it, or scale the feature by zscore`,
		",1,red,S,no,a":      "column n has no value, and every record of the training data had one; give it a value",
		"1,1,?,S,no,a":       "column colour has no value, and every record of the training data had one; give it a value",
		"1,1,mauve,S,no,a":   `column colour: "mauve" is not in the vocabulary; correct it, or train with oov_buckets of at least 1`,
		"1,1,red,S,maybe,a":  `column y: "maybe" is not a class; the model was trained on "no" and "yes"`,
		"1,1,red,S,,a":       "column y has no value, and it is the label; give it one, or remove the record",
		"1,1,red":            "column y has no value, and it is the label; give it one, or remove the record",
	} {
		rows := Rows{N: 1, Numeric: []float32{1, 2}, IDs: []int32{1, 2, 3, 4, 5}, Labels: []float32{1}, Weights: []float32{1}}
		before := rows
		err := e.Append(&rows, split(record)[0])
		if err == nil || err.Error() != want {
			t.Errorf("%s: got %v\nwant %s", record, err, want)
		}
		if diff := cmp.Diff(before, rows); diff != "" {
			t.Errorf("%s changed the rows:\n%s", record, diff)
		}
	}
}

func TestUnlabelledRecordsNeedNoLabel(t *testing.T) {
	s := parse(t, every)
	e := newEncoder(t, s, fit(t, s, split(everyRecords)))
	var rows Rows
	if err := e.AppendUnlabelled(&rows, [][]byte{[]byte("1"), nil, []byte("red"), nil, nil, []byte(" k 1")}); err != nil {
		t.Fatal(err)
	}
	if rows.N != 1 || len(rows.Labels) != 0 || len(rows.Weights) != 0 {
		t.Fatalf("got %+v", rows)
	}
	if key := e.Key([][]byte{nil, nil, nil, nil, nil, []byte(" k 1")}); string(key) != " k 1" {
		t.Fatalf("the key is %q", key)
	}
	if key := e.Key([][]byte{nil}); key != nil {
		t.Fatalf("an absent key is %q", key)
	}
}

func TestKeepSpace(t *testing.T) {
	s := parse(t, strings.ReplaceAll(every, "data: {", "data: {keep_space: true, "))
	e := newEncoder(t, s, fit(t, s, split(everyRecords)))
	var rows Rows
	if err := e.AppendUnlabelled(&rows, split(" 1, 1.5, red, S")[0]); err != nil {
		t.Fatal(err)
	}
	if got, want := rows.IDs[1:4], []int32{3 + hash(" red", 2), hash(" S", 4), 2}; cmp.Diff(want, got) != "" {
		t.Fatalf("got %v, want %v", got, want)
	}
}

func TestEncoderDoesNotAllocate(t *testing.T) {
	s := parse(t, every)
	records := split(everyRecords + "1,2.5e-1,never seen,unknown,yes,z\n")
	e := newEncoder(t, s, fit(t, s, split(everyRecords)))
	var rows Rows
	encode := func() {
		rows.Reset()
		for _, r := range records {
			if err := e.Append(&rows, r); err != nil {
				t.Error(err)
			}
		}
	}
	encode()
	alloctest.None(t, "encoding", 100, encode)
}

func TestEncoderRefusesOtherFeatures(t *testing.T) {
	s := parse(t, every)
	for name, change := range map[string]func(*Fitted){
		"fewer features":      func(f *Fitted) { f.Features = f.Features[1:] },
		"another name":        func(f *Fitted) { f.Features[1].Name = "m" },
		"another kind":        func(f *Fitted) { f.Features[3].Kind = "hash" },
		"another size":        func(f *Fitted) { f.Features[4].Size++ },
		"a shorter list":      func(f *Fitted) { f.Features[3].Vocabulary = f.Features[3].Vocabulary[1:] },
		"no mean":             func(f *Fitted) { f.Features[1].Number = nil },
		"a cross beyond size": func(f *Fitted) { f.Features[0].Size = 6 },
		"one class":           func(f *Fitted) { f.Label.Classes = f.Label.Classes[1:] },
	} {
		f := fit(t, s, split(everyRecords))
		change(f)
		if _, err := NewEncoder(s, f); err == nil || !strings.Contains(err.Error(), "run the analysis again") {
			t.Errorf("%s: got %v", name, err)
		}
	}
}
