package spec

import (
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/penstock-ml/penstock/models/records"
)

func census(t testing.TB) string {
	t.Helper()
	data, err := os.ReadFile("../../testdata/census.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// minimal is the shortest spec; more lines may follow it.
const minimal = `version: 1
name: m
label: {column: y}
features: [{name: x, kind: numeric}]
model: {kind: k}
`

func parse(t testing.TB, text string) *Spec {
	t.Helper()
	s, err := Parse("m.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// equal compares everything but the positions in the file.
func equal(t testing.TB, want, got *Spec) {
	t.Helper()
	if diff := cmp.Diff(want, got, cmpopts.IgnoreUnexported(Spec{})); diff != "" {
		t.Fatalf("the specs differ (-want +got):\n%s", diff)
	}
}

func TestCensusParses(t *testing.T) {
	s := parse(t, census(t))
	if len(s.Data.Columns) != 15 || s.Label.Column != "income_bracket" || s.Model.Kind != "wide_deep" {
		t.Fatalf("got %d columns, the label %s and a %s model", len(s.Data.Columns), s.Label.Column, s.Model.Kind)
	}
	if f, ok := s.Feature("age_bucket"); !ok || f.Column != "age" || !f.Categorical() {
		t.Fatalf("age_bucket is %+v", f)
	}
	if _, ok := s.Feature("age_bucked"); ok {
		t.Fatal("found a feature that is not there")
	}
	want := records.Format{Kind: "csv", Delimiter: ',', Columns: s.Data.Columns}
	if diff := cmp.Diff(want, s.Format()); diff != "" {
		t.Fatal(diff)
	}
}

func TestDefaults(t *testing.T) {
	s := parse(t, minimal+`
training: {optimizer: {a: {kind: adam, beta1: 0}, f: {kind: ftrl, l1: 2}}}
`)
	want := &Spec{
		Version:  1,
		Name:     "m",
		Data:     Data{Format: FormatCSV, Delimiter: ","},
		Label:    Label{Column: "y", Kind: Classification},
		Features: []Feature{{Name: "x", Kind: Numeric, Column: "x"}},
		Model:    Section{Kind: "k"},
		Training: Training{
			BatchSize: 512,
			Loss:      LogLoss,
			Schedule:  Schedule{Kind: Constant},
			Optimizer: map[string]Optimizer{
				"a": {Kind: Adam, LearningRate: 0.001, Beta2: 0.999, Epsilon: 1e-8},
				"f": {Kind: FTRL, LearningRate: 0.1, Beta: 1, L1: 2},
			},
		},
	}
	equal(t, want, s)
}

func TestTextIsTakenAsWritten(t *testing.T) {
	s := parse(t, `
version: 1
name: 0x10
data: {missing: [~, null, -9, NaN], columns: [1, 010, yes]}
label: {column: 1, classes: [no, yes]}
features: [{name: on, kind: vocabulary, column: 010}]
model: {kind: k}
`)
	got := []string{s.Name, s.Label.Column, s.Features[0].Name, s.Features[0].Column}
	got = append(append(append(got, s.Data.Missing...), s.Data.Columns...), s.Label.Classes...)
	want := []string{"0x10", "1", "on", "010", "~", "null", "-9", "NaN", "1", "010", "yes", "no", "yes"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatal(diff)
	}
}

func TestMarshalIsTheResolvedSpec(t *testing.T) {
	for name, text := range map[string]string{"census": census(t), "minimal": minimal} {
		s := parse(t, text)
		written, err := s.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		again := parse(t, string(written))
		equal(t, s, again)
		if twice, _ := again.Marshal(); string(twice) != string(written) {
			t.Errorf("%s: marshalled again it is\n%s, at first it was\n%s", name, twice, written)
		}
	}
}

func TestMarshalDoesNotDependOnTheOrderOfKeys(t *testing.T) {
	a := parse(t, minimal+"data: {header: true, missing: ['?']}\n")
	b := parse(t, `
data:
  missing: # the same, written differently
    - "?"
  header: true
model: {kind: "k"}
features:
  - kind: numeric
    column: x
    name: x
label: {column: y}
name: m
version: 1
`)
	first, _ := a.Marshal()
	second, _ := b.Marshal()
	if diff := cmp.Diff(string(first), string(second)); diff != "" {
		t.Fatal(diff)
	}
}

func TestErrorsUnwrapToPositions(t *testing.T) {
	_, err := Parse("m.yaml", []byte(minimal+"colour: red\ntraining: {batch_size: 0}\n"))
	var all Errors
	if !errors.As(err, &all) || len(all) != 2 {
		t.Fatalf("got %v", err)
	}
	var first *Error
	if !errors.As(err, &first) || first.Line != 6 || first.Column != 1 {
		t.Fatalf("the first complaint is %+v", first)
	}
}

func TestErrorfFindsThePosition(t *testing.T) {
	s := parse(t, minimal)
	for _, c := range []struct{ path, want string }{
		{"features 0 kind", "m.yaml:4:28: bad"},
		{"features 0 buckets", "m.yaml:4:12: bad"},
		{"features 7", "m.yaml:4:11: bad"},
		{"training optimizer wide", "m.yaml:1:1: bad"},
	} {
		if got := s.Errorf(strings.Fields(c.path), "bad").Error(); got != c.want {
			t.Errorf("%s: got %q, want %q", c.path, got, c.want)
		}
	}
	if got := new(Spec).Errorf([]string{"name"}, "bad").Error(); got != "bad" {
		t.Errorf("without a file: got %q", got)
	}
}

func TestResolveColumns(t *testing.T) {
	s := parse(t, strings.ReplaceAll(minimal, "column: y", "column: 3"))
	err := s.ResolveColumns(NumberColumns(2))
	want := `m.yaml:3:17: label.column is "3", which is not among the data's columns; add it there or name one of them
m.yaml:4:19: features[0].name is "x", which is not among the data's columns; add it there or name one of them`
	if err == nil || err.Error() != want {
		t.Fatalf("got\n%v", err)
	}

	s = parse(t, minimal+"data: {header: true}\n")
	if err := s.ResolveColumns([]string{"x", "y"}); err != nil {
		t.Fatal(err)
	}
	if err := s.ResolveColumns([]string{"other"}); err != nil || len(s.Data.Columns) != 2 {
		t.Fatalf("columns that were resolved became %v (%v)", s.Data.Columns, err)
	}
}

func TestJSONColumnsAreTheUsedOnes(t *testing.T) {
	s := parse(t, minimal+"data: {format: jsonl}\nkey: id\n")
	if diff := cmp.Diff([]string{"x", "id", "y"}, s.Data.Columns); diff != "" {
		t.Fatal(diff)
	}
}

func TestNearest(t *testing.T) {
	known := []string{"learning_rate", "l1", "l2", "kind"}
	for name, want := range map[string]string{
		"learning_rte": "learning_rate", "learnign_rate": "learning_rate", "knid": "kind", "l3": "l1", "colour": "", "": "",
	} {
		if got, _ := Nearest(name, known); got != want {
			t.Errorf("nearest to %q is %q, want %q", name, got, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(census(f))
	f.Add(minimal)
	wrong, err := os.ReadFile("testdata/wrong.txt")
	if err != nil {
		f.Fatal(err)
	}
	for _, c := range strings.Split(string(wrong), "=== ")[1:] {
		_, rest, _ := strings.Cut(c, "\n")
		text, _, _ := strings.Cut(rest, "+++\n")
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		s, err := Parse("m.yaml", []byte(text))
		if err != nil {
			requirePositions(t, err)
			return
		}
		written, err := s.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		again, err := Parse("again.yaml", written)
		if err != nil {
			t.Fatalf("cannot read\n%s\nback: %v", written, err)
		}
		equal(t, s, again)
	})
}

func requirePositions(t *testing.T, err error) {
	t.Helper()
	var all Errors
	if !errors.As(err, &all) {
		t.Fatalf("a %T has no positions: %v", err, err)
	}
	for _, e := range all {
		if e.Line < 1 || e.Column < 1 {
			t.Fatalf("no position: %+v", e)
		}
	}
}
