package pipelines

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"

	"github.com/penstock-ml/penstock/models/saved"
	"github.com/penstock-ml/penstock/models/training"
	"github.com/penstock-ml/penstock/storage"
	"github.com/penstock-ml/penstock/transforms"
)

const (
	// segmentBytes bounds the states that one graph makes, where they are not made in each other's memory: runners keep
	// collections until the graph ends.
	segmentBytes = 64 << 20
	// keepCheckpoints is how many checkpoints a job directory has at most.
	keepCheckpoints = 3
)

// train runs segment after segment until the last step. Evaluations and checkpoints happen between segments.
func (r *trainRun) train(ctx context.Context) error {
	r.phase("training")
	for r.state.Step < r.total && !r.stopper.over() {
		stop := r.nextStop()
		rounds := min(int((stop-r.state.Step)/r.stepsPerRound()), r.maxRounds())
		if err := r.segment(ctx, rounds, stop); err != nil {
			return err
		}
		// A checkpoint and the history up to it belong together; a state in memory is no checkpoint yet.
		if r.state.Step == stop || !r.Runner.InProcess() {
			if err := r.commit(ctx); err != nil {
				return err
			}
		}
	}
	return nil
}

// nextStop is the next step at which the run is evaluated or checkpointed.
func (r *trainRun) nextStop() int64 {
	stop := r.total
	for _, every := range []int64{r.EvalEvery, r.CheckpointEvery, r.stopper.every()} {
		if every > 0 {
			stop = min(stop, r.wholeRounds((r.state.Step/every+1)*every))
		}
	}
	return stop
}

// stepsPerRound is how many steps a round takes.
func (r *trainRun) stepsPerRound() int64 { return r.Strategy.Steps() }

// wholeRounds rounds steps up to whole rounds.
func (r *trainRun) wholeRounds(steps int64) int64 {
	n := r.stepsPerRound()
	return (steps + n - 1) / n * n
}

// maxRounds is the longest segment that the runner and the memory allow. It never changes a bit of the result.
func (r *trainRun) maxRounds() int {
	rounds := r.Runner.MaxRounds()
	if !r.Runner.InProcess() {
		rounds = min(rounds, segmentBytes/(4*(1+len(r.state.Weights)+len(r.state.Slots))))
	}
	if r.SegmentRounds > 0 {
		rounds = min(rounds, r.SegmentRounds)
	}
	return max(1, rounds)
}

// segment runs some rounds, again if they fail, and takes in what they report.
func (r *trainRun) segment(ctx context.Context, rounds int, stop int64) error {
	began := time.Now()
	for attempt := 0; ; {
		err := r.runSegment(ctx, rounds)
		if err == nil {
			break
		}
		if rounds > 1 && tooLarge(err) {
			rounds /= 2
			r.SegmentRounds = rounds
			r.warn(fmt.Sprintf("the runner has no room for so many rounds in one pipeline: from here on it gets %d", rounds))
			continue
		}
		if ctx.Err() != nil {
			return fmt.Errorf("interrupted after step %d, with the checkpoint of step %d: %w", r.state.Step, r.committed, err)
		}
		if attempt == r.SegmentRetries {
			return err
		}
		attempt++
		r.warn(fmt.Sprintf("steps %d to %d failed and are run again: %v", r.state.Step+1, r.state.Step+int64(rounds)*r.stepsPerRound(), err))
	}
	took := time.Since(began).Seconds()
	r.seconds += took
	r.evaluation = nil
	r.warnOfPace(took, rounds)
	return r.report(took, stop)
}

func tooLarge(err error) bool {
	var e interface{ TooLarge() bool }
	return errors.As(err, &e) && e.TooLarge()
}

// runSegment runs a graph of so many rounds from r.state to its successor.
func (r *trainRun) runSegment(ctx context.Context, rounds int) error {
	execute, err := r.graph(rounds)
	if err != nil {
		return err
	}
	if r.Runner.InProcess() {
		r.job.PutState(r.state) // anew each time: a run that failed may have left its own
	}
	if err := execute(ctx); err != nil {
		return err
	}
	if r.Runner.InProcess() {
		last := r.state
		if r.state, err = r.job.State(); err == nil {
			r.release(last)
		}
		return err
	}
	r.state, err = r.readState(ctx, r.state.Step+int64(rounds)*r.stepsPerRound())
	if err != nil || !r.job.IsLarge(r.state) {
		return err
	}
	return storage.DeleteDir(ctx, transforms.StatesDir(r.JobDir)) // of this segment and of attempts at it
}

// release gives back the memory of a state that is past, unless its successor remembers its weights.
func (r *trainRun) release(s *training.State) {
	if r.Strategy.Staleness == 0 {
		r.trainer.Release(s)
	}
}

// graph returns the segment ready to run. One that starts from memory serves for all segments of its length.
func (r *trainRun) graph(rounds int) (func(context.Context) error, error) {
	if execute, ok := r.prepared[rounds]; ok {
		return execute, nil
	}
	segment := transforms.Segment{Job: r.job, Rounds: rounds, From: r.state.Step, InMemory: r.Runner.InProcess(), Meta: r.metaBefore(nil)}
	execute, err := prepare(r.Runner, func(s beam.Scope) { trainingGraph(s, r.Runner, segment, r.shards) })
	if err == nil && segment.InMemory {
		r.prepared[rounds] = execute
	}
	return execute, err
}

