package storage

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"
)

// ErrPrecondition reports that WriteFileIf found another generation than it
// was told to replace. Test for it with errors.Is.
var ErrPrecondition = errors.New("another process wrote the file first")

// Info describes a stored file. It is plain data and may travel as JSON.
type Info struct {
	Path       string // as Open takes it
	Size       int64  // in bytes, as stored (compressed files are not expanded)
	Generation int64  // tells versions of the file apart; Cloud Storage's own number of the object
}

// A Writer receives the bytes of one file. Its final name appears with Close,
// or never. A Writer does not buffer on disk: wrap it in a bufio.Writer for
// small writes.
type Writer interface {
	io.Writer

	// Close commits the file. After a failed Write it discards the file and
	// returns that failure.
	Close() error

	// Abort discards the file. It does nothing after Close, so that a caller
	// may defer it.
	Abort()
}

// driver is what a kind of storage has to offer. Drivers return plain errors:
// the functions of this package add the operation and the path.
type driver interface {
	open(ctx context.Context, path string, offset, length int64) (io.ReadCloser, error)
	create(ctx context.Context, path string) (Writer, error)
	writeIf(ctx context.Context, path string, data []byte, generation int64) (int64, error)
	stat(ctx context.Context, path string) (Info, error)
	list(ctx context.Context, dir string) ([]Info, error)
	glob(ctx context.Context, pattern string) ([]Info, error)
	remove(ctx context.Context, path string) error
	removeIf(ctx context.Context, path string, generation int64) error
	removeDir(ctx context.Context, dir string) error
	writeDir(ctx context.Context, dir string, write func(tmp string) error) error
}

// driverFor picks the driver that a path's scheme asks for.
func driverFor(path string) driver {
	if IsLocal(path) {
		return disk{}
	}
	return cloud{}
}

// Open reads length bytes of a file from offset on; a negative length reads to
// the end. A range that reaches beyond the end is cut short, and one that
// begins there is empty. The caller closes the reader.
func Open(ctx context.Context, path string, offset, length int64) (io.ReadCloser, error) {
	r, err := driverFor(path).open(ctx, path, offset, length)
	return r, wrap("open", path, err)
}

// ReadFile returns the bytes of a whole file.
func ReadFile(ctx context.Context, path string) ([]byte, error) {
	r, err := Open(ctx, path, 0, -1)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	data, err := io.ReadAll(r)
	return data, wrap("read", path, err)
}

// Create begins a file that replaces any of that name when the Writer is
// closed. Parent directories are made. The context bounds the whole write.
func Create(ctx context.Context, path string) (Writer, error) {
	w, err := driverFor(path).create(ctx, path)
	if err != nil {
		return nil, wrap("create", path, err)
	}
	return &writer{Writer: w, path: path}, nil
}

// WriteFile writes a file whole or not at all, replacing any of that name.
func WriteFile(ctx context.Context, path string, data []byte) error {
	w, err := Create(ctx, path)
	if err != nil {
		return err
	}
	defer w.Abort()
	if _, err := w.Write(data); err != nil {
		return err
	}
	return w.Close()
}

// WriteFileIf writes a file whole if the stored one still has the given
// generation; 0 means that it must not exist yet. It returns the new one.
// Otherwise it changes nothing and the error is ErrPrecondition.
//
// On Cloud Storage a write that was retried because its answer got lost may
// find itself: a caller to whom that matters reads the file before it believes
// ErrPrecondition.
func WriteFileIf(ctx context.Context, path string, data []byte, generation int64) (int64, error) {
	written, err := driverFor(path).writeIf(ctx, path, data, generation)
	return written, wrap("write", path, err)
}

// Stat describes one file. A directory is not a file: it does not exist here.
func Stat(ctx context.Context, path string) (Info, error) {
	info, err := driverFor(path).stat(ctx, path)
	return info, wrap("stat", path, err)
}

