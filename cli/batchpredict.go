package cli

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/dustin/go-humanize"
	"github.com/spf13/cobra"

	"github.com/penstock-ml/penstock/pipelines"
	"github.com/penstock-ml/penstock/runners"
)

const batchPredictHelp = `Batch-predict writes a prediction for each record of the input files, which may lack the label's column. MODEL is
an exported model's directory or a job directory, whose newest export is used.

The input is divided into ranges of --range-mb. For each of them DIR gets two files of JSON lines,
prediction.results-NNNNN-of-NNNNN and prediction.errors-NNNNN-of-NNNNN: the results, in the order of the numbers, are
in the order of the input (files by name), and the errors say where each record without a prediction stands and why it
has none. Such records fail nothing; they are counted by type in prediction.errors_stats. prediction.summary.json is
written last: where it is, all is there. Names and contents depend on the model, the input, --data-format and
--range-mb alone.`

const batchPredictExample = `  penstock batch-predict --model job --input-paths 'data/people-*.csv' --output-path predictions`

// batchPredictFlags are the values of the flags of batch-predict.
type batchPredictFlags struct {
	model   modelFlags
	options pipelines.BatchPredictOptions
	rangeMB int
	runner  *runnerValue
}

func newBatchPredictCommand(a *app) *cobra.Command {
	f := &batchPredictFlags{rangeMB: pipelines.DefaultRangeBytes >> 20}
	cmd := &cobra.Command{
		Use:     "batch-predict --model MODEL --input-paths GLOB,... --output-path DIR",
		Short:   "Write predictions for files of records",
		Long:    batchPredictHelp,
		Example: batchPredictExample,
		Args:    noArguments,
		RunE:    a.runUntilInterrupted(func(ctx context.Context) error { return a.batchPredict(ctx, f) }),
	}
	o := &f.options
	flags := cmd.Flags()
	f.model.add(flags)
	flags.StringSliceVar(&o.InputPaths, "input-paths", nil, "input files, a comma-separated list of `globs` (required)")
	flags.StringVar(&o.OutputPath, "output-path", "", "`directory` for the predictions (required)")
	flags.Var(newOptionalChoice(&o.DataFormat, "csv", "jsonl"), "data-format", "`format` of the input: csv or jsonl (default: the training data's)")
	flags.Var(atLeast(&o.BatchSize, 0), "batch-size", "`records` that are scored together; 0: chosen for speed")
	flags.Var(atLeast(&f.rangeMB, 1), "range-mb", "`megabytes` of input for each file of predictions")
	flags.BoolVar(&o.Overwrite, "overwrite", false, "delete the predictions that the output directory holds")
	f.runner = addRunnerFlags(cmd, "direct", "model", "registry", "input-paths", "output-path")
	require(cmd, "model", "input-paths", "output-path")
	return cmd
}

func (a *app) batchPredict(ctx context.Context, f *batchPredictFlags) error {
	dir, err := f.model.locate(ctx)
	if err != nil {
		return err
	}
	progress := a.newProgress(func(done, total int64) string {
		return fmt.Sprintf("%s of %s", humanize.Bytes(uint64(done)), humanize.Bytes(uint64(total)))
	})
	defer progress.close()
	o := f.options
	o.Model = pipelines.ModelRef{Export: dir}
	o.RangeBytes = int64(f.rangeMB) << 20
	o.Runner = f.runner.runner
	o.Progress = func(p pipelines.BatchPredictProgress) {
		progress.update(p.Bytes, p.TotalBytes, recordsDone(p.Records))
	}
	a.startBeam()
	recorder := a.newRecorder("batch-predict", f.runner.name, o.OutputPath, false)
	recorder.begin()
	result, err := pipelines.BatchPredict(ctx, o)
	recorder.end(err)
	progress.close()
	if left := runners.Staged(""); errors.As(err, &left) {
		return a.print(map[string]string{"left_at": string(left)}, func(w io.Writer) { row(w, "left at", string(left)) })
	}
	if err != nil {
		return interrupted(err, o.OutputPath+" is incomplete: run it again with --overwrite")
	}
	return a.print(result, func(w io.Writer) { writeBatchResult(w, result, o.OutputPath) })
}

// recordsDone says nothing where workers are elsewhere, and only their files tell what is done.
func recordsDone(n int64) string {
	if n == 0 {
		return ""
	}
	return humanize.Comma(n) + " records"
}

func writeBatchResult(w io.Writer, r *pipelines.BatchPredictResult, dir string) {
	row(w, "records", r.Records)
	row(w, "predictions", r.Predictions)
	row(w, "errors", r.Errors)
	for _, e := range r.ErrorTypes {
		row(w, "  "+e.Type, e.Count)
	}
	row(w, "output", dir)
}
