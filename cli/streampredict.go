package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/spf13/cobra"

	"github.com/penstock-ml/penstock/pipelines"
)

const streamPredictHelp = `Stream-predict answers the messages of a Pub/Sub subscription: each holds one instance, a JSON object, and its prediction
is published to the topic with the message's attributes and ordering key, and with the attributes penstock_model,
penstock_model_version, penstock_message_id and penstock_publish_time. A message is acknowledged once its answer is
published; where a worker dies in between it is answered twice. Messages that have no prediction are published to the
dead-letter topic as they came, with the reason in the attribute penstock_error.

With --registry and a name without a version, a version that becomes the default is used from the next batch on, at the
latest after --refresh. An interrupt ends the stream after the batches that are at work.

PUBSUB_EMULATOR_HOST in the environment names an emulator to use.`

const streamPredictExample = `  penstock stream-predict --registry gs://models/registry --model census --project shop --subscription people \
      --topic predictions --dead-letter-topic rejected`

// streamPredictFlags are the values of the flags of stream-predict.
type streamPredictFlags struct {
	model   modelFlags
	options pipelines.StreamPredictOptions
	runner  *runnerValue
}

func newStreamPredictCommand(a *app) *cobra.Command {
	f := &streamPredictFlags{options: pipelines.StreamPredictOptions{Pullers: 4, MaxBatch: 1000}}
	cmd := &cobra.Command{
		Use:     "stream-predict --model MODEL --project P --subscription S --topic T",
		Short:   "Answer messages on Pub/Sub with predictions",
		Long:    streamPredictHelp,
		Example: streamPredictExample,
		Args:    noArguments,
		RunE:    a.runUntilInterrupted(func(ctx context.Context) error { return a.streamPredict(ctx, f) }),
	}
	o := &f.options
	flags := cmd.Flags()
	f.model.add(flags)
	flags.StringVar(&o.Subscription, "subscription", "", "`name` of the subscription, or projects/P/subscriptions/S (required)")
	flags.StringVar(&o.Topic, "topic", "", "`name` of the topic for predictions, or projects/P/topics/T (required)")
	flags.StringVar(&o.DeadLetter, "dead-letter-topic", "", "`name` of the topic for messages without a prediction (default: that of --topic)")
	flags.Var(newOptionalChoice(&o.DataFormat, "jsonl", "csv"), "data-format", "`format` of a message: jsonl, one JSON object, or csv, one line (default: jsonl)")
	flags.Var(atLeast(&o.MaxBatch, 1), "max-batch", "`messages` that are scored and published together")
	flags.DurationVar(&o.MaxLatency, "max-latency", 20*time.Millisecond, "`time` that a message may wait for others of its batch")
	flags.Var(atLeast(&o.Pullers, 1), "pullers", "`number` of parts that pull at a time")
	flags.DurationVar(&o.RefreshEvery, "refresh", 10*time.Second, "`time` between looks at the registry")
	flags.DurationVar(&o.IdleExit, "idle-exit", 0, "`time` without a message after which to end; 0: never")
	f.runner = addRunnerFlags(cmd, "prism", "model", "registry")
	require(cmd, "model", "subscription", "topic")
	check := cmd.PreRunE
	cmd.PreRunE = func(cmd *cobra.Command, args []string) error {
		if min(o.MaxLatency, o.RefreshEvery, o.IdleExit) < 0 {
			return errors.New("times must be positive")
		}
		if f.runner.name == "direct" {
			return errors.New("--runner direct knows no streams: use prism, flink or dataflow")
		}
		o.Project = cmd.Flags().Lookup("project").Value.String()
		return check(cmd, args)
	}
	return cmd
}

func (a *app) streamPredict(ctx context.Context, f *streamPredictFlags) error {
	o := f.options
	o.Runner = f.runner.runner
	o.Emulator = os.Getenv("PUBSUB_EMULATOR_HOST") // workers elsewhere do not have this process's environment
	if err := f.model.follow(ctx, &o); err != nil {
		return err
	}
	progress := a.newStreamProgress()
	o.Progress = progress.update
	a.startBeam()
	recorder := a.newRecorder("stream-predict", f.runner.name, o.Subscription, false)
	recorder.begin()
	result, err := pipelines.StreamPredict(ctx, o)
	recorder.end(err)
	if err != nil {
		return interrupted(err, "messages that were at work come again")
	}
	return a.print(result, func(w io.Writer) {
		row(w, "messages", humanize.Comma(result.Messages))
		row(w, "rejected", humanize.Comma(result.Rejected))
		if result.Version != "" {
			row(w, "version", result.Version)
		}
	})
}

// follow sets what a stream predicts by: a version that stays, or a model whose default is followed.
func (f *modelFlags) follow(ctx context.Context, o *pipelines.StreamPredictOptions) (err error) {
	dir, err := f.locate(ctx) // in any case: a name that does not exist is an error now
	if err != nil {
		return err
	}
	if f.registry == "" || hasVersion(f.model) {
		o.Export = dir
		return nil
	}
	o.Registry, o.Name = f.registry, f.model
	return nil
}

// streamProgress prints what a stream does, a line every few seconds.
type streamProgress struct {
	console *console
	last    time.Time
	before  pipelines.StreamPredictResult
}

const streamProgressEvery = 5 * time.Second

func (a *app) newStreamProgress() *streamProgress {
	return &streamProgress{console: a.console, last: time.Now()}
}

func (p *streamProgress) update(now pipelines.StreamPredictResult) {
	passed := time.Since(p.last)
	if passed < streamProgressEvery {
		return
	}
	rate := float64(now.Messages-p.before.Messages) / passed.Seconds()
	backlog := ""
	if now.Backlog {
		backlog = ", more waiting"
	}
	fmt.Fprintf(p.console, "%s messages, %s rejected, %s a second, %s behind%s, version %s\n", humanize.Comma(now.Messages), humanize.Comma(now.Rejected),
		humanize.Comma(int64(rate)), now.Lag.Round(time.Millisecond), backlog, now.Version)
	p.last, p.before = time.Now(), now
}
