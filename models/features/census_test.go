package features

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

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
	var records [][][]byte
	for line := range bytes.Lines(data) {
		records = append(records, bytes.Split(bytes.TrimRight(line, "\n"), []byte(",")))
	}
	return records
}

func fit(t testing.TB, s *spec.Spec, records [][][]byte) *Fitted {
	t.Helper()
	st := NewStatistics(s)
	for _, r := range records {
		if err := st.Add(r); err != nil {
			t.Fatal(err)
		}
	}
	f, err := st.Fit(s)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestCensus(t *testing.T) {
	s, records := censusSpec(t), censusRecords(t)
	f := fit(t, s, records)
	b, _ := Marshal(f)
	t.Logf("%s", b)
}

func BenchmarkStatisticsAdd(b *testing.B) {
	s, records := censusSpec(b), censusRecords(b)
	st := NewStatistics(s)
	for b.Loop() {
		for _, r := range records {
			if err := st.Add(r); err != nil {
				b.Fatal(err)
			}
		}
	}
	b.ReportMetric(float64(b.N*len(records))/b.Elapsed().Seconds(), "rows/s")
}

func BenchmarkEncoderAppend(b *testing.B) {
	s, records := censusSpec(b), censusRecords(b)
	e, err := NewEncoder(s, fit(b, s, records))
	if err != nil {
		b.Fatal(err)
	}
	var rows Rows
	for b.Loop() {
		rows.Reset()
		for _, r := range records {
			if err := e.Append(&rows, r); err != nil {
				b.Fatal(err)
			}
		}
	}
	b.ReportMetric(float64(b.N*len(records))/b.Elapsed().Seconds(), "rows/s")
}
