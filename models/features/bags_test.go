package features

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/penstock-ml/penstock/models/alloctest"
)

const bagsSpec = `
version: 1
name: bags
data: {columns: [tags, y], missing: [none]}
label: {column: y, classes: ["no", "yes"]}
features:
  - {name: first, kind: vocabulary, column: tags}
  - {name: tags, kind: vocabulary, separator: "|", min_count: 2}
  - {name: hashed, kind: hash, column: tags, separator: "|", buckets: 100}
model: {kind: none}
`

var bagsRecords = "red|blue,no\nred, yes\nblue|green | red,no\nnone,yes\nred|red||blue,no\n"

func TestSeveralValues(t *testing.T) {
	s := parse(t, bagsSpec)
	f := fit(t, s, split(strings.ReplaceAll(bagsRecords, ", ", ",")))
	tags, hashed := f.Features[1], f.Features[2]
	if diff := cmp.Diff([]string{"red", "blue"}, tags.Vocabulary); diff != "" {
		t.Error(diff)
	}
	if tags.Values != 3 || tags.Size != 2+1+1 || hashed.Values != 3 || hashed.Size != 101 {
		t.Errorf("tags: %+v, hashed: %+v", tags, hashed)
	}
	names := []string{}
	for _, c := range f.Layout(s).Categorical {
		names = append(names, c.Name)
	}
	if want := []string{"first", "tags", "tags", "tags", "hashed", "hashed", "hashed"}; !slices.Equal(names, want) {
		t.Errorf("the columns are %v", names)
	}
	e := newEncoder(t, s, f)
	const red, blue, other, none = 0, 1, 2, 3
	for record, want := range map[string][]int32{
		"red|blue":         {red, blue, none},
		" blue ":           {blue, none, none},
		"none":             {none, none, none},
		"":                 {none, none, none},
		"||":               {none, none, none},
		"green|red|red":    {other, red, none},
		"a|b|red|blue|c":   {other, other, red}, // training had three at most
		"blue||  |red|red": {blue, red, none},
	} {
		var rows Rows
		if err := e.AppendUnlabelled(&rows, [][]byte{[]byte(record), nil}); err != nil {
			t.Fatal(err)
		}
		if got := rows.IDs[1:4]; !slices.Equal(got, want) {
			t.Errorf("%q has the ids %v, want %v", record, got, want)
		}
		if got, want := rows.IDs[4], hash("red", 100); strings.HasPrefix(record, "red") && got != want {
			t.Errorf("%q has the hash %d, want %d", record, got, want)
		}
	}
}

func TestSeveralValuesDoNotAllocate(t *testing.T) {
	s := parse(t, bagsSpec)
	records := split(strings.ReplaceAll(bagsRecords, ", ", ","))
	e := newEncoder(t, s, fit(t, s, records))
	st := NewStatistics(s)
	var rows Rows
	alloctest.None(t, "encoding and counting", 20, func() {
		rows.Reset()
		for _, r := range records {
			if err := e.Append(&rows, r); err != nil {
				t.Fatal(err)
			}
			if err := st.Add(r); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// Statistics of parts, merged in any order and through their bytes, are those of the whole.
func TestSeveralValuesMerge(t *testing.T) {
	s := parse(t, bagsSpec)
	records := split(strings.ReplaceAll(bagsRecords, ", ", ","))
	want, err := Marshal(fit(t, s, records))
	if err != nil {
		t.Fatal(err)
	}
	whole := NewStatistics(s)
	for i := range slices.Backward(records) {
		part := NewStatistics(s)
		if err := part.Add(records[i]); err != nil {
			t.Fatal(err)
		}
		read := new(Statistics)
		if err := read.UnmarshalBinary(statisticsBytes(t, part)); err != nil {
			t.Fatal(err)
		}
		whole.Merge(read)
	}
	fitted, err := whole.Fit(s)
	if err != nil {
		t.Fatal(err)
	}
	got, err := Marshal(fitted)
	if err != nil || string(got) != string(want) {
		t.Errorf("%v\n%s", err, cmp.Diff(string(want), string(got)))
	}
}
