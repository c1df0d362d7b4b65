package records

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"
)

// censusColumns are those of the census file, which has no header.
var censusColumns = []string{
	"age", "workclass", "fnlwgt", "education", "education_num", "marital_status", "occupation", "relationship",
	"race", "gender", "capital_gain", "capital_loss", "hours_per_week", "native_country", "income_bracket",
}

// censusPath returns the census training file.
func censusPath(t testing.TB) string {
	t.Helper()
	dir := os.Getenv("CENSUS_DIR")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "shared", "data", "census")
	}
	path := filepath.Join(dir, "adult.data.csv")
	if _, err := os.Stat(path); err != nil {
		t.Skipf("the census data is not here: set CENSUS_DIR to the directory that holds adult.data.csv (%v)", err)
	}
	return path
}

func censusCSV(t testing.TB) []byte {
	t.Helper()
	data, err := os.ReadFile(censusPath(t))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// censusJSON returns the census as JSON lines, with the numbers as such.
func censusJSON(t testing.TB) []byte {
	t.Helper()
	rows, err := csv.NewReader(bytes.NewReader(censusCSV(t))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	for _, row := range rows {
		for i, value := range row {
			separator := ","
			if i == 0 {
				separator = "{"
			}
			if !json.Valid([]byte(value)) {
				value = fmt.Sprintf("%q", value)
			}
			fmt.Fprintf(&out, "%s%q:%s", separator, censusColumns[i], value)
		}
		out.WriteString("}\n")
	}
	return out.Bytes()
}

func BenchmarkCSV(b *testing.B) {
	benchmarkScan(b, censusCSV(b), Format{Columns: censusColumns})
}

// BenchmarkCSVQuoted scans the census with every field in quotes.
func BenchmarkCSVQuoted(b *testing.B) {
	quoted := bytes.ReplaceAll(bytes.ReplaceAll(censusCSV(b), []byte(","), []byte(`","`)), []byte("\n"), []byte("\"\n\""))
	quoted = append([]byte{'"'}, bytes.TrimSuffix(quoted, []byte{'"'})...)
	benchmarkScan(b, quoted, Format{Columns: censusColumns})
}

func BenchmarkJSONLines(b *testing.B) {
	benchmarkScan(b, censusJSON(b), Format{Kind: JSONL, Columns: censusColumns})
}

func benchmarkScan(b *testing.B, data []byte, f Format) {
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		if n := scanAll(b, NewScanner(bytes.NewReader(data), f, "census")); n != 32561 {
			b.Fatalf("%d records", n)
		}
	}
}

// BenchmarkCSVFile scans the file itself, opening it each time.
func BenchmarkCSVFile(b *testing.B) {
	ctx := context.Background()
	r, err := Whole(ctx, censusPath(b))
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(r.Size)
	for b.Loop() {
		s, err := Open(ctx, Format{Columns: censusColumns}, r)
		if err != nil {
			b.Fatal(err)
		}
		scanAll(b, s)
		s.Close()
	}
}

// BenchmarkEncodingCSV is the standard library's reader, for comparison.
func BenchmarkEncodingCSV(b *testing.B) {
	data := censusCSV(b)
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		r := csv.NewReader(bytes.NewReader(data))
		r.ReuseRecord = true
		for {
			if _, err := r.Read(); err == io.EOF {
				break
			} else if err != nil {
				b.Fatal(err)
			}
		}
	}
}

// scanAll counts the records of a scan and fails at the first bad one.
func scanAll(t testing.TB, s *Scanner) int {
	n := 0
	for s.Scan() {
		if err := s.Record().Err; err != nil {
			t.Fatal(err)
		}
		n++
	}
	if s.Err() != nil {
		t.Fatal(s.Err())
	}
	return n
}
