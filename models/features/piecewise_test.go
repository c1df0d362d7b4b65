package features

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/penstock-ml/penstock/models/spec"
)

const piecewiseSpec = `
version: 1
name: toy
data: {columns: [x, y, z, label], missing: ["?"]}
label: {column: label, classes: ["no", "yes"]}
features:
  - {name: x, kind: numeric, transform: [piecewise_linear], quantiles: 4}
  - {name: y, kind: numeric, transform: [minmax]}
  - {name: z, kind: bucketize, quantiles: 3}
model: {kind: wide_deep, deep: {numeric: [x, y]}}
training: {optimizer: {wide: {kind: ftrl}, deep: {kind: adam}}}
`

// fitted are the features of the records x = 0 ... 100, y = 10 ... 110, z mostly 0.
func fitPiecewise(t *testing.T) (*spec.Spec, *Fitted) {
	t.Helper()
	s, err := spec.Parse("toy.yaml", []byte(piecewiseSpec))
	if err != nil {
		t.Fatal(err)
	}
	whole := NewStatistics(s)
	for part := range 3 { // in parts, that pass through bytes
		st := NewStatistics(s)
		for i := part; i <= 100; i += 3 {
			z := 0
			if i%10 == 9 {
				z = i
			}
			label := []string{"no", "yes"}[i%2]
			x := fmt.Sprint(i)
			if i == 50 {
				x = "?"
			}
			if err := st.Add([][]byte{[]byte(x), fmt.Appendf(nil, "%d", i+10), fmt.Appendf(nil, "%d", z), []byte(label)}); err != nil {
				t.Fatal(err)
			}
		}
		data, err := st.MarshalBinary()
		if err != nil {
			t.Fatal(err)
		}
		read := new(Statistics)
		if err := read.UnmarshalBinary(data); err != nil {
			t.Fatal(err)
		}
		whole.Merge(read)
	}
	f, err := whole.Fit(s)
	if err != nil {
		t.Fatal(err)
	}
	data, err := Marshal(f)
	if err != nil {
		t.Fatal(err)
	}
	if f, err = Unmarshal(data); err != nil {
		t.Fatal(err)
	}
	return s, f
}

func TestPiecewiseLinear(t *testing.T) {
	s, f := fitPiecewise(t)
	if want := []float64{0, 25, 51, 76, 100}; !slices.Equal(f.Features[0].Boundaries, want) {
		t.Errorf("the intervals of x end at %v, want %v", f.Features[0].Boundaries, want)
	}
	if got := f.Layout(s).Numeric; !slices.Equal(got, []string{"x", "x", "x", "x", "x", "y"}) {
		t.Errorf("the columns are %v", got)
	}
	if want := []float64{9, 59}; !slices.Equal(f.Features[2].Boundaries, want) || f.Layout(s).Categorical[0].Size != 3 {
		t.Errorf("the buckets of z begin at %v, want %v", f.Features[2].Boundaries, want)
	}
	e, err := NewEncoder(s, f)
	if err != nil {
		t.Fatal(err)
	}
	for record, want := range map[string]struct {
		numbers []float32
		id      int32
	}{
		"0,10,0":      {[]float32{0, 0, 0, 0, 0, 0}, 0},
		"-5,60,-1":    {[]float32{0, 0, 0, 0, 0, .5}, 0},
		"38,110,9":    {[]float32{1, .5, 0, 0, 0, 1}, 1},
		"88,35,58.5":  {[]float32{1, 1, 1, .5, 0, .25}, 1},
		"1000,210,59": {[]float32{1, 1, 1, 1, 0, 2}, 2},
	} {
		var rows Rows
		var fields [][]byte
		for _, field := range append(strings.Split(record, ","), "no") {
			fields = append(fields, []byte(field))
		}
		if err := e.Append(&rows, fields); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(rows.Numeric, want.numbers) || rows.IDs[0] != want.id {
			t.Errorf("%s is %v and %v, want %v and %v", record, rows.Numeric, rows.IDs, want.numbers, want.id)
		}
	}
	var rows Rows
	if err := e.Append(&rows, [][]byte{[]byte("?"), []byte("10"), []byte("0"), []byte("no")}); err != nil {
		t.Fatal(err)
	}
	if rows.Numeric[0] != 1 || rows.Numeric[1] <= .9 || rows.Numeric[2] != 0 {
		t.Errorf("a missing x is %v, want where the mean is", rows.Numeric[:4])
	}
}
