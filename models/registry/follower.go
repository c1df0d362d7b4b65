package registry

import (
	"context"
	"sync"
	"time"

	"github.com/penstock-ml/penstock/models/predictor"
)

// Follower has a model's default version and looks for another one now and then.
type Follower struct {
	registry *Registry
	name     string
	every    time.Duration

	mu        sync.Mutex
	looked    time.Time
	version   *Version
	predictor *predictor.Predictor
}

// Follow makes a follower of a model, which looks for a new default at most so often.
func (r *Registry) Follow(name string, every time.Duration) *Follower {
	return &Follower{registry: r, name: name, every: every}
}

// Current returns the default version. Where a newer one cannot be loaded it is the one before, together with the error.
func (f *Follower) Current(ctx context.Context) (*Version, *predictor.Predictor, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.version != nil && time.Since(f.looked) < f.every {
		return f.version, f.predictor, nil
	}
	err := f.look(ctx)
	f.looked = time.Now()
	return f.version, f.predictor, err
}

func (f *Follower) look(ctx context.Context) error {
	current, err := f.registry.Default(ctx, f.name)
	if err != nil || f.version != nil && f.version.Version == current {
		return err
	}
	v, p, err := f.registry.Load(ctx, Ref{f.name, current})
	if err == nil {
		f.version, f.predictor = v, p
	}
	return err
}
