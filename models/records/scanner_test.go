package records

import (
	"bytes"
	"context"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/penstock-ml/penstock/models/alloctest"
)

func TestRecordErrors(t *testing.T) {
	f := Format{Columns: []string{"x", "y"}}
	for content, want := range map[string]struct{ kind, text string }{
		"a\n":           {FieldCount, "1 field where 2 columns are expected"},
		"a,b,c\n":       {FieldCount, "3 fields where 2 columns are expected"},
		"\"a\",b,c\n":   {FieldCount, "3 fields where 2 columns are expected"},
		"\"a\"\n":       {FieldCount, "1 field where 2 columns are expected"},
		"a,b\"c\n":      {Quotes, "field 2 (y), byte 4 of its line: a quote inside a field that does not begin with one: put the whole field in quotes and double those within"},
		"\"a\"b,c\n":    {Quotes, "field 1 (x), byte 4 of its line: text after the closing quote: double the quotes within a field"},
		"a,\"b\nc\"\n":  {Quotes, "field 2 (y): its quote is not closed: if fields may hold line breaks, set data.multiline"},
		"a,b,\"c\"d\n":  {Quotes, "field 3, byte 8 of its line: text after the closing quote: double the quotes within a field"},
		"\"\"\"\",\"\n": {Quotes, "field 2 (y): its quote is not closed: if fields may hold line breaks, set data.multiline"},
	} {
		s := NewScanner(strings.NewReader(content+"good,record\n"), f, "test")
		if !s.Scan() {
			t.Fatalf("%q: no record: %v", content, s.Err())
		}
		r := s.Record()
		if malformedType(r.Err) != want.kind || r.Err.Error() != want.text {
			t.Errorf("%q: got %v, want %s", content, r.Err, want.text)
		}
		line, _, _ := strings.Cut(content, "\n")
		if string(r.Raw) != line || r.Fields != nil {
			t.Errorf("%q: raw %q, fields %q", content, r.Raw, r.Fields)
		}
		rest := collect(t, s)
		if last := rest[len(rest)-1]; !cmp.Equal(last.Fields, []string{"good", "record"}) {
			t.Errorf("%q hides the record behind it: %v", content, rest)
		}
	}
}

func TestMultilineRecovers(t *testing.T) {
	content := "a,\"one\r\ntwo\",c\nx,\"never closed\ny,z\n1,2\n"
	rows := scanString(t, content, Format{Multiline: true})
	want := []row{
		{Offset: 0, Line: 1, Raw: "a,\"one\r\ntwo\",c", Fields: []string{"a", "one\ntwo", "c"}},
		{Offset: 15, Line: 3, Raw: `x,"never closed`, Malformed: true},
		{Offset: 31, Line: 4, Raw: "y,z", Fields: []string{"y", "z"}},
		{Offset: 35, Line: 5, Raw: "1,2", Fields: []string{"1", "2"}},
	}
	if diff := cmp.Diff(want, rows); diff != "" {
		t.Error(diff)
	}
}

func TestDelimiters(t *testing.T) {
	for delimiter, content := range map[byte]string{
		';': "a;b,c;;\n", '\t': "a\tb,c\t\t\n", '|': "a|\"b,c\"||\n", ' ': "a b,c  \n", 1: "a\x01b,c\x01\x01\n",
	} {
		got := fieldsOf(scanString(t, content, Format{Delimiter: delimiter}))
		if want := [][]string{{"a", "b,c", "", ""}}; !cmp.Equal(got, want) {
			t.Errorf("delimiter %q: %q, want %q", delimiter, got, want)
		}
	}
}

func TestHeader(t *testing.T) {
	f := Format{Header: true, Columns: []string{"x", "y"}}
	for content, want := range map[string][][]string{
		"x,y\na,b\n":                      {{"a", "b"}},
		byteOrderMark + "\"x\", y\r\na,b": {{"a", "b"}},
		"x,y":                             nil,
		"":                                nil,
		byteOrderMark:                     nil,
	} {
		if got := fieldsOf(scanString(t, content, f)); !cmp.Equal(got, want) {
			t.Errorf("%q: %q, want %q", content, got, want)
		}
	}
	for content, want := range map[string]string{
		"x,z\na,b\n":     `test: line 1, the header, names column 2 "z" where "y" is expected: check data.columns`,
		"x\na,b\n":       "test: line 1, the header, has 1 columns where 2 are expected: check data.columns and data.delimiter",
		"\nx,y\na,b\n":   "test: line 1 should be the header but is empty: delete the empty lines before it",
		"\n\n":           "test: line 1 should be the header but is empty: delete the empty lines before it",
		"x,\"y\na,b\n":   "test: line 1, the header: field 2: its quote is not closed: if fields may hold line breaks, set data.multiline",
		"\"x\"a,y\na,b":  "test: line 1, the header: field 1, byte 4 of its line: text after the closing quote: double the quotes within a field",
		"a;b\nx;y\n1;2;": "test: line 1, the header, has 1 columns where 2 are expected: check data.columns and data.delimiter",
	} {
		s := NewScanner(strings.NewReader(content), f, "test")
		if s.Scan() || s.Err() == nil || s.Err().Error() != want {
			t.Errorf("%q: %v, want %s", content, s.Err(), want)
		}
	}
}

