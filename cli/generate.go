package cli

import (
	"bufio"
	"context"
	"io"

	"github.com/spf13/cobra"

	"github.com/penstock-ml/penstock/models/metrics"
	"github.com/penstock-ml/penstock/models/synthetic"
	"github.com/penstock-ml/penstock/storage"
)

const generateCensusHelp = `Census writes records in the form of the UCI census income data: 15 columns, comma-separated, no header.
DIR/train.csv has the rows asked for and DIR/eval.csv a quarter as many, at least 1000; files of these names are
replaced. The same seed and rows give the same bytes on any machine.

The labels are drawn from a model that is known, so the best figures that any model can expect on DIR/eval.csv are
printed: they are what the true probabilities reach on its very rows.`

const generateCensusExample = `  penstock generate census --rows 100000 --seed 1 --output data`

// leastEvalRows keeps the figures of a small data set from being noise.
const leastEvalRows = 1000

func newGenerateCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "generate",
		Short:   "Generate data whose best reachable figures are known",
		Example: generateCensusExample,
		RunE:    needsCommand,
	}
	cmd.AddCommand(newGenerateCensusCommand(a))
	return cmd
}

// generateFlags are the values of the flags of generate census.
type generateFlags struct {
	rows, seed int64
	output     string
}

func newGenerateCensusCommand(a *app) *cobra.Command {
	f := &generateFlags{}
	cmd := &cobra.Command{
		Use:     "census --rows N --output DIR",
		Short:   "Generate census records",
		Long:    generateCensusHelp,
		Example: generateCensusExample,
		Args:    noArguments,
		RunE:    a.runUntilInterrupted(func(ctx context.Context) error { return a.generateCensus(ctx, f) }),
	}
	flags := cmd.Flags()
	flags.Var(atLeast(&f.rows, 1), "rows", "`number` of training records (required)")
	flags.Int64Var(&f.seed, "seed", 1, "`seed` of the records")
	flags.StringVar(&f.output, "output", "", "`directory` for train.csv and eval.csv (required)")
	require(cmd, "rows", "output")
	return cmd
}

// generated is the result of generate census.
type generated struct {
	TrainFile string   `json:"train_file"`
	TrainRows int64    `json:"train_rows"`
	EvalFile  string   `json:"eval_file"`
	EvalRows  int64    `json:"eval_rows"`
	BestAUC   *float64 `json:"best_auc"`
	BestLoss  float64  `json:"best_loss"`
}

func (a *app) generateCensus(ctx context.Context, f *generateFlags) error {
	g := generated{
		TrainFile: storage.Join(f.output, "train.csv"), TrainRows: f.rows,
		EvalFile: storage.Join(f.output, "eval.csv"), EvalRows: max(f.rows/4, leastEvalRows),
	}
	if _, err := writeCensus(ctx, g.TrainFile, f.seed, 0, g.TrainRows); err != nil {
		return err
	}
	// The evaluation rows follow the training rows: no row is in both.
	best, err := writeCensus(ctx, g.EvalFile, f.seed, g.TrainRows, g.TrainRows+g.EvalRows)
	if err != nil {
		return err
	}
	g.BestAUC, g.BestLoss = best.AUC, best.Loss
	return a.print(g, func(w io.Writer) {
		row(w, "training file", g.TrainFile, g.TrainRows, "rows")
		row(w, "evaluation file", g.EvalFile, g.EvalRows, "rows")
		row(w, "best AUC", figure(g.BestAUC))
		row(w, "best loss", figure(&g.BestLoss))
	})
}

// writeCensus writes rows [from, to) to a file and returns the figures of the true probabilities on them.
func writeCensus(ctx context.Context, path string, seed, from, to int64) (*metrics.Metrics, error) {
	file, err := storage.Create(ctx, path)
	if err != nil {
		return nil, err
	}
	defer file.Abort()
	buffer := bufio.NewWriterSize(file, 1<<20)
	best, err := synthetic.Census(ctx, buffer, seed, from, to)
	if err != nil {
		return nil, err
	}
	if err := buffer.Flush(); err != nil {
		return nil, err
	}
	return best, file.Close()
}
