package storage

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/penstock-ml/penstock/storage/storagetest"
)

// TestConformance runs one suite on every driver.
func TestConformance(t *testing.T) {
	t.Run("disk", func(t *testing.T) {
		conform(t, func(t *testing.T) string { return t.TempDir() })
	})
	t.Run("cloud", func(t *testing.T) {
		storagetest.StartCloud(t, "bucket")
		conform(t, func(t *testing.T) string { return "gs://bucket/" + strings.ReplaceAll(t.Name(), "/", "-") })
	})
}

// conform checks a driver below directories that root makes.
func conform(t *testing.T, root func(t *testing.T) string) {
	tests := map[string]func(t *testing.T, dir string){
		"Ranges":           testRanges,
		"WriteReplaces":    testWriteReplaces,
		"LargeFile":        testLargeFile,
		"Absent":           testAbsent,
		"Abort":            testAbort,
		"WriteFileIf":      testWriteFileIf,
		"WriteFileIfRaces": testWriteFileIfRaces,
		"DeleteIf":         testDeleteIf,
		"List":             testList,
		"Glob":             testGlob,
		"Delete":           testDelete,
		"WriteDir":         testWriteDir,
		"CancelledContext": testCancelledContext,
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) { test(t, root(t)) })
	}
}

func testRanges(t *testing.T, dir string) {
	ctx := context.Background()
	path := Join(dir, "f")
	mustWrite(t, path, "0123456789")
	for _, test := range []struct {
		offset, length int64
		want           string
	}{
		{0, -1, "0123456789"}, {0, 10, "0123456789"}, {3, 4, "3456"}, {7, -1, "789"}, {7, 100, "789"},
		{4, 0, ""}, {0, 0, ""}, {10, -1, ""}, {10, 5, ""}, {20, -1, ""}, {20, 5, ""},
	} {
		r, err := Open(ctx, path, test.offset, test.length)
		if err != nil {
			t.Errorf("Open(%d, %d): %v", test.offset, test.length, err)
			continue
		}
		got, err := io.ReadAll(r)
		if string(got) != test.want || err != nil {
			t.Errorf("Open(%d, %d) reads %q, %v, want %q", test.offset, test.length, got, err, test.want)
		}
		if err := r.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	}
}

func testWriteReplaces(t *testing.T, dir string) {
	path := Join(dir, "new", "parents", "f")
	for _, content := range []string{"a longer first version", "second", ""} {
		mustWrite(t, path, content)
		if got := mustRead(t, path); got != content {
			t.Errorf("ReadFile = %q, want %q", got, content)
		}
		info, err := Stat(context.Background(), path)
		if err != nil || info.Path != path || info.Size != int64(len(content)) {
			t.Errorf("Stat = %+v, %v", info, err)
		}
	}
}

// testLargeFile writes more than the cloud client's buffer in pieces.
func testLargeFile(t *testing.T, dir string) {
	ctx := context.Background()
	path := Join(dir, "large")
	w, err := Create(ctx, path)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Abort()
	piece := bytes.Repeat([]byte("0123456789abcdef"), 1<<16)
	const pieces = 18
	for range pieces {
		if _, err := w.Write(piece); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if got := mustRead(t, path); got != strings.Repeat(string(piece), pieces) {
		t.Errorf("%d bytes read differ from the %d written", len(got), pieces*len(piece))
	}
}

func testAbsent(t *testing.T, dir string) {
	ctx := context.Background()
	path := Join(dir, "absent")
	_, openErr := Open(ctx, path, 0, -1)
	_, readErr := ReadFile(ctx, path)
	_, statErr := Stat(ctx, path)
	_, globErr := Glob(ctx, path)
	_, globAllErr := Glob(ctx, Join(path, "*"))
	for name, err := range map[string]error{
		"Open": openErr, "ReadFile": readErr, "Stat": statErr, "Delete": Delete(ctx, path),
		"Glob": globErr, "Glob of a directory": globAllErr,
	} {
		if !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s of an absent file: %v", name, err)
		}
	}
	if infos, err := List(ctx, path); len(infos) > 0 || err != nil {
		t.Errorf("List of an absent directory: %v, %v", infos, err)
	}
	if err := DeleteDir(ctx, path); err != nil {
		t.Errorf("DeleteDir of an absent directory: %v", err)
	}
}

