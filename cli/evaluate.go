package cli

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/penstock-ml/penstock/models/metrics"
	"github.com/penstock-ml/penstock/models/saved"
	"github.com/penstock-ml/penstock/pipelines"
)

const evaluateHelp = `Evaluate runs a model over labelled files and prints its figures: the mean loss; of classes the accuracy and
confusion matrix, of two of them AUC, AUC-PR, precision, recall and calibration, of more precision and recall of each; of
numbers RMSE, MAE, R2 and quantiles of the error. MODEL is an exported model's
directory or a job directory, whose newest export is used. The figures are exact: they depend neither on the runner
nor on the order of the records.

With --slice-by there are figures for each value of a column; with --bootstrap each figure has the interval in which it
lies with a probability of 95%, by the Poisson bootstrap.`

const evaluateExample = `  penstock evaluate --model job --eval-files 'data/eval*.csv'
  penstock evaluate --model job --eval-files data/eval.csv --slice-by gender,race --bootstrap 200`

// evaluateFlags are the values of the flags of evaluate.
type evaluateFlags struct {
	model   modelFlags
	files   []string
	slices  []string
	samples int
	runner  *runnerValue
}

func newEvaluateCommand(a *app) *cobra.Command {
	f := &evaluateFlags{}
	cmd := &cobra.Command{
		Use:     "evaluate --model MODEL --eval-files GLOB,...",
		Short:   "Print a model's figures on labelled files",
		Long:    evaluateHelp,
		Example: evaluateExample,
		Args:    noArguments,
		RunE:    a.runUntilInterrupted(func(ctx context.Context) error { return a.evaluate(ctx, f) }),
	}
	flags := cmd.Flags()
	f.model.add(flags)
	flags.StringSliceVar(&f.files, "eval-files", nil, "evaluation files, a comma-separated list of `globs` (required)")
	flags.StringSliceVar(&f.slices, "slice-by", nil, "`columns`, a comma-separated list: print figures for each of their values, too")
	flags.Var(atLeast(&f.samples, 0), "bootstrap", "`samples` of which 95% intervals of the figures are made, such as 200; 0 for none")
	f.runner = addRunnerFlags(cmd, "direct", "model", "registry", "eval-files")
	require(cmd, "model", "eval-files")
	return cmd
}

func (a *app) evaluate(ctx context.Context, f *evaluateFlags) error {
	dir, err := f.model.locate(ctx)
	if err != nil {
		return err
	}
	model, err := saved.ReadExport(ctx, dir)
	if err != nil {
		return fmt.Errorf("--model: %w", err)
	}
	a.startBeam()
	m, err := pipelines.Evaluate(ctx, pipelines.EvaluateOptions{
		Model: pipelines.ModelRef{Export: dir}, Files: f.files, SliceBy: f.slices, Bootstrap: f.samples, Runner: f.runner.runner,
	})
	if err != nil {
		return interrupted(err, "run it again")
	}
	digest, err := saved.WeightsSHA256(ctx, dir)
	if err != nil {
		return fmt.Errorf("--model: %w", err)
	}
	result := struct {
		*metrics.Metrics
		WeightsSHA256 string `json:"weights_sha256"` // so that the figures are not taken for another model's
	}{m, digest}
	return a.print(result, func(w io.Writer) { writeMetrics(w, m, model.Spec.Label.Classes) })
}
