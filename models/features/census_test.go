package features

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/penstock-ml/penstock/models/spec"
)

func censusSpec(t testing.TB) *spec.Spec {
	t.Helper()
	data, err := os.ReadFile("../../testdata/census.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return parse(t, string(data))
}

// censusRecords are the training records of the census, which the repository
// does not ship.
func censusRecords(t testing.TB) [][][]byte {
	t.Helper()
	dir := os.Getenv("CENSUS_DIR")
	if dir == "" {
		dir = "../../../shared/data/census"
	}
	data, err := os.ReadFile(filepath.Join(dir, "adult.data.csv"))
	if errors.Is(err, fs.ErrNotExist) {
		t.Skipf("the census data is not in %s; set CENSUS_DIR to the directory of adult.data.csv", dir)
	}
	if err != nil {
		t.Fatal(err)
	}
	return split(string(data))
}

// The figures are computed from the file with integers and fractions.
func TestCensusFits(t *testing.T) {
	s, records := censusSpec(t), censusRecords(t)
	f := fit(t, s, records)
	want := FittedLabel{Column: "income_bracket", Classes: []string{"<=50K", ">50K"}, Counts: []int64{24720, 7841}}
	if diff := cmp.Diff(want, f.Label); diff != "" || f.Records != 32561 {
		t.Fatalf("%d records, label:\n%s", f.Records, diff)
	}
	for _, feature := range f.Features {
		switch feature.Name {
		case "age":
			if n := *feature.Number; n != (FittedNumber{38.58164675532078, 13.640223092304277, 17, 90}) {
				t.Errorf("age: %+v", n)
			}
		case "workclass":
			if feature.Missing != 1836 || feature.Size != 10 || feature.Vocabulary[0] != "Private" {
				t.Errorf("workclass: %+v", feature)
			}
		}
	}
}

// An instance of the Cloud ML Engine walkthrough, which has spaces before texts.
func TestCensusEncodesTheWalkthroughsInstance(t *testing.T) {
	s, records := censusSpec(t), censusRecords(t)
	e := newEncoder(t, s, fit(t, s, records))
	var spaced, plain Rows
	lines := split(`25, Private,0, 11th,7, Never-married, Machine-op-inspct, Own-child, Black, Male,0,0,40, United-States,
25,Private,0,11th,7,Never-married,Machine-op-inspct,Own-child,Black,Male,0,0,40,United-States`)
	if err := e.AppendUnlabelled(&spaced, lines[0]); err != nil {
		t.Fatal(err)
	}
	if err := e.AppendUnlabelled(&plain, lines[1]); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(plain, spaced); diff != "" {
		t.Fatal(diff)
	}
	for i, c := range e.Layout().Categorical {
		want, checked := map[string]int32{"workclass": 0, "education": 5, "age_bucket": 2}[c.Name]
		if checked && plain.IDs[i] != want {
			t.Errorf("%s has the id %d, want %d", c.Name, plain.IDs[i], want)
		}
	}
}

// eachOfCensus calls a function for the census's records as often as the benchmark wants. Fields lie in one piece of
// memory that is still in the cache, as those of a scanner do.
func eachOfCensus(b *testing.B, visit func(fields [][]byte) error) {
	records := censusRecords(b)[:1000]
	var text []byte
	for _, r := range records {
		text = append(append(text, bytes.Join(r, []byte(","))...), '\n')
	}
	text = append(text, make([]byte, mostBytes)...)
	for _, r := range records {
		for i, field := range r {
			r[i], text = text[:len(field)], text[len(field)+1:]
		}
	}
	for b.Loop() {
		for _, r := range records {
			if err := visit(r); err != nil {
				b.Fatal(err)
			}
		}
	}
	b.ReportMetric(float64(b.N*len(records))/b.Elapsed().Seconds(), "rows/s")
}

func BenchmarkStatisticsAdd(b *testing.B) {
	st := NewStatistics(censusSpec(b))
	eachOfCensus(b, st.Add)
}

func BenchmarkEncoderAppend(b *testing.B) {
	s := censusSpec(b)
	e := newEncoder(b, s, fit(b, s, censusRecords(b)))
	var rows Rows
	eachOfCensus(b, func(fields [][]byte) error {
		if rows.N == 4096 {
			rows.Reset()
		}
		return e.Append(&rows, fields)
	})
}
