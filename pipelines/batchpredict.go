package pipelines

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"

	"github.com/penstock-ml/penstock/models/records"
	"github.com/penstock-ml/penstock/storage"
	"github.com/penstock-ml/penstock/transforms"
)

// DefaultRangeBytes is how much input a file of predictions is for, unless the options say otherwise.
const DefaultRangeBytes = 64 << 20

// BatchPredictOptions say what to predict. The names and the contents of the files written depend on the model, the
// input, DataFormat and RangeBytes alone.
type BatchPredictOptions struct {
	Model      ModelRef
	InputPaths []string // patterns
	OutputPath string   // a directory
	// DataFormat is records.CSV or records.JSONL, or empty for that of the training data.
	DataFormat string
	// BatchSize is how many records are scored together; 0 is predictor.DefaultBatch.
	BatchSize int
	// RangeBytes is how much input one file of results is for; 0 is DefaultRangeBytes.
	RangeBytes int64
	// Overwrite deletes the files of an earlier prediction in OutputPath; without it they are an error.
	Overwrite bool
	Runner    Runner
	// Progress, if not nil, is called now and then while workers are at work, by one goroutine at a time.
	Progress func(BatchPredictProgress)
}

// BatchPredictResult is what a batch prediction has done: the summary that is also in OutputPath.
type BatchPredictResult = transforms.PredictionSummary

// BatchPredict predicts every record of the input files. Records that have no prediction are counted and written with
// their places and reasons; they are no error.
func BatchPredict(ctx context.Context, o BatchPredictOptions) (*BatchPredictResult, error) {
	predictions, ranges, err := o.plan(ctx)
	if err != nil {
		return nil, err
	}
	defer predictions.Model.Release()
	finish := o.watch(ctx, predictions, ranges)
	result, err := o.predict(ctx, predictions, ranges)
	finish(result)
	return result, err
}

// predict runs the pipeline and reads the summary that it wrote.
func (o *BatchPredictOptions) predict(ctx context.Context, p transforms.Predictions, ranges []records.Range) (*BatchPredictResult, error) {
	err := run(ctx, o.Runner, func(s beam.Scope) { predictionGraph(s, o.Runner, p, ranges) })
	if err != nil {
		return nil, err
	}
	path := p.Output.Summary()
	data, err := storage.ReadFile(ctx, path)
	if err != nil {
		return nil, err
	}
	result := &BatchPredictResult{}
	if err := json.Unmarshal(data, result); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return result, nil
}

func predictionGraph(s beam.Scope, r Runner, p transforms.Predictions, ranges []records.Range) {
	transforms.Predict(s, p, transforms.Ranges(s, ranges, r.Elements()))
}

// plan checks all options, divides the input, and clears the output path last.
func (o *BatchPredictOptions) plan(ctx context.Context) (p transforms.Predictions, ranges []records.Range, err error) {
	if p.Model, err = locate(ctx, o.Model); err != nil {
		return p, nil, err
	}
	predictor, err := p.Model.Predictor(ctx)
	if err != nil {
		return p, nil, err
	}
	if p.Format, err = predictor.Format(o.DataFormat); err != nil {
		return p, nil, fmt.Errorf("--data-format: %w", err)
	}
	if o.BatchSize < 0 || o.RangeBytes < 0 {
		return p, nil, fmt.Errorf("--batch-size and --range-mb must be positive")
	}
	files, err := listFiles(ctx, "--input-paths", o.InputPaths)
	if err != nil {
		return p, nil, err
	}
	rangeBytes := o.RangeBytes
	if rangeBytes == 0 {
		rangeBytes = DefaultRangeBytes
	}
	ranges = records.Split(files, p.Format, rangeBytes)
	p.BatchSize = o.BatchSize
	p.Output = transforms.PredictionFiles{Dir: o.OutputPath, Shards: len(ranges)}
	p.Watch = rand.Text()
	return p, ranges, o.clearOutput(ctx, files)
}

// clearOutput sees to it that the output path holds no predictions of another run, which would mix with the new ones.
func (o *BatchPredictOptions) clearOutput(ctx context.Context, input []storage.Info) error {
	old, err := o.oldPredictions(ctx)
	if err != nil || len(old) == 0 {
		return err
	}
	if !o.Overwrite {
		return fmt.Errorf("%s holds predictions already, such as %s: add --overwrite to replace them, or choose another --output-path",
			o.OutputPath, storage.Base(old[0]))
	}
	for _, file := range input {
		if slices.Contains(old, storage.Join(file.Path)) {
			return fmt.Errorf("%s is input and would be deleted as an earlier prediction: choose another --output-path", file.Path)
		}
	}
	for _, path := range old {
		if err := storage.Delete(ctx, path); err != nil {
			return err
		}
	}
	return nil
}

// oldPredictions lists what a batch prediction left in the output path, the summary first: without it, what is left of
// the others is not taken for whole.
func (o *BatchPredictOptions) oldPredictions(ctx context.Context) (old []string, err error) {
	dir := storage.Join(o.OutputPath) // as List's paths begin
	files, err := storage.List(ctx, dir)
	if err != nil {
		return nil, err
	}
	summary := transforms.PredictionFiles{Dir: dir}.Summary()
	for _, file := range files {
		switch {
		case file.Path == summary:
			old = slices.Insert(old, 0, file.Path)
		case transforms.IsPredictionFile(file.Path) && storage.Join(dir, storage.Base(file.Path)) == file.Path:
			old = append(old, file.Path)
		}
	}
	return old, nil
}
