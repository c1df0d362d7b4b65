package registry

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"

	"github.com/penstock-ml/penstock/storage"
)

const (
	modelFile   = "model.json"
	defaultFile = "default.json"
	versionsDir = "versions"
)

// Registry is a directory of models.
type Registry struct {
	dir string
}

// Open returns the registry in a directory, which need not exist yet.
func Open(dir string) *Registry { return &Registry{dir} }

// Dir is the registry's directory.
func (r *Registry) Dir() string { return r.dir }

// Info is what a model's creator says of it.
type Info struct {
	Name        string            `json:"name"`
	Description string            `json:"description,omitempty"`
	Labels      map[string]string `json:"labels,omitempty"`
	Created     time.Time         `json:"created"`
}

// Model is a model with its versions.
type Model struct {
	Info
	// Default is the version that the name alone stands for, empty without versions. Versions are the oldest first.
	Default  string   `json:"default,omitempty"`
	Versions []string `json:"versions"`
}

// Create adds a model without versions. One that exists is fs.ErrExist.
func (r *Registry) Create(ctx context.Context, info Info) (*Model, error) {
	if err := checkName(info.Name); err != nil {
		return nil, err
	}
	info.Created = time.Now().UTC().Truncate(time.Second)
	data, err := json.MarshalIndent(info, "", "  ")
	if err != nil {
		return nil, err
	}
	_, err = storage.WriteFileIf(ctx, r.path(info.Name, modelFile), append(data, '\n'), 0)
	if errors.Is(err, storage.ErrPrecondition) {
		return nil, fmt.Errorf("model %s in %s: %w", info.Name, r.dir, fs.ErrExist)
	}
	return &Model{Info: info, Versions: []string{}}, err
}

// Model returns a model.
func (r *Registry) Model(ctx context.Context, name string) (*Model, error) {
	info, err := r.info(ctx, name)
	if err != nil {
		return nil, err
	}
	p, _, err := r.readPointer(ctx, name)
	if err != nil {
		return nil, err
	}
	versions, err := r.Versions(ctx, name)
	if err != nil {
		return nil, err
	}
	m := &Model{Info: *info, Default: p.Default, Versions: []string{}}
	for _, v := range versions {
		m.Versions = append(m.Versions, v.Version)
	}
	return m, nil
}

func (r *Registry) info(ctx context.Context, name string) (*Info, error) {
	if err := checkName(name); err != nil {
		return nil, err
	}
	path := r.path(name, modelFile)
	data, err := storage.ReadFile(ctx, path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, r.unknown(ctx, name)
	}
	if err != nil {
		return nil, err
	}
	info := &Info{}
	if err := json.Unmarshal(data, info); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return info, nil
}

// unknown tells which models there are.
func (r *Registry) unknown(ctx context.Context, name string) error {
	names, err := r.Names(ctx)
	if err != nil {
		return err
	}
	known := "it has none"
	if len(names) > 0 {
		known = "it has " + strings.Join(names, ", ")
	}
	return fmt.Errorf("there is no model %s in %s (%s): %w", name, r.dir, known, fs.ErrNotExist)
}

// Names lists the models, sorted.
func (r *Registry) Names(ctx context.Context) ([]string, error) {
	infos, err := storage.List(ctx, r.path())
	if err != nil {
		return nil, err
	}
	var names []string
	for _, info := range infos {
		parts := r.relative(info.Path)
		if len(parts) == 2 && parts[1] == modelFile && checkName(parts[0]) == nil {
			names = append(names, parts[0])
		}
	}
	slices.Sort(names)
	return names, nil
}

// DeleteModel deletes a model that has no versions.
func (r *Registry) DeleteModel(ctx context.Context, name string) error {
	m, err := r.Model(ctx, name)
	if err != nil {
		return err
	}
	if len(m.Versions) > 0 {
		return fmt.Errorf("model %s has versions: delete %s first", name, strings.Join(m.Versions, ", "))
	}
	if err := storage.Delete(ctx, r.path(name, modelFile)); err != nil {
		return err
	}
	return storage.DeleteDir(ctx, r.path(name))
}

// path is that of a file or a directory in the registry.
func (r *Registry) path(parts ...string) string { return storage.Join(r.dir, parts...) }

// relative are the parts of a path below the registry.
func (r *Registry) relative(path string) []string {
	return strings.Split(strings.TrimPrefix(strings.TrimPrefix(path, r.path()), "/"), "/")
}
