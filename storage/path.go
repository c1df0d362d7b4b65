package storage

import (
	"path"
	"path/filepath"
	"strings"
)

// cloudScheme begins the paths of Cloud Storage.
const cloudScheme = "gs://"

// IsLocal reports whether a path is on this machine's disk.
func IsLocal(path string) bool { return !strings.HasPrefix(path, cloudScheme) }

// Join appends elements to a directory's path.
func Join(dir string, elem ...string) string {
	if IsLocal(dir) {
		return filepath.Join(append([]string{dir}, elem...)...)
	}
	rest := strings.TrimPrefix(dir, cloudScheme)
	return cloudScheme + path.Join(append([]string{rest}, elem...)...)
}

// Base returns the last element of a path.
func Base(p string) string {
	if IsLocal(p) {
		return filepath.Base(p)
	}
	return path.Base(strings.TrimPrefix(p, cloudScheme))
}

// Dir returns all but the last element of a path. A bucket is its own
// directory.
func Dir(p string) string {
	if IsLocal(p) {
		return filepath.Dir(p)
	}
	rest := strings.TrimPrefix(p, cloudScheme)
	if i := strings.LastIndexByte(strings.TrimRight(rest, "/"), '/'); i >= 0 {
		rest = rest[:i]
	}
	return cloudScheme + rest
}
