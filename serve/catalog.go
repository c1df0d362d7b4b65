package serve

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/penstock-ml/penstock/models/predictor"
	"github.com/penstock-ml/penstock/models/registry"
	"github.com/penstock-ml/penstock/models/saved"
	"github.com/penstock-ml/penstock/storage"
)

// keptVersions are how many versions of a model beside its default stay loaded, once asked for.
const keptVersions = 4

// catalog has the models that a server knows.
type catalog struct {
	registry *registry.Registry // nil for a single model
	options  Options
	metrics  *metrics
	log      *slog.Logger

	models     atomic.Pointer[map[string]*model]
	refreshing sync.Mutex // held while models are looked for
}

// A model has one version that its name alone stands for, and may have others.
type model struct {
	name    string
	current atomic.Pointer[version]

	mu     sync.Mutex
	others []*version // the one that was asked for last at the end
}

// A version is loaded and ready.
type version struct {
	registry.Version
	predictor  *predictor.Predictor
	batcher    *batcher
	explainers *explainers
	metrics    *versionMetrics
	header     []string // the value of versionHeader
}

// single fills the catalog with one export.
func (c *catalog) single(ctx context.Context, dir string) error {
	p, err := predictor.Load(ctx, dir)
	if err != nil {
		return err
	}
	digest, err := saved.WeightsSHA256(ctx, dir)
	if err != nil {
		return err
	}
	info := &registry.Version{Name: p.Spec().Name, Version: storage.Base(dir), Source: dir, WeightsSHA256: digest, Spec: p.Spec().Name, Kind: p.Spec().Model.Kind}
	v, err := c.ready(info, p)
	if err != nil {
		return err
	}
	m := &model{name: info.Name}
	m.current.Store(v)
	c.models.Store(&map[string]*model{m.name: m})
	return nil
}

// errNoSuchModel is of a request for what is not there.
var errNoSuchModel = errors.New("there is no such model")

// find returns a version, or the default where version is empty. One that is not loaded yet is.
func (c *catalog) find(ctx context.Context, name, version string) (*version, error) {
	m := (*c.models.Load())[name]
	if m == nil {
		return nil, fmt.Errorf("%w: %s", errNoSuchModel, name)
	}
	current := m.current.Load()
	if version == "" || current.Version.Version == version {
		return current, nil
	}
	if c.registry == nil {
		return nil, fmt.Errorf("%w: version %s of %s", errNoSuchModel, version, name)
	}
	return m.other(ctx, c, version)
}

// other returns a version that is not the default. Who asks for another one at the time waits.
func (m *model) other(ctx context.Context, c *catalog, name string) (*version, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	i := slices.IndexFunc(m.others, func(v *version) bool { return v.Version.Version == name })
	if i >= 0 {
		v := m.others[i]
		m.others = append(slices.Delete(m.others, i, i+1), v)
		return v, nil
	}
	v, err := c.load(ctx, registry.Ref{Name: m.name, Version: name})
	if err != nil {
		return nil, err
	}
	if m.others = append(m.others, v); len(m.others) > keptVersions {
		c.metrics.forget(&m.others[0].Version)
		m.others = slices.Delete(m.others, 0, 1)
	}
	return v, nil
}

// ready makes a version of a predictor.
func (c *catalog) ready(info *registry.Version, p *predictor.Predictor) (*version, error) {
	m := c.metrics.of(info)
	lanes := runtime.GOMAXPROCS(0)
	b, err := newBatcher(p, lanes, c.options.LatencyTarget, c.options.Patience, func(rows int) { m.rows.Observe(float64(rows)) })
	return &version{Version: *info, predictor: p, batcher: b, explainers: newExplainers(lanes), metrics: m, header: []string{info.Version}}, err
}

// load reads a version from the registry.
func (c *catalog) load(ctx context.Context, ref registry.Ref) (*version, error) {
	info, p, err := c.registry.Load(ctx, ref)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, registry.ErrName) {
		return nil, fmt.Errorf("%w: %w", errNoSuchModel, err)
	}
	if err != nil {
		return nil, err
	}
	return c.ready(info, p)
}

// refreshAll looks for models and default versions that have changed in the registry, and loads them. What cannot be
// loaded stays as it was. The error tells of all that failed.
func (c *catalog) refreshAll(ctx context.Context) error {
	if c.registry == nil {
		return nil
	}
	names, err := c.registry.Names(ctx)
	if err != nil {
		return err
	}
	c.refreshing.Lock()
	defer c.refreshing.Unlock()
	models := maps.Clone(*c.models.Load())
	maps.DeleteFunc(models, func(name string, _ *model) bool { return !slices.Contains(names, name) })
	var failed []error
	for _, name := range names {
		failed = append(failed, c.follow(ctx, models, name))
	}
	c.models.Store(&models)
	return errors.Join(failed...)
}

// refreshModel does so for one model.
func (c *catalog) refreshModel(ctx context.Context, name string) error {
	if c.registry == nil {
		return nil
	}
	c.refreshing.Lock()
	defer c.refreshing.Unlock()
	models := maps.Clone(*c.models.Load())
	if err := c.follow(ctx, models, name); err != nil {
		return err
	}
	c.models.Store(&models)
	if models[name] == nil {
		return fmt.Errorf("%w: %s", errNoSuchModel, name)
	}
	return nil
}

// follow brings one model of a table up to date.
func (c *catalog) follow(ctx context.Context, models map[string]*model, name string) error {
	current, err := c.registry.Default(ctx, name)
	if errors.Is(err, registry.ErrName) || errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%w: %w", errNoSuchModel, err)
	}
	if err != nil {
		return fmt.Errorf("model %s: %w", name, err)
	}
	m := models[name]
	if current == "" || m != nil && m.current.Load().Version.Version == current {
		return nil
	}
	v, err := c.load(ctx, registry.Ref{Name: name, Version: current})
	if err != nil {
		return fmt.Errorf("model %s: %w", name, err)
	}
	c.log.Info("serving", "model", name, "version", current, "weights_sha256", v.WeightsSHA256)
	if m == nil {
		m = &model{name: name}
		models[name] = m
	}
	if before := m.current.Swap(v); before != nil {
		c.metrics.forget(&before.Version)
	}
	return nil
}

// followRegistry refreshes the catalog again and again until the context ends.
func (c *catalog) followRegistry(ctx context.Context, every time.Duration) {
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			if err := c.refreshAll(ctx); err != nil && ctx.Err() == nil {
				c.log.Error("looking for new versions", "error", err)
			}
		}
	}
}

// list returns the models by name.
func (c *catalog) list() []*model {
	models := *c.models.Load()
	list := make([]*model, 0, len(models))
	for _, name := range slices.Sorted(maps.Keys(models)) {
		list = append(list, models[name])
	}
	return list
}
