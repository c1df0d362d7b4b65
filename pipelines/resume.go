package pipelines

import (
	"context"
	"fmt"
	"time"

	"github.com/penstock-ml/penstock/models/saved"
	"github.com/penstock-ml/penstock/models/spec"
	"github.com/penstock-ml/penstock/storage"
	"github.com/penstock-ml/penstock/transforms"
)

// findCheckpoint returns the checkpoint to resume from, or nil. Without Resume there must be none.
func (r *trainRun) findCheckpoint(ctx context.Context) (*saved.Checkpoint, error) {
	checkpoint, warnings, err := saved.LatestCheckpoint(ctx, r.JobDir)
	if err != nil {
		return nil, err
	}
	for _, w := range warnings {
		r.warn(w)
	}
	if checkpoint == nil && len(warnings) > 0 {
		r.warn(fmt.Sprintf("%s has no checkpoint that is whole: the run begins anew", r.JobDir))
	}
	if checkpoint != nil && !r.Resume {
		return nil, fmt.Errorf("%s holds a checkpoint of step %d: add --resume to go on from it, or choose another --job-dir", r.JobDir, checkpoint.Step)
	}
	return checkpoint, nil
}

// keepDecay takes the schedule's length from the run that is resumed: a longer run does not change steps already made.
func (r *trainRun) keepDecay(ctx context.Context) error {
	path := transforms.SpecPath(r.JobDir)
	data, err := storage.ReadFile(ctx, path)
	if err != nil {
		return err
	}
	earlier, err := spec.Parse(path, data)
	if err != nil {
		return err
	}
	if steps := earlier.Training.Schedule.DecaySteps; steps > 0 {
		r.Spec.Training.Schedule.DecaySteps = steps
	}
	return nil
}

// checkIdentity refuses a checkpoint of another run, or of a later step than this run has.
func (r *trainRun) checkIdentity(id *identity, checkpoint *saved.Checkpoint) error {
	meta, err := transforms.ReadMeta(checkpoint)
	if err != nil {
		return err
	}
	difference, err := id.difference(meta.Identity)
	if err != nil {
		return err
	}
	if difference != "" {
		return fmt.Errorf("%s cannot be resumed, since %s: give what its checkpoint was made with, or choose another --job-dir", r.JobDir, difference)
	}
	if checkpoint.Step > r.total {
		return fmt.Errorf("%s is at step %d already, past the %d steps asked for: ask for more, or choose another --job-dir", r.JobDir, checkpoint.Step, r.total)
	}
	return nil
}

// begin sets the first state and the history to the checkpoint, or to a fresh start.
func (r *trainRun) begin(ctx context.Context, checkpoint *saved.Checkpoint) (err error) {
	r.state = r.trainer.Initial()
	if checkpoint != nil {
		if r.state, err = r.trainer.State(checkpoint.Step, checkpoint.Tensors); err != nil {
			return err
		}
	}
	r.committed = r.state.Step
	if checkpoint != nil {
		meta, err := transforms.ReadMeta(checkpoint)
		if err != nil {
			return err
		}
		r.bad = meta.BadRounds + badRounds(meta.Log)
	}
	r.history, err = openHistory(ctx, r.JobDir, r.Spec.Training.Optimizer, r.state.Step)
	if err == nil && checkpoint == nil {
		err = r.describeRun(ctx)
	}
	if err != nil || checkpoint == nil {
		return err
	}
	return r.catchUp(ctx, checkpoint)
}

// describeRun has TensorBoard show the resolved spec.
func (r *trainRun) describeRun(ctx context.Context) error {
	text, err := r.Spec.Marshal()
	if err != nil {
		return err
	}
	return r.history.describe(ctx, "spec", "```yaml\n"+string(text)+"```\n")
}

// catchUp does what a run that died left undone after its last checkpoint: workers write a checkpoint before the launcher
// has its log, and a state is evaluated once it is a checkpoint.
func (r *trainRun) catchUp(ctx context.Context, checkpoint *saved.Checkpoint) error {
	meta, err := transforms.ReadMeta(checkpoint)
	if err != nil {
		return err
	}
	if r.history.step() < checkpoint.Step {
		r.history.add(meta.Log, r.stepsPerRound(), true, 0, time.Now())
		if err := r.history.commit(ctx, nil); err != nil {
			return err
		}
	}
	r.history.eachHeldOut(r.stopper.take)
	r.evaluation = r.history.last.Evaluation
	if r.stoppingDue() || r.evaluation == nil && r.evaluationDue() {
		return r.evaluateAll(ctx)
	}
	return nil
}
