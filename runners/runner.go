package runners

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"
)

// Runner runs the pipelines that package pipelines builds. The result of a pipeline never depends on the runner: what
// differs is how many elements its work is cut into, how long a training segment may be, and what an element costs.
type Runner struct {
	name      string
	inProcess bool
	cloud     bool
	pubSub    bool
	elements  func() int
	maxRounds int
	// keepsWorkers, like check, may be nil: never, and nothing to check.
	keepsWorkers func() bool
	check        func() error
	prepare      func(p *beam.Pipeline) (func(context.Context) error, error)
}

// Name is what --runner takes.
func (r *Runner) Name() string { return r.name }

// InProcess says that elements pass by reference within this process, so that a segment may leave the training state in
// memory for the next one instead of on disk, and that a prepared pipeline may run many times.
func (r *Runner) InProcess() bool { return r.inProcess }

// NeedsCloud says that workers reach nothing but Cloud Storage.
func (r *Runner) NeedsCloud() bool { return r.cloud }

// HasPubSub says that the runner's service reads and writes Pub/Sub itself.
func (r *Runner) HasPubSub() bool { return r.pubSub }

// KeepsWorkers says that workers live on from one pipeline to the next.
func (r *Runner) KeepsWorkers() bool { return r.keepsWorkers != nil && r.keepsWorkers() }

// Elements is how many elements a collection of work (shards, ranges of files) is cut into. A DoFn computes what its
// element holds on all cores.
func (r *Runner) Elements() int { return r.elements() }

// MaxRounds caps the training rounds of one segment, that is of one graph.
func (r *Runner) MaxRounds() int { return r.maxRounds }

// Check finds what is wrong or missing among the options that the runner has of its own, and fills in the rest.
func (r *Runner) Check() error {
	if r.check == nil {
		return nil
	}
	return r.check()
}

// Prepare makes a pipeline ready to run; the function returned runs it to its end. A DoFn's error is within the error
// that it returns, at least as text.
func (r *Runner) Prepare(p *beam.Pipeline) (func(context.Context) error, error) { return r.prepare(p) }

var known = map[string]*Runner{}

func add(r *Runner) { known[r.name] = r }

// Get returns the runner of that name.
func Get(name string) (*Runner, error) {
	if r, ok := known[name]; ok {
		return r, nil
	}
	return nil, fmt.Errorf("unknown runner %q: use %s", name, strings.Join(Names(), " or "))
}

// Names lists the runners, sorted.
func Names() []string {
	names := make([]string, 0, len(known))
	for name := range known {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
