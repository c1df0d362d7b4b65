package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/dustin/go-humanize"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/penstock-ml/penstock/models/metrics"
	"github.com/penstock-ml/penstock/models/spec"
	"github.com/penstock-ml/penstock/models/training"
	"github.com/penstock-ml/penstock/pipelines"
	"github.com/penstock-ml/penstock/runners"
	"github.com/penstock-ml/penstock/storage"
)

const trainHelp = `Train fits the features of the spec to the training files, trains the model, evaluates it and exports it to
JOB_DIR/export. Its length is --train-steps or --epochs, else what the spec says, else 10 epochs.

A job directory holds one run. One that holds a checkpoint is refused without --resume; with it the run goes on from
its newest checkpoint, and has the same weights in the end as one that was never interrupted. The weights depend on the
spec, the training files, the strategy's flags, --shards, --batch-size, --seed and the length: not on the runner,
the number of cores or how often the run is evaluated. A schedule of learning rates that spans the run keeps the span
that the run began with, also when it is resumed for longer.

The strategy sync averages the gradients of every step. The strategy local lets each shard take --local-steps steps of
its own and averages how far the shards came; lengths and intervals are rounded up to whole rounds. It exchanges less,
for runners on which a round is dear. With --outer-optimizer nesterov that average is a step of an optimizer with
momentum (DiLoCo), which suits rounds of many steps. The strategy async averages the gradients of every step too, but of
the weights of --staleness steps before, so that shards need not wait for each other; momentum is lowered in exchange.

With --distributed the command starts a Flink cluster of --worker-count workers on this machine, runs on it and takes it
down: what it does then, a larger cluster (--runner flink) will do.

With --dry-run the command runs the first rounds on the runner for some seconds, on the first megabytes of the training
files and in a directory that it deletes, and prints the plan of the run with an estimate of its time.

The first interrupt ends the run between two rounds and prints the command that resumes it, the second at once.`

const trainExample = `  penstock train --config census.yaml --train-files 'data/train*.csv' --eval-files data/eval.csv \
      --job-dir job --train-steps 1000 --eval-every 500`

const (
	defaultLocalSteps = 16 // of a round of the strategy local
	defaultStaleness  = 4  // of the strategy async
)

var defaultOuter = training.Outer{Rate: 1, Momentum: 0.5} // measured: see DESIGN.md

// trainFlags are the values of the flags of train.
type trainFlags struct {
	config                   string
	options                  pipelines.TrainOptions
	steps, epochs, batch     int
	strategy                 string
	localSteps, staleness    int
	outer                    string
	outerRate, outerMomentum float64
	cacheMB, retries         int
	segmentRounds            int
	seed                     int64
	runner                   *runnerValue
	distributed              distributed
	dryRun                   bool
}

func newTrainCommand(a *app) *cobra.Command {
	f := &trainFlags{}
	cmd := &cobra.Command{
		Use:     "train --config FILE --train-files GLOB,... --job-dir DIR",
		Short:   "Train a model and export it",
		Long:    trainHelp,
		Example: trainExample,
		Args:    noArguments,
	}
	f.define(cmd)
	cmd.PreRunE = func(cmd *cobra.Command, _ []string) error {
		return cmp.Or(f.check(), f.distributed.check(cmd.Flags()), refuseTemplate(cmd.Flags()), f.runner.check(cmd.Flags()))
	}
	cmd.RunE = a.runUntilInterrupted(func(ctx context.Context) error { return a.train(ctx, f, cmd.Flags().Changed("seed")) })
	return cmd
}

