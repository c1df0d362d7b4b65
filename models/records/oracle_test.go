package records

import (
	"bytes"
	"encoding/csv"
	"errors"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/penstock-ml/penstock/storage"
)

const byteOrderMark = "\xef\xbb\xbf"

// row is a record that outlives its scan.
type row struct {
	Offset, Line int64
	Raw          string
	Fields       []string
	Malformed    bool
}

// collect copies all records of a scan.
func collect(t testing.TB, s *Scanner) []row {
	t.Helper()
	var rows []row
	for s.Scan() {
		rows = append(rows, copyOf(s.Record()))
	}
	if s.Err() != nil {
		t.Fatal(s.Err())
	}
	return rows
}

func copyOf(r *Record) row {
	out := row{Offset: r.Offset, Line: r.Line, Raw: string(r.Raw), Malformed: r.Err != nil}
	for _, field := range r.Fields {
		if at := r.IndexOf(field); at >= 0 {
			field = r.Raw[at : at+len(field)]
		}
		out.Fields = append(out.Fields, string(field))
	}
	return out
}

// checkCSV compares a scan of content with encoding/csv.
func checkCSV(t testing.TB, content string, multiline bool, got []row) {
	t.Helper()
	checkPlaces(t, content, got)
	want := oracleLines(content)
	if multiline {
		want = oracleMultiline(strings.TrimPrefix(content, byteOrderMark))
	}
	var fields [][]string // nil for a malformed record
	for _, r := range got {
		fields = append(fields, r.Fields)
	}
	if diff := cmp.Diff(want, fields); diff != "" {
		t.Fatalf("%q (multiline %v) differs from encoding/csv:\n%s", content, multiline, diff)
	}
}

// checkPlaces checks offsets and lines, and that no byte between records is
// lost.
func checkPlaces(t testing.TB, content string, rows []row) {
	t.Helper()
	end := 0
	for _, r := range rows {
		begin := int(r.Offset)
		skipped := strings.TrimPrefix(content[end:begin], byteOrderMark)
		if strings.Trim(skipped, "\r\n") != "" {
			t.Fatalf("%q: %q is in no record", content, skipped)
		}
		if content[begin:begin+len(r.Raw)] != r.Raw {
			t.Fatalf("%q: the record at %d is %q", content, begin, r.Raw)
		}
		if line := int64(1 + strings.Count(content[:begin], "\n")); r.Line != line {
			t.Fatalf("%q: the record at %d is on line %d, not %d", content, begin, line, r.Line)
		}
		end = begin + len(r.Raw)
	}
	if rest := strings.TrimPrefix(content[end:], byteOrderMark); strings.Trim(rest, "\r\n") != "" {
		t.Fatalf("%q: %q is in no record", content, rest)
	}
}

// oracleLines parses each line on its own.
func oracleLines(content string) [][]string {
	var want [][]string
	for _, line := range strings.Split(strings.TrimPrefix(content, byteOrderMark), "\n") {
		fields, err := newOracle(line).Read()
		if err != io.EOF { // an empty line
			want = append(want, orNil(fields, err))
		}
	}
	return want
}

// oracleMultiline parses content as one. Where a quote is never closed, our
// scanner gives up its first line only, so the oracle starts again behind it.
func oracleMultiline(content string) [][]string {
	var want [][]string
	oracle := newOracle(content)
	for {
		begin := oracle.InputOffset()
		fields, err := oracle.Read()
		if err == io.EOF {
			return want
		}
		want = append(want, orNil(fields, err))
		if err != nil && neverClosed(content[begin:]) {
			rest := strings.TrimLeft(content[begin:], "\r\n")
			_, rest, _ = strings.Cut(rest, "\n")
			return append(want, oracleMultiline(rest)...)
		}
	}
}

// neverClosed tells a quote that is open at the end from one in a wrong place:
// only the former is cured by one more.
func neverClosed(content string) bool {
	_, err := newOracle(content + `"`).Read()
	return err == nil
}

func newOracle(content string) *csv.Reader {
	r := csv.NewReader(strings.NewReader(content))
	r.FieldsPerRecord = -1
	return r
}

// orNil drops what encoding/csv returns along with an error.
func orNil(fields []string, err error) []string {
	if err != nil {
		return nil
	}
	return fields
}

// onlyReader returns few bytes at a time, in sizes that repeat.
type onlyReader struct {
	rest  []byte
	sizes []int
	reads int
}

func (r *onlyReader) Read(p []byte) (int, error) {
	if len(r.rest) == 0 {
		return 0, io.EOF
	}
	n := copy(p, r.rest[:min(r.sizes[r.reads%len(r.sizes)], len(r.rest))])
	r.rest = r.rest[n:]
	r.reads++
	return n, nil
}

// malformedType returns the type of a record's error.
func malformedType(err error) string {
	var malformed *RecordError
	if errors.As(err, &malformed) {
		return malformed.Type
	}
	return ""
}

// fieldsOf returns a scan's fields alone.
func fieldsOf(rows []row) [][]string {
	var fields [][]string
	for _, r := range rows {
		fields = append(fields, slices.Clone(r.Fields))
	}
	return fields
}

func scanString(t testing.TB, content string, f Format) []row {
	t.Helper()
	return collect(t, NewScanner(bytes.NewReader([]byte(content)), f, "test"))
}

// writeTemp writes a file for one test.
func writeTemp(t testing.TB, name, content string) storage.Info {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	write(t, path, content)
	return storage.Info{Path: path, Size: int64(len(content))}
}
