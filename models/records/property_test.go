package records

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// csvText draws text that is dense in what matters to a CSV scanner.
func csvText() *rapid.Generator[string] {
	pieces := []string{
		"a", "bc", "\n", "\r\n", ",", ",", `"`, `""`, `"x"`, "\r", "\n\n", " ", "0123456789abcdef",
		"\n\"q,\n\"\"q\"\r\n", "\x00", "\xff", "é", "-", `,"",`, byteOrderMark,
	}
	return rapid.Custom(func(t *rapid.T) string {
		return strings.Join(rapid.SliceOfN(rapid.SampledFrom(pieces), 0, 40).Draw(t, "pieces"), "")
	})
}

func TestCSVAgreesWithTheStandardLibrary(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		content := csvText().Draw(r, "content")
		multiline := rapid.Bool().Draw(r, "multiline")
		source := &onlyReader{rest: []byte(content), sizes: rapid.SliceOfN(rapid.IntRange(1, 20), 1, 5).Draw(r, "reads")}
		block := rapid.IntRange(1, 64).Draw(r, "block")
		s := newScanner(source, Format{Multiline: multiline}, "test", 0, block)
		checkCSV(t, content, multiline, collect(t, s))
	})
}

// TestAnyPartition scans any partition of a file: the ranges together give what
// one scan of the file gives, lines included.
func TestAnyPartition(t *testing.T) {
	path := filepath.Join(t.TempDir(), "data.csv")
	rapid.Check(t, func(r *rapid.T) {
		content := csvText().Draw(r, "content")
		f := Format{Columns: []string{"x", "y"}[:rapid.IntRange(0, 2).Draw(r, "columns")]}
		if rapid.Bool().Draw(r, "header") {
			f.Header = true
			content = rapid.SampledFrom([]string{"", byteOrderMark}).Draw(r, "mark") +
				strings.Join(f.Columns, ",") + "x"[:1-min(len(f.Columns), 1)] + "\n" + content
		}
		write(t, path, content)
		size := int64(len(content))
		cuts := rapid.SliceOfN(rapid.Int64Range(0, size), 0, 10).Draw(r, "cuts")
		got := scanPartition(t, path, size, f, cuts)
		if diff := cmp.Diff(scanString(t, content, f), got); diff != "" {
			t.Fatalf("%q cut at %v differs from the whole:\n%s", content, cuts, diff)
		}
	})
}

// scanPartition scans the ranges between cuts and counts lines through.
func scanPartition(t testing.TB, path string, size int64, f Format, cuts []int64) []row {
	t.Helper()
	bounds := append([]int64{0, size}, cuts...)
	slices.Sort(bounds)
	var rows []row
	var lines int64
	for i := range bounds[1:] {
		s, err := Open(context.Background(), f, Range{File: path, Size: size, Start: bounds[i], End: bounds[i+1]})
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range collect(t, s) {
			r.Line += lines
			rows = append(rows, r)
		}
		lines += s.Lines()
		s.Close()
	}
	return rows
}

// TestOpenAtAnyRecord begins at each record in turn.
func TestOpenAtAnyRecord(t *testing.T) {
	path := filepath.Join(t.TempDir(), "data.csv")
	rapid.Check(t, func(r *rapid.T) {
		content := csvText().Draw(r, "content")
		f := Format{Multiline: rapid.Bool().Draw(r, "multiline")}
		write(t, path, content)
		whole := Range{File: path, Size: int64(len(content)), End: int64(len(content))}
		want := scanString(t, content, f)
		for i := range want {
			s, err := OpenAt(context.Background(), f, whole, want[i].Offset)
			if err != nil {
				t.Fatal(err)
			}
			got := collect(t, s)
			s.Close()
			for j := range got {
				got[j].Line += want[i].Line - 1
			}
			if diff := cmp.Diff(want[i:], got); diff != "" {
				t.Fatalf("%q from record %d:\n%s", content, i, diff)
			}
		}
	})
}

func FuzzCSV(f *testing.F) {
	for _, seed := range []string{
		"a,b\nc,d\n", "\"a\"\"b\",c\r\n", "\"a\nb\",c", "a\"b,c\nd", "\"a\"b\nc", "\"open\nx,y\n", "\r\n\n\r", byteOrderMark + "a\n", ",,\n",
	} {
		f.Add(seed, uint8(3), true)
		f.Add(seed, uint8(64), false)
	}
	f.Fuzz(func(t *testing.T, content string, block uint8, multiline bool) {
		source := &onlyReader{rest: []byte(content), sizes: []int{int(block)/2 + 1, 1}}
		s := newScanner(source, Format{Multiline: multiline}, "test", 0, int(block)+1)
		checkCSV(t, content, multiline, collect(t, s))
	})
}

func write(t testing.TB, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o666); err != nil {
		t.Fatal(err)
	}
}