func testAbort(t *testing.T, dir string) {
	ctx := context.Background()
	path := Join(dir, "f")
	mustWrite(t, path, "kept")
	w, err := Create(ctx, path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(w, "discarded"); err != nil {
		t.Fatal(err)
	}
	w.Abort()
	w.Abort()
	if got := mustRead(t, path); got != "kept" {
		t.Errorf("after Abort the file holds %q", got)
	}
	wantList(t, dir, "f")

	w, err = Create(ctx, path)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	w.Abort()
	if got := mustRead(t, path); got != "" {
		t.Errorf("Abort after Close left %q", got)
	}
}

func testWriteFileIf(t *testing.T, dir string) {
	ctx := context.Background()
	path := Join(dir, "f")
	first, err := WriteFileIf(ctx, path, []byte("first"), 0)
	if err != nil {
		t.Fatal(err)
	}
	_, err = WriteFileIf(ctx, path, []byte("second"), 0)
	if !errors.Is(err, ErrPrecondition) || !strings.Contains(err.Error(), path) {
		t.Errorf("creating a file that exists: %v", err)
	}
	if got := mustRead(t, path); got != "first" {
		t.Errorf("a refused write changed the file to %q", got)
	}
	wantList(t, dir, "f")

	second, err := WriteFileIf(ctx, path, []byte("other"), first)
	if err != nil {
		t.Fatal(err)
	}
	if info, err := Stat(ctx, path); err != nil || info.Generation != second || second == first {
		t.Errorf("the generations are %d and %d, and %+v: %v", first, second, info, err)
	}
	if _, err := WriteFileIf(ctx, path, []byte("fourth"), first); !errors.Is(err, ErrPrecondition) {
		t.Errorf("replacing an old generation: %v", err)
	}
	if got := mustRead(t, path); got != "other" {
		t.Errorf("the file holds %q", got)
	}
	if _, err := WriteFileIf(ctx, Join(dir, "absent"), nil, first); !errors.Is(err, ErrPrecondition) {
		t.Errorf("replacing a file that does not exist: %v", err)
	}
	wantList(t, dir, "f")
}

// testWriteFileIfRaces has writers that create a file and then replace it.
func testWriteFileIfRaces(t *testing.T, dir string) {
	path := Join(dir, "f")
	generation := int64(0)
	for round := range 3 {
		var won atomic.Int32
		var group sync.WaitGroup
		next := make(chan int64, 8)
		for i := range 8 {
			group.Go(func() {
				g, err := WriteFileIf(context.Background(), path, fmt.Appendf(nil, "writer %d", i), generation)
				if err == nil {
					won.Add(1)
					next <- g
				} else if !errors.Is(err, ErrPrecondition) {
					t.Errorf("writer %d: %v", i, err)
				}
			})
		}
		group.Wait()
		if won.Load() != 1 {
			t.Fatalf("in round %d, %d of 8 writers wrote the file", round, won.Load())
		}
		generation = <-next
	}
}

func testDeleteIf(t *testing.T, dir string) {
	ctx := context.Background()
	path := Join(dir, "f")
	first, err := WriteFileIf(ctx, path, []byte("first"), 0)
	if err != nil {
		t.Fatal(err)
	}
	second, err := WriteFileIf(ctx, path, []byte("second"), first)
	if err != nil {
		t.Fatal(err)
	}
	if err := DeleteIf(ctx, path, first); !errors.Is(err, ErrPrecondition) {
		t.Errorf("deleting an old generation: %v", err)
	}
	wantList(t, dir, "f")
	if err := DeleteIf(ctx, path, second); err != nil {
		t.Error(err)
	}
	wantList(t, dir)
	if err := DeleteIf(ctx, path, second); !errors.Is(err, ErrPrecondition) {
		t.Errorf("deleting what does not exist: %v", err)
	}
}

func testList(t *testing.T, dir string) {
	for _, name := range []string{"b", "a/z", "a/b/c", "a.b", "ab"} {
		mustWrite(t, Join(dir, name), name)
	}
	wantList(t, dir, "a.b", "a/b/c", "a/z", "ab", "b")
	wantList(t, Join(dir, "a"), "b/c", "z")
	wantList(t, Join(dir, "a")+"/", "b/c", "z")
}

func testGlob(t *testing.T, dir string) {
	for _, name := range []string{"a.csv", "b.csv", "b.csv.gz", "part-1/c.csv", "part-2/c.csv", "part-2/deep/d.csv", "x[1].csv", `star*`} {
		mustWrite(t, Join(dir, name), "x")
	}
	for pattern, want := range map[string][]string{
		"a.csv":          {"a.csv"},
		"*.csv":          {"a.csv", "b.csv", "x[1].csv"},
		"?.csv":          {"a.csv", "b.csv"},
		"b.csv*":         {"b.csv", "b.csv.gz"},
		"[ab].csv":       {"a.csv", "b.csv"},
		"[b-z].csv":      {"b.csv"},
		"[^b].csv":       {"a.csv"},
		"part-*/c.csv":   {"part-1/c.csv", "part-2/c.csv"},
		"part-[2]/*":     {"part-2/c.csv"},
		"part-2/**":      {"part-2/c.csv", "part-2/deep/d.csv"},
		"**/*.csv":       {"a.csv", "b.csv", "part-1/c.csv", "part-2/c.csv", "part-2/deep/d.csv", "x[1].csv"},
		"*/**/d.csv":     {"part-2/deep/d.csv"},
		"part-2/**d.csv": {"part-2/deep/d.csv"},
		`x\[1].csv`:      {"x[1].csv"},
		`x\[*`:           {"x[1].csv"},
		`star\*`:         {"star*"},
	} {
		infos, err := Glob(context.Background(), dir+"/"+pattern)
		if got := names(dir, infos); err != nil || !cmp.Equal(got, want) {
			t.Errorf("Glob(%q) = %q, %v, want %q", pattern, got, err, want)
		}
	}
	for _, pattern := range []string{"none*", "part-*", "a.csv/*", "[", "[]", "[^]x"} {
		infos, err := Glob(context.Background(), dir+"/"+pattern)
		if err == nil || !strings.Contains(err.Error(), pattern) {
			t.Errorf("Glob(%q) = %v, %v, want an error that names it", pattern, infos, err)
		}
	}
}

func testDelete(t *testing.T, dir string) {
	ctx := context.Background()
	for _, name := range []string{"a/1", "a/b/2", "ab", "c"} {
		mustWrite(t, Join(dir, name), name)
	}
	if err := Delete(ctx, Join(dir, "c")); err != nil {
		t.Fatal(err)
	}
	if err := Delete(ctx, Join(dir, "a")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Delete of a directory: %v", err)
	}
	if err := DeleteDir(ctx, Join(dir, "a")); err != nil {
		t.Fatal(err)
	}
	wantList(t, dir, "ab")
}

func testWriteDir(t *testing.T, dir string) {
	ctx := context.Background()
	made := Join(dir, "parent", "made")
	err := WriteDir(ctx, made, func(tmp string) error {
		if err := WriteFile(ctx, Join(tmp, "a"), []byte("1")); err != nil {
			return err
		}
		return WriteFile(ctx, Join(tmp, "sub", "b"), []byte("2"))
	})
	if err != nil {
		t.Fatal(err)
	}
	wantList(t, dir, "parent/made/a", "parent/made/sub/b")

	failure := errors.New("failure of the caller")
	if err := WriteDir(ctx, Join(dir, "failed"), func(string) error { return failure }); err != failure {
		t.Errorf("WriteDir returns %v, not its caller's error", err)
	}
	wantList(t, dir, "parent/made/a", "parent/made/sub/b")
}

func testCancelledContext(t *testing.T, dir string) {
	mustWrite(t, Join(dir, "f"), "x")
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err := List(ctx, dir)
	if !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), dir) {
		t.Errorf("List: %v", err)
	}
}

func mustWrite(t *testing.T, path, content string) {
	t.Helper()
	if err := WriteFile(context.Background(), path, []byte(content)); err != nil {
		t.Fatal(err)
	}
}

func mustRead(t *testing.T, path string) string {
	t.Helper()
	data, err := ReadFile(context.Background(), path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// wantList checks the names of all files below a directory.
func wantList(t *testing.T, dir string, want ...string) {
	t.Helper()
	infos, err := List(context.Background(), dir)
	if got := names(dir, infos); err != nil || !cmp.Equal(got, want) {
		t.Errorf("List(%s) = %q, %v, want %q", dir, got, err, want)
	}
}

func names(dir string, infos []Info) []string {
	var names []string
	for _, info := range infos {
		names = append(names, strings.TrimPrefix(info.Path, strings.TrimRight(dir, "/")+"/"))
	}
	return names
}
