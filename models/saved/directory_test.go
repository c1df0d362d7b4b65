package saved

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/penstock-ml/penstock/storage"
)

var sample = []File{
	{"b.txt", []byte("the second file")},
	{"a.bin", []byte{0, 1, 2, 255}},
	{"deep/er/c.json", []byte("{}")},
	{"empty", nil},
}

func TestDirRoundTrip(t *testing.T) {
	onBoth(t, func(t *testing.T, root string) {
		dir := storage.Join(root, "made", "here")
		if err := WriteDir(t.Context(), dir, sample); err != nil {
			t.Fatal(err)
		}
		got, err := ReadDir(t.Context(), dir)
		if err != nil {
			t.Fatal(err)
		}
		if len(got) != len(sample) {
			t.Errorf("ReadDir returned %d files, want %d", len(got), len(sample))
		}
		for _, f := range sample {
			if data, ok := got[f.Name]; !ok || !bytes.Equal(data, f.Data) {
				t.Errorf("ReadDir returned %q for %s, want %q", data, f.Name, f.Data)
			}
		}
	})
}

func TestManifestForm(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "dir")
	if err := WriteDir(t.Context(), dir, []File{{"b", []byte("hello\n")}, {"a", nil}}); err != nil {
		t.Fatal(err)
	}
	want := `{
  "format_version": 1,
  "files": [
    {
      "name": "a",
      "size": 0,
      "sha256": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    },
    {
      "name": "b",
      "size": 6,
      "sha256": "5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03"
    }
  ]
}
`
	if diff := cmp.Diff(want, string(read(t, filepath.Join(dir, "MANIFEST.json")))); diff != "" {
		t.Errorf("MANIFEST.json differs (-want +got):\n%s", diff)
	}
}

func TestWriteDirRefusesExisting(t *testing.T) {
	onBoth(t, func(t *testing.T, root string) {
		dir := storage.Join(root, "dir")
		if err := WriteDir(t.Context(), dir, sample); err != nil {
			t.Fatal(err)
		}
		other := []File{{"a.bin", []byte("other")}}
		if err := WriteDir(t.Context(), dir, other); !errors.Is(err, fs.ErrExist) {
			t.Errorf("writing again returned %v, want fs.ErrExist", err)
		}
		if _, err := ReadDir(t.Context(), dir); err != nil {
			t.Errorf("the first directory was damaged: %v", err)
		}
	})
}

func TestWriteDirRefusesNames(t *testing.T) {
	for _, names := range [][]string{{"../out"}, {"/abs"}, {""}, {"."}, {manifestName}, {`a\b`}, {"twice", "twice"}} {
		var files []File
		for _, name := range names {
			files = append(files, File{name, nil})
		}
		if err := WriteDir(t.Context(), filepath.Join(t.TempDir(), "dir"), files); err == nil {
			t.Errorf("WriteDir accepted files named %q", names)
		}
	}
}

// TestConcurrentWriteDir races writers of different contents for one directory.
func TestConcurrentWriteDir(t *testing.T) {
	onBoth(t, func(t *testing.T, root string) {
		dir := storage.Join(root, "dir")
		const writers = 8
		errs := make([]error, writers)
		var wg sync.WaitGroup
		for i := range writers {
			wg.Go(func() {
				contents := fmt.Appendf(nil, "writer %d", i)
				errs[i] = WriteDir(t.Context(), dir, []File{{"one", contents}, {"two", contents}})
			})
		}
		wg.Wait()
		winner := -1
		for i, err := range errs {
			switch {
			case err == nil && winner >= 0:
				t.Errorf("writers %d and %d both succeeded", winner, i)
			case err == nil:
				winner = i
			case !errors.Is(err, fs.ErrExist):
				t.Errorf("writer %d: %v, want fs.ErrExist", i, err)
			}
		}
		got, err := ReadDir(t.Context(), dir)
		if err != nil {
			t.Fatal(err)
		}
		if want := fmt.Sprintf("writer %d", winner); string(got["one"]) != want || string(got["two"]) != want {
			t.Errorf("the directory holds %q, want both from writer %d", got, winner)
		}
	})
}

