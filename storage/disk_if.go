package storage

import (
	"context"
	"encoding/binary"
	"errors"
	"hash/fnv"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// Disks keep no versions. Since a file here is replaced by another and never written in its place, its inode, size and
// time tell one from the next.

// generationOf is a positive number that tells versions of a file apart.
func generationOf(info fs.FileInfo) int64 {
	hash := fnv.New64a()
	fields := []uint64{uint64(info.ModTime().UnixNano()), uint64(info.Size()), inodeOf(info)}
	binary.Write(hash, binary.LittleEndian, fields) // a hash does not fail
	return int64(hash.Sum64()>>1 | 1)
}

func inodeOf(info fs.FileInfo) uint64 {
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		return stat.Ino
	}
	return 0
}

func (disk) writeIf(_ context.Context, path string, data []byte, generation int64) (int64, error) {
	w, err := createTemp(path)
	if err != nil {
		return 0, err
	}
	defer w.Abort()
	if _, err := w.Write(data); err != nil {
		return 0, err
	}
	info, err := w.Stat()
	if err != nil {
		return 0, err
	}
	// A hard link, unlike a rename, fails where the name is taken.
	move := os.Link
	if generation != 0 {
		move = func(from, to string) error {
			return ifGeneration(to, generation, func() error { return os.Rename(from, to) })
		}
	}
	err = w.commit(move)
	if errors.Is(err, fs.ErrExist) {
		err = ErrPrecondition
	}
	return generationOf(info), err
}

func (disk) removeIf(_ context.Context, path string, generation int64) error {
	err := ifGeneration(path, generation, func() error { return os.Remove(path) })
	if err != nil {
		return err
	}
	return syncDir(filepath.Dir(path))
}

// ifGeneration changes a file that has the given generation. Changes in one directory exclude each other.
func ifGeneration(path string, generation int64, change func() error) error {
	unlock, err := lockDir(filepath.Dir(path))
	if err != nil {
		return err
	}
	defer unlock()
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) || err == nil && generationOf(info) != generation {
		return ErrPrecondition
	}
	if err != nil {
		return err
	}
	return change()
}

// lockDir waits until no other process has the directory locked. File systems that know no locks are trusted to be used
// by one process at a time.
func lockDir(dir string) (unlock func(), err error) {
	f, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX)
	if err != nil && !errors.Is(err, errors.ErrUnsupported) && !errors.Is(err, syscall.ENOLCK) && !errors.Is(err, syscall.EINVAL) {
		f.Close()
		return nil, err
	}
	return func() { f.Close() }, nil // which unlocks
}
