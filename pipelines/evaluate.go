package pipelines

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"

	"github.com/penstock-ml/penstock/models/metrics"
	"github.com/penstock-ml/penstock/models/records"
	"github.com/penstock-ml/penstock/models/saved"
	"github.com/penstock-ml/penstock/models/spec"
	"github.com/penstock-ml/penstock/models/training"
	"github.com/penstock-ml/penstock/storage"
	"github.com/penstock-ml/penstock/transforms"
)

// ModelRef says which model a job uses. As an option its Export may also be a job directory, whose newest export is
// taken.
type ModelRef = transforms.ModelRef

// EvaluateOptions say what to evaluate and on what. Only the model and the files reach a figure.
type EvaluateOptions struct {
	Model  ModelRef
	Files  []string // patterns
	Runner Runner
	// Holdout, if not empty, has only those records evaluated.
	Holdout training.Holdout
	// SliceBy names columns: for each of their values there are figures, too.
	SliceBy []string
	// Bootstrap is of how many samples intervals of the figures are made; 0 for none.
	Bootstrap int
	// RangeBytes is how much of a file is read as one piece; 0 leaves it to Evaluate.
	RangeBytes int64
	// TempDir is where the workers leave the result for this process; empty: the system's where this process is the only
	// worker, else the model's job directory, else that of the export's parent.
	TempDir string
}

// Evaluate computes the metrics of a model on files of labelled records.
func Evaluate(ctx context.Context, o EvaluateOptions) (*metrics.Metrics, error) {
	result, err := evaluate(ctx, o)
	if err != nil {
		return nil, err
	}
	return result.Metrics, nil
}

func evaluate(ctx context.Context, o EvaluateOptions) (*transforms.EvaluationResult, error) {
	model, err := locate(ctx, o.Model)
	if err != nil {
		return nil, err
	}
	files, err := listFiles(ctx, "--eval-files", o.Files)
	if err != nil {
		return nil, err
	}
	return evaluateFiles(ctx, o, model, files)
}

func evaluateFiles(ctx context.Context, o EvaluateOptions, model ModelRef, files []storage.Info) (*transforms.EvaluationResult, error) {
	p, err := model.Predictor(ctx)
	if err != nil {
		return nil, err
	}
	defer model.Release()
	if err := checkSlices(p.Spec(), o.SliceBy); err != nil {
		return nil, err
	}
	ranges := records.Split(files, p.Spec().Format(), o.rangeBytes(files))
	result := storage.Join(o.tempDir(model), "evaluation-"+rand.Text()+".json")
	defer remove(ctx, result)
	err = run(ctx, o.Runner, func(s beam.Scope) { evaluationGraph(s, o, model, result, ranges) })
	if err != nil {
		return nil, err
	}
	return readResult(ctx, result)
}

func checkSlices(s *spec.Spec, columns []string) error {
	for _, name := range columns {
		if !slices.Contains(s.Data.Columns, name) {
			return fmt.Errorf("--slice-by: there is no column %q%s", name, spec.DidYouMean(name, s.Data.Columns))
		}
	}
	return nil
}

func evaluationGraph(s beam.Scope, o EvaluateOptions, model ModelRef, result string, ranges []records.Range) {
	e := transforms.Evaluation{Model: model, Holdout: o.Holdout, SliceBy: o.SliceBy, Bootstrap: o.Bootstrap, Path: result}
	transforms.Evaluate(s, e, transforms.Ranges(s, ranges, o.Runner.Elements()))
}

// locate fixes the export that a path stands for.
func locate(ctx context.Context, model ModelRef) (ModelRef, error) {
	if model.Export == "" {
		return model, nil
	}
	dir, err := saved.Locate(ctx, model.Export)
	return ModelRef{Export: dir}, err
}

// rangeBytes makes some pieces for each core, and no more than the list of them is worth.
func (o *EvaluateOptions) rangeBytes(files []storage.Info) int64 {
	const least, most, pieces = 256 << 10, 64 << 20, 256
	if o.RangeBytes > 0 {
		return o.RangeBytes
	}
	total := int64(0)
	for _, f := range files {
		total += f.Size
	}
	return min(max(total/pieces, least), most)
}

func (o *EvaluateOptions) tempDir(model ModelRef) string {
	switch {
	case o.TempDir != "":
		return o.TempDir
	case o.Runner.InProcess():
		return os.TempDir()
	case model.JobDir != "":
		return model.JobDir
	}
	return storage.Dir(model.Export)
}

func readResult(ctx context.Context, path string) (*transforms.EvaluationResult, error) {
	result, err := transforms.ReadEvaluation(ctx, path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("the workers left no result: choose a place that they share with this process: %w", err)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return result, nil
}

// remove deletes a temporary file as well as it can, also when ctx has ended.
func remove(ctx context.Context, path string) {
	_ = storage.Delete(context.WithoutCancel(ctx), path) // what cannot be deleted does no harm
}