func (f *trainFlags) define(cmd *cobra.Command) {
	o := &f.options
	o.CheckpointEvery, o.Shards, o.MaxBadRounds, f.cacheMB, f.retries = 1000, 8, 100, 512, 3
	flags := cmd.Flags()
	flags.StringVar(&f.config, "config", "", "the spec, a YAML `file` (required)")
	flags.StringSliceVar(&o.TrainFiles, "train-files", nil, "training files, a comma-separated list of `globs` (required)")
	flags.StringSliceVar(&o.EvalFiles, "eval-files", nil, "evaluation files, a comma-separated list of `globs`")
	flags.StringVar(&o.JobDir, "job-dir", "", "`directory` for checkpoints, logs and the exported model (required)")
	flags.Var(atLeast(&f.steps, 1), "train-steps", "length of the run in `steps` of one batch")
	flags.Var(atLeast(&f.epochs, 1), "epochs", "length of the run in `passes` over the training files")
	flags.Var(atLeast(&o.EvalEvery, 0), "eval-every", "`steps` between evaluations; 0: at the end only")
	flags.Var(atLeast(&o.CheckpointEvery, 0), "checkpoint-every", "`steps` between checkpoints; 0: at the end only")
	flags.Var(atLeast(&f.batch, 1), "batch-size", "`examples` a step, over all shards (default: the spec's)")
	flags.Var(atLeast(&o.Shards, 1), "shards", "`parts` of the training data that a step averages over; part of the run's identity")
	flags.Var(atLeast(&o.ParameterShards, 1), "parameter-shards", "`parts` of the parameters that are averaged and updated apart (default 1)")
	flags.Var(newChoice(&f.strategy, "sync", "local", "async"), "strategy", "what a round averages: `word` sync (gradients), local (local steps) or async (late gradients)")
	flags.Var(atLeast(&f.localSteps, 1), "local-steps", "`steps` of its own that a shard takes in a local round (default 16)")
	flags.Var(newChoice(&f.outer, "none", "nesterov"), "outer-optimizer", "what a local round makes of the average: `word` none (takes it) or nesterov")
	flags.Float64Var(&f.outerRate, "outer-rate", defaultOuter.Rate, "learning `rate` of the outer optimizer nesterov")
	flags.Float64Var(&f.outerMomentum, "outer-momentum", defaultOuter.Momentum, "`momentum` of the outer optimizer nesterov")
	flags.Var(atLeast(&f.staleness, 1), "staleness", "`rounds` by which the weights that async shards read are late (default 4)")
	flags.Var(atLeast(&f.cacheMB, 0), "cache-mb", "`megabytes` of encoded records that a worker keeps in memory")
	flags.Int64Var(&f.seed, "seed", 0, "`seed` of the initial weights and of the order of the records (default: the spec's)")
	flags.BoolVar(&o.Resume, "resume", false, "go on from the newest checkpoint in the job directory")
	flags.Var(atLeast(&f.retries, 0), "max-segment-retries", "`times` that a failed part of the run is run again")
	flags.Var(newLimit(&o.MaxBadRecords, 0.01), "max-bad-records", "`number` or share (1%) of training records that may be unusable before the run fails; they are left out and described in bad_records.jsonl")
	flags.Var(atLeast(&o.MaxBadRounds, 0), "max-bad-rounds", "`rounds` in which shards may be left out, since their numbers are not finite or out of range, before the run fails")
	flags.Var(atLeast(&f.segmentRounds, 0), "max-segment-rounds", "most `rounds` in one pipeline; 0: the runner's own limit")
	f.runner = addRunnerFlags(cmd, "direct", "job-dir", "train-files", "eval-files")
	f.distributed.define(cmd)
	flags.BoolVar(&f.dryRun, "dry-run", false, "print what the run would do and about how long it would take, and do none of it")
	require(cmd, "config", "train-files", "job-dir")
}

// check finds flags that do not go together.
func (f *trainFlags) check() error {
	switch {
	case f.steps > 0 && f.epochs > 0:
		return errors.New("--train-steps and --epochs exclude each other")
	case f.options.EvalEvery > 0 && len(f.options.EvalFiles) == 0:
		return errors.New("--eval-every needs --eval-files")
	case f.localSteps > 0 && f.strategy != "local":
		return errors.New("--local-steps needs --strategy local")
	case f.options.ParameterShards > training.MostParts:
		return fmt.Errorf("--parameter-shards is %d, and at most %d are possible", f.options.ParameterShards, training.MostParts)
	case f.staleness > 0 && f.strategy != "async":
		return errors.New("--staleness needs --strategy async")
	case f.outer == "nesterov" && f.strategy != "local":
		return errors.New("--outer-optimizer nesterov needs --strategy local")
	case f.outer != "nesterov" && (f.outerRate != defaultOuter.Rate || f.outerMomentum != defaultOuter.Momentum):
		return errors.New("--outer-rate and --outer-momentum need --outer-optimizer nesterov")
	case !(f.outerRate > 0) || !(f.outerMomentum >= 0 && f.outerMomentum < 1):
		return errors.New("--outer-rate must be positive, and --outer-momentum in [0, 1)")
	}
	return nil
}

func refuseTemplate(flags *pflag.FlagSet) error {
	if flags.Changed("template_location") {
		return errors.New("a run is several pipelines, each made from what the one before found: --template_location is for batch-predict")
	}
	return nil
}

