package storage

import (
	"context"
	"crypto/rand"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// tempPrefix begins the names of files and directories that are not committed.
const tempPrefix = ".penstock-tmp-"

// disk is the driver of local files.
type disk struct{}

func (disk) open(_ context.Context, path string, offset, length int64) (io.ReadCloser, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	if length < 0 && offset == 0 {
		return f, nil // not seeking lets pipes and devices be read too
	}
	if _, err := f.Seek(offset, io.SeekStart); err != nil {
		f.Close()
		return nil, err
	}
	if length < 0 {
		return f, nil
	}
	return &fileRange{LimitedReader: io.LimitedReader{R: f, N: length}, file: f}, nil
}

// fileRange reads a part of a file.
type fileRange struct {
	io.LimitedReader
	file *os.File
}

func (r *fileRange) Close() error { return r.file.Close() }

// fileWriter writes a temporary file that Close renames.
type fileWriter struct {
	*os.File
	final string
	done  bool
}

func (disk) create(_ context.Context, path string) (Writer, error) {
	w, err := createTemp(path)
	if err != nil {
		return nil, err // not w: a nil *fileWriter is no nil Writer
	}
	return w, nil
}

// createTemp opens a new file in the directory of the final path, which it
// makes where absent.
func createTemp(final string) (*fileWriter, error) {
	if err := makeDir(filepath.Dir(final)); err != nil {
		return nil, err
	}
	// os.CreateTemp would make the file private to its owner; the umask decides.
	f, err := os.OpenFile(tempPath(final), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return nil, err
	}
	return &fileWriter{File: f, final: final}, nil
}

// tempPath returns a random name beside the final one.
func tempPath(final string) string {
	return filepath.Join(filepath.Dir(final), tempPrefix+rand.Text())
}

func (w *fileWriter) Close() error { return w.commit(os.Rename) }

func (w *fileWriter) Abort() {
	if !w.done {
		w.done = true
		w.File.Close()
		os.Remove(w.Name())
	}
}

// commit makes the bytes durable, moves the file to its name and makes the
// name durable. The bytes come first: a name that survives a crash must not
// point to a file that did not.
func (w *fileWriter) commit(move func(from, to string) error) error {
	if w.done {
		return fs.ErrClosed
	}
	defer w.Abort()
	if err := w.Sync(); err != nil {
		return err
	}
	if err := w.File.Close(); err != nil {
		return err
	}
	if err := move(w.Name(), w.final); err != nil {
		return err
	}
	return syncDir(filepath.Dir(w.final))
}

func (disk) stat(_ context.Context, path string) (Info, error) {
	info, err := os.Stat(path)
	if err != nil {
		return Info{}, err
	}
	if info.IsDir() {
		return Info{}, notFound("is a directory, not a file")
	}
	return Info{Path: path, Size: info.Size(), Generation: generationOf(info)}, nil
}

func (disk) remove(_ context.Context, path string) error {
	info, err := os.Lstat(path)
	if err == nil && info.IsDir() {
		return notFound("is a directory, not a file")
	}
	if err := os.Remove(path); err != nil {
		return err
	}
	return syncDir(filepath.Dir(path))
}

func (disk) removeDir(_ context.Context, dir string) error { return os.RemoveAll(dir) }

func (disk) writeDir(_ context.Context, dir string, write func(tmp string) error) error {
	dir = filepath.Clean(dir)
	if _, err := os.Lstat(dir); err == nil {
		return fs.ErrExist
	}
	if err := makeDir(filepath.Dir(dir)); err != nil {
		return err
	}
	tmp := tempPath(dir)
	if err := os.Mkdir(tmp, 0o777); err != nil {
		return err
	}
	defer os.RemoveAll(tmp) // nothing is left there after the rename
	if err := write(tmp); err != nil {
		return err
	}
	if err := syncTree(tmp); err != nil {
		return err
	}
	if err := os.Rename(tmp, dir); err != nil {
		return err
	}
	return syncDir(filepath.Dir(dir))
}

// makeDir makes a directory and its parents durable.
func makeDir(dir string) error {
	if _, err := os.Stat(dir); err == nil {
		return nil
	}
	if err := makeDir(filepath.Dir(dir)); err != nil {
		return err
	}
	if err := os.Mkdir(dir, 0o777); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return syncDir(filepath.Dir(dir))
}

// syncTree syncs every file and directory below root, and root itself.
func syncTree(root string) error {
	return filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() {
			return syncDir(path)
		}
		return syncPath(path)
	})
}

// syncDir makes the names in a directory durable. Some network file systems
// cannot sync a directory and say so; they keep names by other means.
func syncDir(dir string) error {
	err := syncPath(dir)
	if errors.Is(err, syscall.EINVAL) || errors.Is(err, errors.ErrUnsupported) {
		return nil
	}
	return err
}

func syncPath(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	return f.Sync()
}
