package registry

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"

	"github.com/penstock-ml/penstock/models/predictor"
	"github.com/penstock-ml/penstock/models/saved"
	"github.com/penstock-ml/penstock/storage"
)

const versionFile = "version.json"

// Version is what is known of a version: its version.json.
type Version struct {
	Name    string            `json:"name"`
	Version string            `json:"version"`
	Created time.Time         `json:"created"`
	Labels  map[string]string `json:"labels,omitempty"`
	// Source is the export that it is a copy of.
	Source        string `json:"source"`
	WeightsSHA256 string `json:"weights_sha256"`
	Spec          string `json:"spec"` // its name
	Kind          string `json:"kind"` // of model
	// Evaluation has the figures that it was deployed with, if any.
	Evaluation *Evaluation `json:"evaluation,omitempty"`
}

// Ref is the name of the version.
func (v *Version) Ref() Ref { return Ref{v.Name, v.Version} }

// Version returns a version, or the default where ref has none.
func (r *Registry) Version(ctx context.Context, ref Ref) (*Version, error) {
	_, v, err := r.find(ctx, ref)
	return v, err
}

func readVersion(ctx context.Context, dir string) (*Version, error) {
	data, err := saved.ReadFile(ctx, dir, versionFile)
	if err != nil {
		return nil, err
	}
	v := &Version{}
	if err := json.Unmarshal(data, v); err != nil {
		return nil, fmt.Errorf("%s: %w", storage.Join(dir, versionFile), err)
	}
	return v, nil
}

// Load reads a version that is ready to predict, or the default where ref has none.
func (r *Registry) Load(ctx context.Context, ref Ref) (*Version, *predictor.Predictor, error) {
	dir, v, err := r.find(ctx, ref)
	if err != nil {
		return nil, nil, err
	}
	p, err := predictor.Load(ctx, dir)
	return v, p, err
}

// Locate returns the directory of a version, or of the default where ref has none.
func (r *Registry) Locate(ctx context.Context, ref Ref) (dir string, err error) {
	dir, _, err = r.find(ctx, ref)
	return dir, err
}

// find returns a version and its directory.
func (r *Registry) find(ctx context.Context, ref Ref) (dir string, v *Version, err error) {
	current, err := r.Default(ctx, ref.Name)
	if err != nil {
		return "", nil, err
	}
	if ref.Version == "" {
		ref.Version = current
	}
	if ref.Version == "" {
		return "", nil, fmt.Errorf("model %s has no version yet: deploy one", ref.Name)
	}
	if err := checkVersion(ref.Version); err != nil {
		return "", nil, err
	}
	dir = r.versionDir(ref)
	v, err = readVersion(ctx, dir)
	if errors.Is(err, saved.ErrNotCommitted) {
		return "", nil, r.unknownVersion(ctx, ref)
	}
	return dir, v, err
}

func (r *Registry) unknownVersion(ctx context.Context, ref Ref) error {
	versions, err := r.Versions(ctx, ref.Name)
	if err != nil {
		return err
	}
	known := "it has none"
	if len(versions) > 0 {
		var names []string
		for _, v := range versions {
			names = append(names, v.Version)
		}
		known = "it has " + strings.Join(names, ", ")
	}
	return fmt.Errorf("model %s has no version %s (%s): %w", ref.Name, ref.Version, known, fs.ErrNotExist)
}

// Versions lists the versions of a model, the oldest first.
func (r *Registry) Versions(ctx context.Context, name string) ([]*Version, error) {
	infos, err := storage.List(ctx, r.path(name, versionsDir))
	if err != nil {
		return nil, err
	}
	var versions []*Version
	for _, info := range infos {
		parts := r.relative(info.Path)
		if len(parts) != 4 || parts[3] != versionFile || checkVersion(parts[2]) != nil {
			continue
		}
		v, err := readVersion(ctx, r.versionDir(Ref{name, parts[2]}))
		if errors.Is(err, saved.ErrNotCommitted) {
			continue // being written, or deleted
		}
		if err != nil {
			return nil, err
		}
		versions = append(versions, v)
	}
	slices.SortStableFunc(versions, func(a, b *Version) int {
		return cmp.Or(a.Created.Compare(b.Created), cmp.Compare(a.Version, b.Version))
	})
	return versions, nil
}

// DeleteVersion deletes a version. The default goes last.
func (r *Registry) DeleteVersion(ctx context.Context, ref Ref) error {
	dir, err := r.Locate(ctx, ref)
	if err != nil {
		return err
	}
	err = r.changePointer(ctx, ref.Name, func(p *pointer) error {
		versions, err := r.Versions(ctx, ref.Name)
		if err != nil {
			return err
		}
		if p.Default == ref.Version && len(versions) > 1 {
			return fmt.Errorf("%s is the default: make another version the default first", ref)
		}
		if p.Default == ref.Version {
			p.Default = ""
		}
		if !slices.Contains(p.Deleting, ref.Version) {
			p.Deleting = append(p.Deleting, ref.Version)
		}
		return nil
	})
	if err != nil {
		return err
	}
	if err := saved.DeleteDir(ctx, dir); err != nil {
		return err
	}
	return r.changePointer(ctx, ref.Name, func(p *pointer) error {
		p.Deleting = slices.DeleteFunc(p.Deleting, func(v string) bool { return v == ref.Version })
		return nil
	})
}

func (r *Registry) versionDir(ref Ref) string { return r.path(ref.Name, versionsDir, ref.Version) }