func (a *app) train(ctx context.Context, f *trainFlags, seedGiven bool) error {
	s, err := readSpec(ctx, f.config)
	if err != nil {
		return err
	}
	f.apply(s, seedGiven)
	progress := a.newProgress(func(done, total int64) string { return fmt.Sprintf("step %d of %d", done, total) })
	defer progress.close()
	runner, stop, err := f.place(ctx, progress)
	if err != nil {
		return err
	}
	defer stop()
	recorder := a.newRecorder("train", runner.Name(), f.options.JobDir, true)
	o := f.options
	o.Spec, o.Runner, o.Observer = s, runner, trainObserver(progress, recorder)
	o.CacheBytes = int64(f.cacheMB) << 20
	o.SegmentRetries, o.SegmentRounds = f.retries, f.segmentRounds
	o.Strategy = f.rounds()
	a.startBeam()
	if f.dryRun {
		return a.planTraining(ctx, o)
	}
	result, err := pipelines.Train(ctx, o)
	recorder.end(err)
	progress.close()
	if err != nil {
		return interrupted(err, "go on with: "+a.resumeCommand(o.Resume))
	}
	return a.print(result, func(w io.Writer) { writeTrainResult(w, result, s.Label.Classes) })
}

// place is the runner that the flags name, or that of a cluster which lives until it is stopped.
func (f *trainFlags) place(ctx context.Context, p *progress) (runner *runners.Runner, stop func(), err error) {
	if f.distributed.on {
		return f.distributed.start(ctx, func(sentence string) { p.say("%s", sentence) })
	}
	return f.runner.runner, func() {}, nil
}

func readSpec(ctx context.Context, path string) (*spec.Spec, error) {
	data, err := storage.ReadFile(ctx, path)
	if err != nil {
		return nil, fmt.Errorf("--config: %w", err)
	}
	return spec.Parse(path, data)
}

// rounds is the strategy that the flags name.
func (f *trainFlags) rounds() (s training.Strategy) {
	switch f.strategy {
	case "local":
		s.LocalSteps = cmp.Or(f.localSteps, defaultLocalSteps)
		if f.outer == "nesterov" {
			s.Outer = training.Outer{Rate: f.outerRate, Momentum: f.outerMomentum}
		}
	case "async":
		s.Staleness = cmp.Or(f.staleness, defaultStaleness)
	}
	return s
}

// apply puts flags in the place of what the spec says.
func (f *trainFlags) apply(s *spec.Spec, seedGiven bool) {
	t := &s.Training
	if f.steps > 0 || f.epochs > 0 {
		t.Steps, t.Epochs = f.steps, f.epochs
	}
	if f.batch > 0 {
		t.BatchSize = f.batch
	}
	if seedGiven {
		t.Seed = f.seed
	}
}

func trainObserver(p *progress, r *recorder) pipelines.TrainObserver {
	return pipelines.TrainObserver{
		Phase: func(name string) {
			r.begin()                // the first time, when the job directory is this run's
			if name == "analysing" { // the others show in what follows them
				p.say("analysing the training files")
			}
		},
		Step: func(t pipelines.TrainProgress) {
			rate := humanize.Comma(int64(t.ExamplesPerSecond))
			p.update(t.Step, t.Total, fmt.Sprintf("loss %.4f, %s examples/s", t.Loss, rate))
		},
		Evaluated: func(step int64, m *metrics.Metrics) {
			p.say("evaluated at step %d: %s", step, evaluated(m))
		},
		HeldOut: func(step int64, m *metrics.Metrics, best bool) {
			note := ""
			if best {
				note = ", the best so far"
			}
			p.say("held out at step %d: %s%s", step, evaluated(m), note)
		},
		Warn: func(sentence string) { p.say("warning: %s", sentence) },
	}
}

func writeTrainResult(w io.Writer, r *pipelines.TrainResult, classes []string) {
	row(w, "steps", r.Steps)
	if r.BestStep > 0 {
		row(w, "best step", r.BestStep)
	}
	row(w, "examples", r.Examples)
	row(w, "seconds", fmt.Sprintf("%.3f", r.Seconds))
	row(w, "examples per second", fmt.Sprintf("%.0f", r.ExamplesPerSecond))
	row(w, "weights sha256", r.WeightsSHA256)
	row(w, "export", r.Export)
	if r.Metrics != nil {
		fmt.Fprintln(w)
		writeMetrics(w, r.Metrics, classes)
	}
}