func TestReadHeader(t *testing.T) {
	ctx := context.Background()
	file := writeTemp(t, "a.csv", byteOrderMark+"\n\"x\"; y \n1;2\n")
	got, err := ReadHeader(ctx, file.Path, Format{Delimiter: ';', Header: true, Columns: []string{"other"}})
	if err != nil || !cmp.Equal(got, []string{"x", "y"}) {
		t.Errorf("ReadHeader = %q, %v", got, err)
	}
	for content, want := range map[string]string{"": "the file is empty", "\na\"b\n": "line 2: field 1, byte 2"} {
		file := writeTemp(t, "bad.csv", content)
		if _, err := ReadHeader(ctx, file.Path, Format{}); err == nil || !strings.Contains(err.Error(), file.Path+": "+want) {
			t.Errorf("%q: %v", content, err)
		}
	}
}

// TestLongLines bounds what a line without an end can take, wherever reads
// happen to cut it.
func TestLongLines(t *testing.T) {
	const limit = 100
	longest := strings.Repeat("y", limit-1)
	content := "a\n" + longest + "\n" + longest + "z\nb\n" + strings.Repeat("x", 1000) + "\n\nc\n" + longest + "z"
	for block := 1; block < 300; block += 7 {
		s := newScanner(strings.NewReader(content), Format{}, "test", 0, block)
		s.limit = limit
		rows := collect(t, s)
		var malformed []bool
		for _, r := range rows {
			malformed = append(malformed, r.Malformed)
			if line := int64(1 + strings.Count(content[:r.Offset], "\n")); r.Line != line {
				t.Errorf("block %d: offset %d is on line %d, not %d", block, r.Offset, line, r.Line)
			}
		}
		if !cmp.Equal(malformed, []bool{false, false, true, false, true, false, true}) {
			t.Fatalf("block %d: %v", block, rows)
		}
	}
}

func TestLongLineIsReportedShort(t *testing.T) {
	endless := io.MultiReader(io.LimitReader(zeros{}, maxRecordBytes+5), strings.NewReader("\nnext\n"))
	s := NewScanner(endless, Format{}, "test")
	if !s.Scan() || malformedType(s.Record().Err) != TooLong || len(s.Record().Raw) != 4<<10 {
		t.Fatalf("got %v with %d bytes", s.Record().Err, len(s.Record().Raw))
	}
	if !s.Scan() || string(s.Record().Raw) != "next" || s.Record().Line != 2 {
		t.Errorf("after it: %q on line %d", s.Record().Raw, s.Record().Line)
	}
}

// zeros is an endless reader.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// cycle repeats its bytes for ever.
type cycle struct {
	data []byte
	at   int
}

func (c *cycle) Read(p []byte) (int, error) {
	n := copy(p, c.data[c.at:])
	c.at = (c.at + n) % len(c.data)
	return n, nil
}

func TestWarmScansDoNotAllocate(t *testing.T) {
	columns := []string{"x", "y"}
	for name, test := range map[string]struct {
		format  Format
		content string
	}{
		"plain":     {Format{Columns: columns}, "39,Private\r\n\n50,Sales\n"},
		"quoted":    {Format{Columns: columns}, "39,\"a \"\"b\"\"\"\n\"x\",y\n"},
		"multiline": {Format{Columns: columns, Multiline: true}, "39,\"a\r\nb\"\n1,2\n"},
		"counting":  {Format{}, "39,a\n1,2,3\n"},
		"json":      {Format{Kind: JSONL, Columns: columns}, "{\"x\":1,\"y\":\"a\\u00e9\"}\n{\"y\":null,\"x\":\"é\"}\n"},
	} {
		s := NewScanner(&cycle{data: []byte(test.content)}, test.format, "test")
		scan := func() {
			if !s.Scan() || s.Record().Err != nil {
				t.Fatalf("%s: %v, %v", name, s.Err(), s.Record().Err)
			}
		}
		for range 50_000 { // some refills
			scan()
		}
		alloctest.None(t, name, 50_000, scan)
	}
}

// TestCensus checks the real data against a plain split.
func TestCensus(t *testing.T) {
	data := censusCSV(t)
	rows := scanString(t, string(data), Format{Columns: censusColumns})
	lines := bytes.Split(bytes.TrimSuffix(data, []byte{'\n'}), []byte{'\n'})
	if len(rows) != len(lines) {
		t.Fatalf("%d records in %d lines", len(rows), len(lines))
	}
	for i, line := range lines {
		if want := strings.Split(string(line), ","); !cmp.Equal(rows[i].Fields, want) {
			t.Fatalf("line %d: %q, want %q", i+1, rows[i].Fields, want)
		}
	}
}

// Fields are parts of their record unless they had to be decoded.
func TestIndexOf(t *testing.T) {
	s := NewScanner(strings.NewReader("ab,,\"c,d\",\"e\"\"f\",g"), Format{}, "test")
	if !s.Scan() {
		t.Fatal(s.Err())
	}
	r, want := s.Record(), []int{0, 3, 5, -1, 17}
	for i, field := range r.Fields {
		if at := r.IndexOf(field); at != want[i] && (len(field) > 0 || at < 0) {
			t.Errorf("field %q is at %d, want %d", field, at, want[i])
		}
	}
	for _, field := range [][]byte{nil, []byte("ab")} {
		if at := r.IndexOf(field); at >= 0 {
			t.Errorf("%q, which is no part of the record, is at %d", field, at)
		}
	}
}
