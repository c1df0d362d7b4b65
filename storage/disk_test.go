package storage

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestDiskFailedWrite breaks the file under a writer, as a full disk does.
func TestDiskFailedWrite(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	w, err := Create(context.Background(), path)
	if err != nil {
		t.Fatal(err)
	}
	w.(*writer).Writer.(*fileWriter).File.Close()
	_, err = io.WriteString(w, "lost")
	if err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("Write to a broken file: %v", err)
	}
	if closeErr := w.Close(); closeErr != err {
		t.Errorf("Close after a failed write: %v, want %v", closeErr, err)
	}
	wantEmpty(t, filepath.Dir(path))
}

func TestDiskFailedSync(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	w, err := Create(context.Background(), path)
	if err != nil {
		t.Fatal(err)
	}
	w.(*writer).Writer.(*fileWriter).File.Close()
	if err := w.Close(); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("Close of a broken file: %v", err)
	}
	wantEmpty(t, filepath.Dir(path))
}

func TestDiskFailedRename(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	if err := os.MkdirAll(filepath.Join(path, "in the way"), 0o777); err != nil {
		t.Fatal(err)
	}
	err := WriteFile(context.Background(), path, []byte("x"))
	if err == nil || !strings.Contains(err.Error(), path) || strings.Contains(err.Error(), tempPrefix) {
		t.Errorf("writing over a directory: %v", err)
	}
	wantEntries(t, filepath.Dir(path), "f")
}

func TestDiskWriteDir(t *testing.T) {
	ctx := context.Background()
	root := t.TempDir()
	dir := filepath.Join(root, "dir")
	failure := errors.New("disk full")
	err := WriteDir(ctx, dir, func(tmp string) error {
		if err := WriteFile(ctx, Join(tmp, "f"), []byte("x")); err != nil {
			return err
		}
		if infos, err := List(ctx, root); len(infos) > 0 || err != nil {
			t.Errorf("the directory shows before it is whole: %v, %v", infos, err)
		}
		return failure
	})
	if err != failure {
		t.Errorf("WriteDir: %v", err)
	}
	wantEmpty(t, root)

	if err := os.Mkdir(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	err = WriteDir(ctx, dir, func(string) error { return errors.New("called") })
	if !errors.Is(err, fs.ErrExist) || !strings.Contains(err.Error(), dir) {
		t.Errorf("WriteDir over a directory: %v", err)
	}
}

// TestDiskWriteDirRace has another process win while the files are written.
func TestDiskWriteDirRace(t *testing.T) {
	ctx := context.Background()
	root := t.TempDir()
	dir := filepath.Join(root, "dir")
	err := WriteDir(ctx, dir, func(tmp string) error {
		return errors.Join(WriteFile(ctx, Join(dir, "winner"), nil), WriteFile(ctx, Join(tmp, "loser"), nil))
	})
	if !errors.Is(err, fs.ErrExist) {
		t.Errorf("WriteDir over a directory made meanwhile: %v", err)
	}
	wantEntries(t, root, "dir")
	wantEntries(t, dir, "winner")
}

func TestDiskPermissions(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	mustWrite(t, path, "x")
	plain := path + ".plain"
	if err := os.WriteFile(plain, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	got, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	want, err := os.Stat(plain)
	if err != nil {
		t.Fatal(err)
	}
	if got.Mode() != want.Mode() {
		t.Errorf("mode %v, want %v as the umask has it", got.Mode(), want.Mode())
	}
}

func TestDiskLinks(t *testing.T) {
	root := t.TempDir()
	mustWrite(t, filepath.Join(root, "real", "f"), "12345")
	for link, target := range map[string]string{"file": "real/f", "dir": "real", "real/loop": "..", "dangling": "nowhere"} {
		if err := os.Symlink(target, filepath.Join(root, link)); err != nil {
			t.Fatal(err)
		}
	}
	wantList(t, root, "file", "real/f")
	wantList(t, filepath.Join(root, "dir"), "f")
	infos, err := Glob(context.Background(), root+"/*/f")
	if err != nil || len(infos) != 2 || infos[0].Size != 5 {
		t.Errorf("Glob through a link to a directory: %v, %v", infos, err)
	}
}

func TestDiskRelativeGlob(t *testing.T) {
	t.Chdir(t.TempDir())
	mustWrite(t, "a/b.csv", "x")
	for _, pattern := range []string{"a/*", "*/b.csv", "**/b.csv", "./a/*.csv", "**"} {
		infos, err := Glob(context.Background(), pattern)
		if err != nil || len(infos) != 1 || filepath.Clean(infos[0].Path) != "a/b.csv" {
			t.Errorf("Glob(%q) = %v, %v", pattern, infos, err)
		}
	}
}

func wantEmpty(t *testing.T, dir string) {
	t.Helper()
	wantEntries(t, dir)
}

// wantEntries checks all names in a directory, temporary ones included.
func wantEntries(t *testing.T, dir string, want ...string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, entry := range entries {
		got = append(got, entry.Name())
	}
	if strings.Join(got, "|") != strings.Join(want, "|") {
		t.Errorf("%s holds %q, want %q", dir, got, want)
	}
}
