package registry

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"github.com/penstock-ml/penstock/storage"
)

// pointer is default.json: all of a model that changes.
type pointer struct {
	Default string `json:"default"`
	// Last is the highest n of the versions named vn without the user's saying so. No such name is used twice.
	Last int `json:"last,omitempty"`
	// Deleting are versions that are on their way out, and never become the default.
	Deleting []string `json:"deleting,omitempty"`
}

// readPointer returns the pointer and the generation of its file, 0 where there is none.
func (r *Registry) readPointer(ctx context.Context, name string) (p pointer, generation int64, err error) {
	path := r.path(name, defaultFile)
	// The generation comes first: a file that is replaced meanwhile fails the write that is based on it.
	info, err := storage.Stat(ctx, path)
	if errors.Is(err, fs.ErrNotExist) {
		return p, 0, nil
	}
	if err != nil {
		return p, 0, err
	}
	data, err := storage.ReadFile(ctx, path)
	if err != nil {
		return p, 0, err
	}
	if err := json.Unmarshal(data, &p); err != nil {
		return p, 0, fmt.Errorf("%s: %w", path, err)
	}
	return p, info.Generation, nil
}

// changePointer replaces the pointer by what change makes of it, again from the start where somebody else was faster.
func (r *Registry) changePointer(ctx context.Context, name string, change func(p *pointer) error) error {
	for {
		p, generation, err := r.readPointer(ctx, name)
		if err != nil {
			return err
		}
		if err := change(&p); err != nil {
			return err
		}
		data, err := json.Marshal(p)
		if err != nil {
			return err
		}
		_, err = storage.WriteFileIf(ctx, r.path(name, defaultFile), append(data, '\n'), generation)
		if !errors.Is(err, storage.ErrPrecondition) {
			return err
		}
	}
}

// Default returns the version that a model's name alone stands for, empty without versions.
func (r *Registry) Default(ctx context.Context, name string) (string, error) {
	if _, err := r.info(ctx, name); err != nil {
		return "", err
	}
	p, _, err := r.readPointer(ctx, name)
	return p.Default, err
}

// SetDefault makes a version the one that the model's name alone stands for, and returns the one that was.
func (r *Registry) SetDefault(ctx context.Context, ref Ref) (before string, err error) {
	if ref.Version == "" {
		return "", fmt.Errorf("say which version of %s: give NAME@VERSION", ref.Name)
	}
	err = r.changePointer(ctx, ref.Name, func(p *pointer) error {
		if _, err := r.Version(ctx, ref); err != nil {
			return err
		}
		if slices.Contains(p.Deleting, ref.Version) {
			return fmt.Errorf("%s is being deleted: choose another version", ref)
		}
		before, p.Default = p.Default, ref.Version
		return nil
	})
	return before, err
}
