package features

import (
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func targetSpec(label string) string {
	return `
version: 1
name: target
data: {columns: [x, y, w], missing: [NA]}
` + label + `
features: [{name: x, kind: numeric}]
model: {kind: none}
`
}

// encodeAll are the labels and weights of records that are also the training data.
func encodeAll(t *testing.T, label, records string) (*Fitted, Rows) {
	t.Helper()
	s := parse(t, targetSpec(label))
	f := fit(t, s, split(records))
	e := newEncoder(t, s, f)
	var rows Rows
	for _, r := range split(records) {
		if err := e.Append(&rows, r); err != nil {
			t.Fatal(err)
		}
	}
	return f, rows
}

func TestClassesAreNumbered(t *testing.T) {
	f, rows := encodeAll(t, "label: {column: y}", "1,b,1\n1,c,1\n1,a,1\n1,b,1\n")
	if diff := cmp.Diff([]float32{1, 2, 0, 1}, rows.Labels); diff != "" {
		t.Errorf("classes found in the data are sorted:\n%s", diff)
	}
	if diff := cmp.Diff(FittedLabel{Column: "y", Classes: []string{"a", "b", "c"}, Counts: []int64{1, 2, 1}}, f.Label); diff != "" {
		t.Error(diff)
	}
	if target := f.Layout(parse(t, targetSpec("label: {column: y}"))).Target; target.Width() != 3 {
		t.Errorf("the target is %+v", target)
	}
	_, rows = encodeAll(t, "label: {column: y, classes: [c, b, a]}", "1,b,1\n1,c,1\n1,a,1\n")
	if diff := cmp.Diff([]float32{1, 0, 2}, rows.Labels); diff != "" {
		t.Errorf("classes have the order of the spec:\n%s", diff)
	}
}

func TestNumbersAreStandardised(t *testing.T) {
	f, rows := encodeAll(t, "label: {column: y, kind: regression}", "1,10,1\n1,-20,1\n1,40,1\n")
	deviation := math.Sqrt(600)
	if diff := cmp.Diff(&FittedNumber{Mean: 10, Deviation: deviation, Min: -20, Max: 40}, f.Label.Number); diff != "" {
		t.Error(diff)
	}
	want := []float32{0, float32(-30 / deviation), float32(30 / deviation)}
	if diff := cmp.Diff(want, rows.Labels); diff != "" {
		t.Error(diff)
	}
}

func TestWeightsHaveMeanOne(t *testing.T) {
	f, rows := encodeAll(t, "label: {column: y}\nweight: w", "1,a,2\n1,b,0\n1,a,7\n")
	if diff := cmp.Diff(&FittedWeight{Column: "w", Mean: 3}, f.Weight); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]float32{2. / 3, 0, 7. / 3}, rows.Weights, cmpopts.EquateApprox(0, 1e-7)); diff != "" {
		t.Error(diff)
	}
}

func TestTargetErrors(t *testing.T) {
	for _, test := range []struct{ label, record, want string }{
		{"label: {column: y, kind: regression}", "1,red,1", `column y: "red" is not a decimal number; correct it, or list it in data.missing if it stands for no value`},
		{"label: {column: y, kind: regression}", "1,NA,1", `column y has no value, and it is the label; give it one, or remove the record`},
		{"label: {column: y}\nweight: w", "1,a,-1", `column w: "-1" is below 0, and it is the weight; correct it`},
		{"label: {column: y}\nweight: w", "1,a,", `column w has no value, and it is the weight; give it one, 0 for a record that shall not count`},
		{"label: {column: y, classes: [a, b, c, d, e, f, g]}", "1,z,1", `column y: "z" is not a class; label.classes has "a", "b", "c", "d", "e" and 2 others`},
	} {
		st := NewStatistics(parse(t, targetSpec(test.label)))
		if err := st.Add(split(test.record)[0]); err == nil || err.Error() != test.want {
			t.Errorf("%s: got %v\nwant %s", test.record, err, test.want)
		}
		if st.Records() != 0 {
			t.Errorf("%s was counted", test.record)
		}
	}
}

func TestTargetsThatCannotBeLearnt(t *testing.T) {
	for _, test := range []struct{ label, records, want string }{
		{"label: {column: y, kind: regression}", "1,5,1\n1,5,1\n", "is 5 in every record"},
		{"label: {column: y}\nweight: w", "1,a,0\n1,b,0\n", "its sum over the training data is 0"},
	} {
		s := parse(t, targetSpec(test.label))
		st := NewStatistics(s)
		for _, r := range split(test.records) {
			if err := st.Add(r); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := st.Fit(s); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("got %v, want %q", err, test.want)
		}
	}
}