func trainingGraph(s beam.Scope, r Runner, segment transforms.Segment, shards []training.Shard) {
	transforms.Rounds(s, segment, transforms.Shards(s, shards, r.Elements()))
}

// readState reads the state that a segment left as a checkpoint.
func (r *trainRun) readState(ctx context.Context, step int64) (*training.State, error) {
	checkpoint, err := saved.ReadCheckpoint(ctx, r.JobDir, step)
	if err != nil {
		return nil, err
	}
	state, err := r.trainer.State(step, checkpoint.Tensors)
	if err != nil {
		return nil, err
	}
	meta, err := transforms.ReadMeta(checkpoint)
	if err != nil {
		return nil, err
	}
	state.Log = meta.Log
	r.committed = step
	return state, nil
}

// report passes a segment's log to the history and to whoever watches. It fails where too many rounds were bad.
func (r *trainRun) report(took float64, stop int64) error {
	examples, loss := 0.0, 0.0
	for _, step := range r.state.Log {
		examples += step.Examples
		loss += step.Loss * step.Examples
		for _, omission := range step.LeftOut {
			r.warn(fmt.Sprintf("step %d: shard %d was left out of the average, since %s", step.Step, omission.Shard, omission.Reason))
		}
	}
	r.examples += examples
	progress := TrainProgress{Step: r.state.Step, Total: r.total, ExamplesPerSecond: examples / took}
	if examples > 0 {
		progress.Loss = loss / examples
	}
	r.history.add(r.state.Log, r.stepsPerRound(), r.state.Step == stop, progress.ExamplesPerSecond, time.Now())
	if r.Observer.Step != nil {
		r.Observer.Step(progress)
	}
	return r.checkBadRounds()
}

// badRounds counts the rounds in which a shard was left out.
func badRounds(log []training.StepLog) (n int) {
	for _, step := range log {
		if len(step.LeftOut) > 0 {
			n++
		}
	}
	return n
}

func (r *trainRun) checkBadRounds() error {
	bad := badRounds(r.state.Log)
	if r.bad += bad; bad == 0 || r.bad <= r.MaxBadRounds {
		return nil
	}
	return fmt.Errorf("shards were left out of the average in %d rounds up to step %d, and --max-bad-rounds allows %d: lower the learning rates or clip gradients (training.clip_norm), or look for extreme values in the training files; the checkpoint of step %d stays",
		r.bad, r.state.Step, r.MaxBadRounds, r.committed)
}

// commit writes the history and then, where the workers have not, the checkpoint that it belongs to; and evaluates the
// state where that is due.
func (r *trainRun) commit(ctx context.Context) error {
	if err := r.history.commit(ctx, r.histograms(ctx)); err != nil {
		return err
	}
	if r.Runner.InProcess() {
		if err := transforms.WriteCheckpoint(ctx, r.job, r.state, r.metaBefore(r.state.Log)); err != nil {
			return err
		}
		r.committed = r.state.Step
	}
	if err := r.evaluateAll(ctx); err != nil {
		return err
	}
	return saved.PruneCheckpoints(ctx, r.JobDir, keepCheckpoints, r.stopper.best)
}

// metaBefore is what a checkpoint says of the rounds before those of its log.
func (r *trainRun) metaBefore(log []training.StepLog) transforms.CheckpointMeta {
	meta := r.meta
	meta.BadRounds = r.bad - badRounds(log)
	return meta
}

// crosses tells whether the round of so many steps that ends at a step passes or meets a multiple of every.
func crosses(step, steps, every int64) bool { return step/every != (step-steps)/every }

func (r *trainRun) evaluationDue() bool {
	if len(r.EvalFiles) == 0 {
		return false
	}
	return r.state.Step == r.total && !r.stopper.on() || r.EvalEvery > 0 && crosses(r.state.Step, r.stepsPerRound(), r.EvalEvery)
}

// evaluateAll does the evaluations that are due.
func (r *trainRun) evaluateAll(ctx context.Context) error {
	if r.stoppingDue() {
		if err := r.evaluateHoldout(ctx); err != nil {
			return err
		}
	}
	if r.evaluationDue() {
		return r.evaluate(ctx)
	}
	return nil
}

// evaluate runs the evaluation pipeline on the newest checkpoint.
func (r *trainRun) evaluate(ctx context.Context) error {
	r.phase("evaluating")
	result, err := evaluate(ctx, EvaluateOptions{
		Model:  transforms.ModelRef{JobDir: r.JobDir, Step: r.state.Step},
		Files:  r.EvalFiles,
		Runner: r.Runner,
	})
	if err != nil {
		return err
	}
	r.evaluation = result.Metrics
	if r.Observer.Evaluated != nil {
		r.Observer.Evaluated(r.state.Step, r.evaluation)
	}
	return r.history.evaluated(ctx, result)
}
