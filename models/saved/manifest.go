package saved

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"sort"
	"strings"
)

const (
	manifestName  = "MANIFEST.json"
	formatVersion = 1
)

// manifest lists the files of a committed directory, sorted by name.
type manifest struct {
	FormatVersion int             `json:"format_version"`
	Files         []manifestEntry `json:"files"`
}

type manifestEntry struct {
	Name   string `json:"name"` // relative to the directory, with slashes
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"` // lower-case hexadecimal
}

// newManifest describes files, which it expects sorted by name.
func newManifest(files []File) (*manifest, error) {
	m := &manifest{FormatVersion: formatVersion, Files: []manifestEntry{}}
	for _, f := range files {
		m.Files = append(m.Files, manifestEntry{f.Name, int64(len(f.Data)), Digest(f.Data)})
	}
	return m, m.check()
}

// Digest returns the SHA-256 of data in lower-case hexadecimal.
func Digest(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

func (m *manifest) marshal() []byte {
	data, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		panic(err) // not reached: a manifest holds strings and integers only
	}
	return append(data, '\n')
}

// parseManifest accepts nothing but what marshal writes. So a damaged byte
// cannot hide in white space, in a repeated key or in the case of a name.
func parseManifest(data []byte) (*manifest, error) {
	m := new(manifest)
	if err := json.Unmarshal(data, m); err != nil {
		return nil, fmt.Errorf("not valid JSON: %w", err)
	}
	if m.FormatVersion != formatVersion {
		return nil, fmt.Errorf("format version %d, but this release reads version %d", m.FormatVersion, formatVersion)
	}
	if err := m.check(); err != nil {
		return nil, err
	}
	if !bytes.Equal(m.marshal(), data) {
		return nil, errors.New("not in the form in which it is written; it was edited or damaged")
	}
	return m, nil
}

// check holds for manifests written as for those read: the names are unique,
// sorted, and stay inside the directory.
func (m *manifest) check() error {
	for i, f := range m.Files {
		if !fs.ValidPath(f.Name) || f.Name == "." || f.Name == manifestName || strings.ContainsAny(f.Name, `\:`) {
			return fmt.Errorf("%q is no name for a file in a committed directory", f.Name)
		}
		if i > 0 && m.Files[i-1].Name >= f.Name {
			return fmt.Errorf("the file names %q and %q are not in ascending order", m.Files[i-1].Name, f.Name)
		}
	}
	return nil
}

// verify compares the contents of a file with its entry.
func (e *manifestEntry) verify(data []byte) error {
	if int64(len(data)) != e.Size {
		return fmt.Errorf("has the size %d where %s says %d", len(data), manifestName, e.Size)
	}
	if Digest(data) != e.SHA256 {
		return fmt.Errorf("has contents whose sha256 is not the one in %s", manifestName)
	}
	return nil
}

func sortedFiles(files []File) []File {
	sorted := append([]File(nil), files...)
	sort.SliceStable(sorted, func(i, j int) bool { return sorted[i].Name < sorted[j].Name })
	return sorted
}
