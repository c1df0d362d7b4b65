package transforms

import (
	"context"
	"fmt"
	"sync"

	"github.com/penstock-ml/penstock/models/features"
	"github.com/penstock-ml/penstock/models/saved"
	"github.com/penstock-ml/penstock/models/spec"
	"github.com/penstock-ml/penstock/models/training"
	"github.com/penstock-ml/penstock/storage"
)

// JobRef tells a worker where to find what a training job is made of. It is data: DoFns carry it.
type JobRef struct {
	// Run distinguishes runs in one process: the hash of the run's identity.
	Run string
	// Dir is the job directory, with spec.yaml and features/.
	Dir        string
	Shards     int
	Batch      int
	Seed       int64
	CacheBytes int64
	Strategy   training.Strategy
	// ParameterShards is how many parts the parameters are averaged and updated in; 0 and 1 are one part.
	ParameterShards int
	// LargeState is from how many bytes on a state passes by its path; 0 is the constant of this name.
	LargeState int64
}

// A worker process keeps one trainer a run, with its compiled plans and its cache of encoded rows, and, where segments
// follow each other in one process, the state between them.
var jobs = struct {
	sync.Mutex
	trainers map[JobRef]*trainerEntry
	states   map[JobRef]*training.State
}{trainers: map[JobRef]*trainerEntry{}, states: map[JobRef]*training.State{}}

type trainerEntry struct {
	once    sync.Once
	trainer *training.Trainer
	err     error
}

// Trainer returns this process's trainer of the job, made on first use.
func (r JobRef) Trainer(ctx context.Context) (*training.Trainer, error) {
	jobs.Lock()
	entry, ok := jobs.trainers[r]
	if !ok {
		entry = &trainerEntry{}
		jobs.trainers[r] = entry
	}
	jobs.Unlock()
	entry.once.Do(func() { entry.trainer, entry.err = r.open(ctx) })
	return entry.trainer, entry.err
}

func (r JobRef) open(ctx context.Context) (*training.Trainer, error) {
	s, fitted, err := readJob(ctx, r.Dir)
	if err != nil {
		return nil, err
	}
	return training.NewTrainer(training.Job{
		Spec: s, Features: fitted, Shards: r.Shards, Batch: r.Batch, Seed: r.Seed, CacheBytes: r.CacheBytes,
		Strategy: r.Strategy,
	})
}

// readJob reads what a job directory has from its start on.
func readJob(ctx context.Context, dir string) (*spec.Spec, *features.Fitted, error) {
	path := SpecPath(dir)
	data, err := storage.ReadFile(ctx, path)
	if err != nil {
		return nil, nil, err
	}
	s, err := spec.Parse(path, data)
	if err != nil {
		return nil, nil, err
	}
	fitted, err := saved.ReadFeatures(ctx, FeaturesDir(dir))
	return s, fitted, err
}

// SpecPath is where a job directory has its resolved spec.
func SpecPath(jobDir string) string { return storage.Join(jobDir, "spec.yaml") }

// FeaturesDir is where a job directory has its fitted features.
func FeaturesDir(jobDir string) string { return storage.Join(jobDir, "features") }

// Release lets go of what this process keeps for the job.
func (r JobRef) Release() {
	jobs.Lock()
	defer jobs.Unlock()
	delete(jobs.trainers, r)
	delete(jobs.states, r)
}

// PutState leaves a state in this process's memory for the job's next segment.
func (r JobRef) PutState(s *training.State) {
	s.Keep()
	jobs.Lock()
	defer jobs.Unlock()
	jobs.states[r] = s
}

// State returns what PutState left.
func (r JobRef) State() (*training.State, error) {
	jobs.Lock()
	defer jobs.Unlock()
	if s, ok := jobs.states[r]; ok {
		return s, nil
	}
	return nil, fmt.Errorf("the training state of %s is not in this process's memory", r.Dir)
}
