package transforms

import (
	"context"
	"fmt"
	"sync"

	"github.com/penstock-ml/penstock/models/predictor"
	"github.com/penstock-ml/penstock/models/saved"
)

// ModelRef tells a worker which model to use: that of an export directory or, while that is empty, the one that a job's
// checkpoint holds. It is data: DoFns carry it.
type ModelRef struct {
	// Export is the directory itself, not that of a job: what is newest there may change between two workers.
	Export string
	// JobDir has spec.yaml, features/ and the checkpoint of Step.
	JobDir string
	Step   int64
}

// String names the model for people.
func (r ModelRef) String() string {
	if r.Export != "" {
		return r.Export
	}
	return saved.CheckpointDir(r.JobDir, r.Step)
}

// keptModels is how many models a process keeps: one is in use, and those before it may still be in that of a bundle
// that began earlier.
const keptModels = 4

// modelCache has the models that this process has read.
var modelCache = recent[ModelRef, *modelEntry]{most: keptModels}

type modelEntry struct {
	mu        sync.Mutex // held while the model is read
	predictor *predictor.Predictor
}

// Predictor returns the model, read on first use in this process.
func (r ModelRef) Predictor(ctx context.Context) (*predictor.Predictor, error) {
	entry := modelCache.getOr(r, func() *modelEntry { return &modelEntry{} })
	entry.mu.Lock()
	defer entry.mu.Unlock()
	if entry.predictor != nil {
		return entry.predictor, nil
	}
	m, err := r.read(ctx)
	if err == nil {
		entry.predictor, err = predictor.New(m)
	}
	if err != nil {
		return nil, fmt.Errorf("the model in %s cannot be used: %w", r, err)
	}
	return entry.predictor, nil
}

// Release lets go of the model in this process. Who uses it at the time may go on.
func (r ModelRef) Release() { modelCache.drop(r) }

func (r ModelRef) read(ctx context.Context) (*saved.Model, error) {
	if r.Export != "" {
		return saved.ReadExport(ctx, r.Export)
	}
	s, fitted, err := readJob(ctx, r.JobDir)
	if err != nil {
		return nil, err
	}
	checkpoint, err := saved.ReadCheckpoint(ctx, r.JobDir, r.Step)
	if err != nil {
		return nil, err
	}
	return &saved.Model{Spec: s, Features: fitted, Weights: checkpoint.Tensors}, nil
}
