package pipelines

import (
	"context"
	"errors"
	"io/fs"
	"time"

	"github.com/penstock-ml/penstock/models/saved"
)

// finish exports the last state.
func (r *trainRun) finish(ctx context.Context) (*TrainResult, error) {
	if r.stopper.on() && len(r.EvalFiles) > 0 && (r.evaluation == nil || r.seconds > 0) {
		if err := r.evaluate(ctx); err != nil {
			return nil, err
		}
	}
	r.phase("exporting")
	dir, sha, err := r.export(ctx)
	if err != nil {
		return nil, err
	}
	result := &TrainResult{
		Steps: r.state.Step, Examples: int64(r.examples), BadRecords: r.fitted.Bad, Seconds: r.seconds, WeightsSHA256: sha, Export: dir, Metrics: r.evaluation,
	}
	if r.seconds > 0 {
		result.ExamplesPerSecond = r.examples / r.seconds
	}
	return result, nil
}

// export writes the model, unless the newest export has these very weights: resuming a finished run makes nothing new.
func (r *trainRun) export(ctx context.Context) (dir, sha string, err error) {
	model := &saved.Model{Spec: r.Spec, Features: r.fitted, Weights: r.trainer.Weights(r.state)}
	if r.seconds == 0 {
		dir, sha, err := sameExport(ctx, r.JobDir, model.Weights)
		if err != nil || dir != "" {
			return dir, sha, err
		}
	}
	return saved.WriteExport(ctx, r.JobDir, r.Spec.Name, time.Now(), model)
}

func sameExport(ctx context.Context, jobDir string, weights []saved.Tensor) (dir, sha string, err error) {
	dir, err = saved.Locate(ctx, jobDir)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, saved.ErrNotCommitted) {
		return "", "", nil
	}
	if err != nil {
		return "", "", err
	}
	encoded, err := saved.EncodeTensors(weights)
	if err != nil {
		return "", "", err
	}
	files, err := saved.ReadDir(ctx, dir)
	if err != nil || saved.Digest(files["weights.safetensors"]) != saved.Digest(encoded) {
		return "", "", err
	}
	return dir, saved.Digest(encoded), nil
}
