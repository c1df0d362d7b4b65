package records

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/gzip"
	"github.com/penstock-ml/penstock/storage"
	"github.com/penstock-ml/penstock/storage/storagetest"
)

// compress returns gzip data with one member for each part.
func compress(t testing.TB, parts ...string) string {
	t.Helper()
	var out bytes.Buffer
	for _, part := range parts {
		w := gzip.NewWriter(&out)
		if _, err := io.WriteString(w, part); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return out.String()
}

// scanFiles scans all ranges of files.
func scanFiles(t testing.TB, f Format, rangeBytes int64, files ...storage.Info) []row {
	t.Helper()
	var rows []row
	for _, r := range Split(files, f, rangeBytes) {
		s, err := Open(context.Background(), f, r)
		if err != nil {
			t.Fatal(err)
		}
		rows = append(rows, collect(t, s)...)
		s.Close()
	}
	return rows
}

func TestGzipMembers(t *testing.T) {
	parts := []string{byteOrderMark + "a,1\r\nb", ",2\n\n\"c\",3\nd", "", ",4"}
	file := writeTemp(t, "a.csv.gz", compress(t, parts...))
	f := Format{Columns: []string{"x", "y"}}
	want := scanString(t, strings.Join(parts, ""), f)
	if diff := cmp.Diff(want, scanFiles(t, f, 5, file)); diff != "" {
		t.Error(diff)
	}
	checkPlaces(t, strings.Join(parts, ""), want)

	r := Split([]storage.Info{file}, f, 5)[0]
	s, err := OpenAt(context.Background(), f, r, want[2].Offset)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if got := fieldsOf(collect(t, s)); !cmp.Equal(got, fieldsOf(want[2:])) {
		t.Errorf("from the third record: %q", got)
	}
}

func TestGzipEmpty(t *testing.T) {
	for name, content := range map[string]string{"no member": "", "empty member": compress(t, "")} {
		if rows := scanFiles(t, Format{}, 0, writeTemp(t, "a.csv.gz", content)); len(rows) > 0 {
			t.Errorf("%s: %v", name, rows)
		}
	}
}

// TestGzipDamage cuts a compressed file at every byte, and changes its checksum.
func TestGzipDamage(t *testing.T) {
	for _, f := range []Format{{}, {Multiline: true}} {
		whole := compress(t, "a,1\nb,2\n")
		if f.Multiline {
			whole = compress(t, "a,1\nb,\"2\n3\n4\n\"\n")
		}
		for size := 1; size < len(whole); size++ {
			file := writeTemp(t, "cut.csv.gz", whole[:size])
			if err := scanError(t, f, file); !errors.Is(err, io.ErrUnexpectedEOF) || !strings.Contains(err.Error(), file.Path+": the gzip data is truncated") {
				t.Errorf("cut at %d of %d bytes: %v", size, len(whole), err)
			}
		}
		damaged := []byte(whole)
		damaged[len(damaged)-8] ^= 1
		file := writeTemp(t, "damaged.csv.gz", string(damaged))
		if err := scanError(t, f, file); !errors.Is(err, gzip.ErrChecksum) || !strings.Contains(err.Error(), file.Path) {
			t.Errorf("a wrong checksum: %v", err)
		}
	}
}

// scanError returns what ends the scan of a file, none of whose records may
// seem malformed.
func scanError(t testing.TB, f Format, file storage.Info) error {
	t.Helper()
	s, err := Open(context.Background(), f, Split([]storage.Info{file}, f, 0)[0])
	if err != nil {
		return err
	}
	defer s.Close()
	for s.Scan() {
		if s.Record().Err != nil {
			t.Errorf("a record of damaged data: %q", s.Record().Raw)
		}
	}
	return s.Err()
}

func TestFileChangedSincePlanned(t *testing.T) {
	file := writeTemp(t, "short.csv", "a,1\nb,2\n")
	file.Size += 5
	if err := scanError(t, Format{}, file); err == nil || !strings.Contains(err.Error(), "short.csv: the file ends at byte 8 but had 13") {
		t.Errorf("a file that shrank: %v", err)
	}
	file.Size = 4 // and one that grew is read as planned
	if rows := scanFiles(t, Format{}, 2, file); !cmp.Equal(fieldsOf(rows), [][]string{{"a", "1"}}) {
		t.Errorf("a file that grew: %v", rows)
	}
}

func TestOpenErrors(t *testing.T) {
	ctx := context.Background()
	file := writeTemp(t, "a.csv", "a\n\nb\n")
	whole := Range{File: file.Path, Size: file.Size, End: file.Size}
	middle := whole
	middle.Start = 2
	for name, test := range map[string]struct {
		format Format
		r      Range
		offset int64
		text   string
	}{
		"kind":             {Format{Kind: "parquet"}, whole, 0, `unknown data format "parquet"`},
		"quote":            {Format{Delimiter: '"'}, whole, 0, "cannot separate fields"},
		"not ASCII":        {Format{Delimiter: 0xa7}, whole, 0, "cannot separate fields"},
		"multiline middle": {Format{Multiline: true}, middle, -1, "can only be read from its start"},
		"before the range": {Format{}, middle, 1, "offset 1 is outside"},
		"behind the range": {Format{}, whole, 6, "offset 6 is outside"},
	} {
		var err error
		if test.offset < 0 {
			_, err = Open(ctx, test.format, test.r)
		} else {
			_, err = OpenAt(ctx, test.format, test.r, test.offset)
		}
		if err == nil || !strings.Contains(err.Error(), test.text) {
			t.Errorf("%s: %v", name, err)
		}
	}
	whole.File = filepath.Join(t.TempDir(), "absent.csv")
	if _, err := Open(ctx, Format{}, whole); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), whole.File) {
		t.Errorf("an absent file: %v", err)
	}
}