// List returns all files below a directory, recursively, sorted by path. A
// directory that does not exist is empty: Cloud Storage knows no difference.
func List(ctx context.Context, dir string) ([]Info, error) {
	infos, err := driverFor(dir).list(ctx, dir)
	sortByPath(infos)
	return infos, wrap("list", dir, err)
}

// Glob returns the files that match a pattern, sorted by path. "*" matches any
// characters within a path segment, "?" one, "[a-z]" and "[^a-z]" one of a
// class, "**" any characters across segments ("**/" also none), and a
// backslash makes the next character plain. Matching no file is an error,
// fs.ErrNotExist, that names the pattern.
func Glob(ctx context.Context, pattern string) ([]Info, error) {
	if !hasMeta(pattern) {
		info, err := Stat(ctx, unescape(pattern))
		if err != nil {
			return nil, err
		}
		return []Info{info}, nil
	}
	infos, err := driverFor(pattern).glob(ctx, pattern)
	if err != nil {
		return nil, wrap("glob", pattern, err)
	}
	if len(infos) == 0 {
		return nil, &fs.PathError{Op: "glob", Path: pattern, Err: errNoMatch}
	}
	sortByPath(infos)
	return infos, nil
}

// Delete removes one file.
func Delete(ctx context.Context, path string) error {
	return wrap("delete", path, driverFor(path).remove(ctx, path))
}

// DeleteIf removes one file if it has the given generation. Otherwise, and where
// it does not exist, the error is ErrPrecondition.
func DeleteIf(ctx context.Context, path string, generation int64) error {
	return wrap("delete", path, driverFor(path).removeIf(ctx, path, generation))
}

// DeleteDir removes a directory and all files below it. One that does not
// exist is no error.
func DeleteDir(ctx context.Context, dir string) error {
	return wrap("delete", dir, driverFor(dir).removeDir(ctx, dir))
}

// WriteDir makes a directory from the files that write puts below tmp. On disk
// tmp is a new directory beside dir, which is synced and renamed into place
// when write returns nil, and removed otherwise; a dir that already exists is
// fs.ErrExist. Cloud Storage cannot rename: there tmp is dir itself, and the
// caller's last file (a manifest) is what tells a whole directory from a torn
// one.
func WriteDir(ctx context.Context, dir string, write func(tmp string) error) error {
	var failed error // the callback's own, which knows best what it names
	err := driverFor(dir).writeDir(ctx, dir, func(tmp string) error {
		failed = write(tmp)
		return failed
	})
	if failed != nil {
		return failed
	}
	return wrap("write", dir, err)
}

// writer puts the path into a driver's errors and refuses to commit a file
// that lacks bytes.
type writer struct {
	Writer
	path   string
	failed error
}

func (w *writer) Write(data []byte) (int, error) {
	n, err := w.Writer.Write(data)
	if err != nil {
		w.failed = wrap("write", w.path, err)
	}
	return n, w.failed
}

func (w *writer) Close() error {
	if w.failed != nil {
		w.Abort()
		return w.failed
	}
	return wrap("write", w.path, w.Writer.Close())
}

// wrap names the operation and the path that the caller used, where a driver's
// own error may name a temporary file or nothing.
func wrap(op, path string, err error) error {
	switch inner := err.(type) {
	case nil:
		return nil
	case *fs.PathError:
		if inner.Path == path {
			return err
		}
		err = inner.Err
	case *os.LinkError:
		err = inner.Err
	}
	return &fs.PathError{Op: op, Path: path, Err: err}
}

// notFound is an absent file in words of its own.
type notFound string

func (e notFound) Error() string   { return string(e) }
func (e notFound) Is(t error) bool { return t == fs.ErrNotExist }

const errNoMatch = notFound("no file matches")

func sortByPath(infos []Info) {
	slices.SortFunc(infos, func(a, b Info) int { return strings.Compare(a.Path, b.Path) })
}