// TestAnyFlippedByteIsFound changes one byte of one file, MANIFEST.json included.
func TestAnyFlippedByteIsFound(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "dir")
	if err := WriteDir(t.Context(), dir, sample); err != nil {
		t.Fatal(err)
	}
	names := []string{"a.bin", "b.txt", "deep/er/c.json", manifestName}
	rapid.Check(t, func(r *rapid.T) {
		file := filepath.Join(dir, rapid.SampledFrom(names).Draw(r, "file"))
		intact := read(t, file)
		damaged := bytes.Clone(intact)
		damaged[rapid.IntRange(0, len(damaged)-1).Draw(r, "position")] ^= rapid.ByteMin(1).Draw(r, "flip")
		overwrite(t, file, damaged)
		defer overwrite(t, file, intact)
		if _, err := ReadDir(t.Context(), dir); !errors.Is(err, ErrNotCommitted) {
			r.Fatalf("ReadDir returned %v, want ErrNotCommitted", err)
		}
	})
}

func TestDamageIsNamed(t *testing.T) {
	tests := []struct {
		name   string
		damage func(t *testing.T, dir string) string // returns the part of the error that names the fault
	}{
		{"truncated", func(t *testing.T, dir string) string {
			overwrite(t, storage.Join(dir, "b.txt"), sample[0].Data[:3])
			return "b.txt has the size 3 where MANIFEST.json says 15"
		}},
		{"flipped", func(t *testing.T, dir string) string {
			overwrite(t, storage.Join(dir, "a.bin"), []byte{0, 1, 3, 255})
			return "a.bin has contents whose sha256"
		}},
		{"missing", func(t *testing.T, dir string) string {
			if err := storage.Delete(t.Context(), storage.Join(dir, "deep/er/c.json")); err != nil {
				t.Fatal(err)
			}
			return "c.json does not exist"
		}},
		{"no manifest", func(t *testing.T, dir string) string {
			if err := storage.Delete(t.Context(), storage.Join(dir, manifestName)); err != nil {
				t.Fatal(err)
			}
			return "MANIFEST.json does not exist"
		}},
		{"empty manifest", func(t *testing.T, dir string) string {
			overwrite(t, storage.Join(dir, manifestName), nil)
			return "MANIFEST.json not valid JSON"
		}},
		{"later version", func(t *testing.T, dir string) string {
			overwrite(t, storage.Join(dir, manifestName), []byte(`{"format_version": 2, "seal": ""}`))
			return "MANIFEST.json format version 2, but this release reads version 1"
		}},
		{"reaches outside", func(t *testing.T, dir string) string {
			overwrite(t, storage.Join(dir, manifestName), []byte(`{"format_version": 1, "files": [{"name": "../x", "size": 0, "sha256": ""}]}`))
			return `"../x" is no name`
		}},
		{"edited", func(t *testing.T, dir string) string {
			name := storage.Join(dir, manifestName)
			overwrite(t, name, append(read(t, name), '\n'))
			return "MANIFEST.json not in the form in which it is written"
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			onBoth(t, func(t *testing.T, root string) {
				dir := storage.Join(root, "dir")
				if err := WriteDir(t.Context(), dir, sample); err != nil {
					t.Fatal(err)
				}
				want := test.damage(t, dir)
				_, err := ReadDir(t.Context(), dir)
				if !errors.Is(err, ErrNotCommitted) || !strings.Contains(err.Error(), want) {
					t.Errorf("ReadDir returned %v, want ErrNotCommitted with %q", err, want)
				}
			})
		})
	}
}

// FuzzManifest holds that what is accepted is exactly what would be written.
func FuzzManifest(f *testing.F) {
	m, err := newManifest(sortedFiles(sample))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(m.marshal())
	f.Add([]byte(`{"format_version":1,"files":[]}`))
	f.Add([]byte(`null`))
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := parseManifest(data)
		if err == nil && !bytes.Equal(m.marshal(), data) {
			t.Errorf("%q was accepted but would be written as %q", data, m.marshal())
		}
	})
}
