package registry

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
)

var (
	modelNames   = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_-]{0,127}$`)
	versionNames = regexp.MustCompile(`^[A-Za-z0-9_]([A-Za-z0-9_.-]{0,126}[A-Za-z0-9_-])?$`)
)

// ErrName is of a name that no model or version can have.
var ErrName = errors.New("is no name")

// Ref names a model or one of its versions.
type Ref struct {
	Name    string
	Version string // empty: none, or the default, as the user says
}

// ParseRef reads NAME or NAME@VERSION.
func ParseRef(text string) (Ref, error) {
	name, version, versioned := strings.Cut(text, "@")
	if err := checkName(name); err != nil {
		return Ref{}, err
	}
	if !versioned {
		return Ref{Name: name}, nil
	}
	return Ref{name, version}, checkVersion(version)
}

func (r Ref) String() string {
	if r.Version == "" {
		return r.Name
	}
	return r.Name + "@" + r.Version
}

// checkName refuses what would be no single directory, or no part of a URL.
func checkName(name string) error {
	if !modelNames.MatchString(name) {
		return fmt.Errorf("%q %w for a model: use up to 128 letters, digits, hyphens and underscores, no hyphen first", name, ErrName)
	}
	return nil
}

func checkVersion(version string) error {
	if !versionNames.MatchString(version) || strings.Contains(version, "..") {
		return fmt.Errorf("%q %w for a version: use up to 128 letters, digits, hyphens, underscores and single dots between them", version, ErrName)
	}
	return nil
}
