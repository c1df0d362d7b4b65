package saved

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"github.com/penstock-ml/penstock/storage"
)

// ErrNotCommitted says that a directory has no valid MANIFEST.json or does not
// hold what it lists. Such a directory counts as absent.
var ErrNotCommitted = errors.New("not a committed directory")

// File is one file of a directory; Name is relative to it, with slashes.
type File struct {
	Name string
	Data []byte
}

// WriteDir creates dir with the given files and, last of all, the MANIFEST.json
// that commits it. Of several writers of the same file names one succeeds; for
// the others, and where dir exists already, the error is fs.ErrExist.
//
// On disk dir appears whole. On Cloud Storage, which has no directories, the
// first file in order of name is the claim: each is created on the condition that
// it does not exist.
func WriteDir(ctx context.Context, dir string, files []File) error {
	files = sortedFiles(files)
	m, err := newManifest(files)
	if err != nil {
		return fmt.Errorf("cannot write %s: %w", dir, err)
	}
	files = append(files, File{manifestName, m.marshal()})
	err = storage.WriteDir(ctx, dir, func(tmp string) error {
		for _, f := range files {
			if err := writeNew(ctx, storage.Join(tmp, f.Name), f.Data); err != nil {
				return err
			}
		}
		return nil
	})
	if errors.Is(err, storage.ErrPrecondition) {
		return fmt.Errorf("cannot write %s: %w", dir, fs.ErrExist)
	}
	if err != nil {
		return err // names the operation and the path already
	}
	return nil
}

// writeNew writes a file of a directory in the making. That on disk belongs to one
// writer alone, so the condition, which costs a hard link there, is left out.
func writeNew(ctx context.Context, name string, data []byte) error {
	if storage.IsLocal(name) {
		return storage.WriteFile(ctx, name, data)
	}
	_, err := storage.WriteFileIf(ctx, name, data, 0)
	return err
}

// ReadDir returns the files that dir's MANIFEST.json lists, by name, once each is
// known to have the size and the SHA-256 given there. Where one does not, the
// error is ErrNotCommitted and names it.
func ReadDir(ctx context.Context, dir string) (map[string][]byte, error) {
	m, err := readManifest(ctx, dir)
	if err != nil {
		return nil, err
	}
	files := make(map[string][]byte, len(m.Files))
	for _, entry := range m.Files {
		name := storage.Join(dir, entry.Name)
		data, err := readFile(ctx, name)
		if err != nil {
			return nil, err
		}
		if err := entry.verify(data); err != nil {
			return nil, notCommitted(name, err)
		}
		files[entry.Name] = data
	}
	return files, nil
}

// ReadFile returns one of the files that dir's MANIFEST.json lists, verified as by
// ReadDir. The others are not looked at.
func ReadFile(ctx context.Context, dir, name string) ([]byte, error) {
	m, err := readManifest(ctx, dir)
	if err != nil {
		return nil, err
	}
	path := storage.Join(dir, name)
	for _, entry := range m.Files {
		if entry.Name != name {
			continue
		}
		data, err := readFile(ctx, path)
		if err == nil {
			if wrong := entry.verify(data); wrong != nil {
				return nil, notCommitted(path, wrong)
			}
		}
		return data, err
	}
	return nil, fmt.Errorf("%s: %w", path, fs.ErrNotExist)
}

func readManifest(ctx context.Context, dir string) (*manifest, error) {
	name := storage.Join(dir, manifestName)
	data, err := readFile(ctx, name)
	if err != nil {
		return nil, err
	}
	m, err := parseManifest(data)
	if err != nil {
		return nil, notCommitted(name, err)
	}
	return m, nil
}

// readFile takes an absent file for a missing commit; a storage that cannot be
// reached says nothing about the directory.
func readFile(ctx context.Context, name string) ([]byte, error) {
	data, err := storage.ReadFile(ctx, name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, notCommitted(name, errors.New("does not exist"))
	}
	if err != nil {
		return nil, fmt.Errorf("cannot read %s: %w", name, err)
	}
	return data, nil
}

func notCommitted(file string, reason error) error {
	return fmt.Errorf("%w: %s %w", ErrNotCommitted, file, reason)
}

// isCommitted reports whether dir's MANIFEST.json is valid and the files have the
// sizes it gives, without reading them.
func isCommitted(ctx context.Context, dir string) (bool, error) {
	m, err := readManifest(ctx, dir)
	if errors.Is(err, ErrNotCommitted) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	for _, entry := range m.Files {
		info, err := storage.Stat(ctx, storage.Join(dir, entry.Name))
		if errors.Is(err, fs.ErrNotExist) {
			return false, nil
		}
		if err != nil {
			return false, fmt.Errorf("cannot examine %s: %w", dir, err)
		}
		if info.Size != entry.Size {
			return false, nil
		}
	}
	return true, nil
}

// DeleteDir takes the commit away first, so that a crash half-way leaves no
// directory that looks whole. An absent dir is fine.
func DeleteDir(ctx context.Context, dir string) error {
	err := storage.Delete(ctx, storage.Join(dir, manifestName))
	if err == nil || errors.Is(err, fs.ErrNotExist) {
		err = storage.DeleteDir(ctx, dir)
	}
	if err != nil {
		return fmt.Errorf("cannot delete %s: %w", dir, err)
	}
	return nil
}