// TestLongRecordBeyondItsRange reads on in several steps.
func TestLongRecordBeyondItsRange(t *testing.T) {
	long := strings.Repeat("x", 5*readOnBytes)
	file := writeTemp(t, "long.csv", "a\n"+long+"\nb\n")
	got := fieldsOf(scanFiles(t, Format{}, readOnBytes, file))
	if want := [][]string{{"a"}, {long}, {"b"}}; !cmp.Equal(got, want) {
		t.Errorf("%d records differ", len(got))
	}
}

func TestReaderFailure(t *testing.T) {
	failure := errors.New("the disk is gone")
	s := NewScanner(io.MultiReader(strings.NewReader("a,b\nc,"), failingReader{failure}), Format{}, "standard input")
	var rows []row
	for s.Scan() {
		rows = append(rows, copyOf(s.Record()))
	}
	if !cmp.Equal(fieldsOf(rows), [][]string{{"a", "b"}}) {
		t.Errorf("records before the failure: %v", rows)
	}
	if err := s.Err(); !errors.Is(err, failure) || !strings.Contains(err.Error(), "standard input: cannot read beyond byte 6") {
		t.Errorf("Err = %v", err)
	}
}

type failingReader struct{ err error }

func (r failingReader) Read([]byte) (int, error) { return 0, r.err }

// stuckReader returns nothing and no error, against the advice of io.Reader.
type stuckReader struct{}

func (stuckReader) Read([]byte) (int, error) { return 0, nil }

func TestReaderWithoutProgress(t *testing.T) {
	s := NewScanner(stuckReader{}, Format{}, "standard input")
	if s.Scan() || !errors.Is(s.Err(), io.ErrNoProgress) {
		t.Errorf("Err = %v", s.Err())
	}
}

func TestLineAt(t *testing.T) {
	content := "a\n\r\nbc\n\"d\ne\"\nf"
	for _, file := range []storage.Info{writeTemp(t, "a.csv", content), writeTemp(t, "a.csv.gz", compress(t, content))} {
		for offset := range int64(len(content) + 1) {
			want := int64(1 + strings.Count(content[:offset], "\n"))
			if got, err := LineAt(context.Background(), file.Path, offset); got != want || err != nil {
				t.Errorf("LineAt(%d) = %d, %v, want %d", offset, got, err, want)
			}
		}
	}
}

func TestCloudRanges(t *testing.T) {
	storagetest.StartCloud(t, "bucket")
	ctx := context.Background()
	content := strings.Repeat("first,second\nthird,\"fourth\"\n", 20_000)
	if err := storage.WriteFile(ctx, "gs://bucket/data/a.csv", []byte(content)); err != nil {
		t.Fatal(err)
	}
	files, err := storage.Glob(ctx, "gs://bucket/data/*.csv")
	if err != nil {
		t.Fatal(err)
	}
	f := Format{Columns: []string{"x", "y"}}
	got := fieldsOf(scanFiles(t, f, 99_999, files...))
	if diff := cmp.Diff(fieldsOf(scanString(t, content, f)), got); diff != "" {
		t.Error(diff)
	}
}

func TestSplit(t *testing.T) {
	files := []storage.Info{{Path: "c.csv.gz", Size: 9}, {Path: "b.csv", Size: 5}, {Path: "a.csv", Size: 0}, {Path: "d.csv", Size: 4}}
	want := []Range{
		{File: "a.csv", Index: 0},
		{File: "b.csv", Size: 5, Index: 1, Start: 0, End: 2},
		{File: "b.csv", Size: 5, Index: 2, Start: 2, End: 4},
		{File: "b.csv", Size: 5, Index: 3, Start: 4, End: 5},
		{File: "c.csv.gz", Size: 9, Index: 4, Start: 0, End: 9, Compressed: true},
		{File: "d.csv", Size: 4, Index: 5, Start: 0, End: 2},
		{File: "d.csv", Size: 4, Index: 6, Start: 2, End: 4},
	}
	if diff := cmp.Diff(want, Split(files, Format{}, 2)); diff != "" {
		t.Error(diff)
	}
	for name, ranges := range map[string][]Range{
		"multiline":  Split(files, Format{Multiline: true}, 2),
		"no cutting": Split(files, Format{}, 0),
	} {
		if len(ranges) != len(files) {
			t.Errorf("%s: %d ranges", name, len(ranges))
		}
	}
}
