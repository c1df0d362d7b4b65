package pipelines

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/penstock-ml/penstock/models"
	"github.com/penstock-ml/penstock/models/features"
	"github.com/penstock-ml/penstock/models/metrics"
	"github.com/penstock-ml/penstock/models/saved"
	"github.com/penstock-ml/penstock/models/spec"
	"github.com/penstock-ml/penstock/models/training"
	"github.com/penstock-ml/penstock/storage"
	"github.com/penstock-ml/penstock/transforms"
)

// defaultEpochs is the length of a run of which neither the options nor the spec say one.
const defaultEpochs = 10

// TrainOptions say what to train, on what, and where to. Of these only the spec, the training files, the number of
// shards, the local steps and, for the length, the spec's training.steps or epochs can reach a weight.
type TrainOptions struct {
	// Spec is resolved in place: columns, classes and the schedule's length are filled in.
	Spec *spec.Spec
	// TrainFiles and EvalFiles are patterns; without the latter nothing is evaluated.
	TrainFiles, EvalFiles []string
	JobDir                string
	// EvalEvery and CheckpointEvery are in steps; 0 means at the end only.
	EvalEvery, CheckpointEvery int64
	Shards                     int
	// LocalSteps, if positive, is the strategy local: in each round a shard takes so many steps of its own, and what is
	// averaged is how far the shards came. Lengths and intervals are rounded up to whole rounds. At 0 every step is
	// averaged: the strategy sync.
	LocalSteps int
	// CacheBytes bounds the memory of each worker for encoded records.
	CacheBytes int64
	// Resume goes on from the newest checkpoint of the job directory, if it has one.
	Resume bool
	// SegmentRetries is how often a failed segment is run again before the run fails.
	SegmentRetries int
	// SegmentRounds, if positive, caps the rounds of a segment below the runner's own limit.
	SegmentRounds int
	Runner        Runner
	Observer      TrainObserver
}

// TrainObserver is told how a run goes. Any of its functions may be nil.
type TrainObserver struct {
	// Phase is called when a part of the run begins: analysing, training, evaluating, exporting.
	Phase func(name string)
	// Step is called after each segment.
	Step func(TrainProgress)
	// Evaluated is called with each evaluation's metrics.
	Evaluated func(step int64, m *metrics.Metrics)
	// Warn is called with what a person should know though the run goes on.
	Warn func(sentence string)
}

// TrainProgress is where a run stands.
type TrainProgress struct {
	Step, Total             int64
	Loss, ExamplesPerSecond float64
}

// TrainResult is what a finished run made.
type TrainResult struct {
	Steps int64 `json:"steps"`
	// Examples, Seconds and their quotient are of the training loop of this process alone: without start-up, analysis,
	// evaluation and export.
	Examples          int64            `json:"examples"`
	Seconds           float64          `json:"seconds"`
	ExamplesPerSecond float64          `json:"examples_per_second"`
	WeightsSHA256     string           `json:"weights_sha256"`
	Export            string           `json:"export"`
	Metrics           *metrics.Metrics `json:"metrics"` // of the last evaluation; nil without --eval-files
}

// Train fits the features, trains in segments of rounds chained by checkpoints, evaluates and exports. A run that its
// context ends returns an error that is context.Canceled; its last checkpoint stays, to be resumed from.
func Train(ctx context.Context, o TrainOptions) (*TrainResult, error) {
	r, err := openRun(ctx, o)
	if err != nil {
		return nil, err
	}
	defer r.job.Release()
	if err := r.train(ctx); err != nil {
		return nil, err
	}
	return r.finish(ctx)
}

// trainRun is one call of Train.
type trainRun struct {
	TrainOptions
	job     transforms.JobRef
	trainer *training.Trainer
	fitted  *features.Fitted
	shards  []training.Shard
	meta    transforms.CheckpointMeta
	history *history
	total   int64 // steps

	state      *training.State // the newest that the launcher has seen
	committed  int64           // step of the newest checkpoint
	examples   float64
	seconds    float64
	evaluation *metrics.Metrics // of state.Step, or nil
	prepared   map[int]func(context.Context) error
}

// openRun does all that comes before the first step.
func openRun(ctx context.Context, o TrainOptions) (*trainRun, error) {
	r := &trainRun{TrainOptions: o, prepared: map[int]func(context.Context) error{}}
	if err := models.Check(o.Spec); err != nil {
		return nil, err
	}
	checkpoint, err := r.findCheckpoint(ctx)
	if err != nil {
		return nil, err
	}
	files, err := listFiles(ctx, "--train-files", o.TrainFiles)
	if err != nil {
		return nil, err
	}
	if len(o.EvalFiles) > 0 { // a wrong pattern is better known now than after training
		if _, err := listFiles(ctx, "--eval-files", o.EvalFiles); err != nil {
			return nil, err
		}
	}
	if err := resolveColumns(ctx, o.Spec, files[0]); err != nil {
		return nil, err
	}
	r.phase("analysing")
	fitted, index, err := analyze(ctx, o.Runner, o.Spec, files, o.JobDir, checkpoint != nil)
	if err != nil {
		return nil, err
	}
	r.fitted = fitted
	if err := r.resolve(ctx, checkpoint != nil); err != nil {
		return nil, err
	}
	if r.shards, err = training.PlanShards(index, o.Shards); err != nil {
		return nil, err
	}
	if err := r.identify(ctx, files, checkpoint); err != nil {
		return nil, err
	}
	if err := r.begin(ctx, checkpoint); err != nil {
		return nil, err
	}
	return r, nil
}

// findCheckpoint returns the checkpoint to resume from, or nil. Without Resume there must be none.
func (r *trainRun) findCheckpoint(ctx context.Context) (*saved.Checkpoint, error) {
	checkpoint, warnings, err := saved.LatestCheckpoint(ctx, r.JobDir)
	if err != nil {
		return nil, err
	}
	for _, w := range warnings {
		r.warn(w)
	}
	if checkpoint != nil && !r.Resume {
		return nil, fmt.Errorf("%s holds a checkpoint of step %d: add --resume to go on from it, or choose another --job-dir", r.JobDir, checkpoint.Step)
	}
	return checkpoint, nil
}

// resolve fills in what the spec leaves to the data.
func (r *trainRun) resolve(ctx context.Context, resumed bool) error {
	t := &r.Spec.Training
	r.Spec.Label.Classes = r.fitted.Label.Classes
	r.total = int64(t.Steps)
	if r.total == 0 {
		if t.Epochs == 0 {
			t.Epochs = defaultEpochs
		}
		r.total = int64(t.Epochs) * training.StepsPerEpoch(r.fitted.Records, t.BatchSize)
	}
	r.total = r.wholeRounds(r.total)
	if t.Schedule.Kind != spec.Constant && t.Schedule.DecaySteps == 0 {
		t.Schedule.DecaySteps = max(1, int(r.total)-t.Schedule.WarmupSteps)
		if resumed {
			if err := r.keepDecay(ctx); err != nil {
				return err
			}
		}
	}
	return nil
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

// identify establishes the run's identity and checks it against the checkpoint's; only then is the job directory this
// run's, and its spec is written and the trainer made from it. A run that is refused changes nothing there.
func (r *trainRun) identify(ctx context.Context, files []storage.Info, checkpoint *saved.Checkpoint) error {
	contents, err := identify(ctx, files)
	if err != nil {
		return err
	}
	id, err := newIdentity(r.Spec, r.Shards, r.LocalSteps, contents, r.fitted)
	if err != nil {
		return err
	}
	encoded, hash, err := id.encode()
	if err != nil {
		return err
	}
	r.meta.Identity = encoded
	if checkpoint != nil {
		if err := r.checkIdentity(id, checkpoint); err != nil {
			return err
		}
	}
	if err := r.writeSpec(ctx); err != nil {
		return err
	}
	r.job = transforms.JobRef{
		Run: hash, Dir: r.JobDir, Shards: r.Shards, Batch: r.Spec.Training.BatchSize, Seed: r.Spec.Training.Seed, CacheBytes: r.CacheBytes,
		LocalSteps: r.LocalSteps,
	}
	r.trainer, err = r.job.Trainer(ctx)
	return err
}

func (r *trainRun) writeSpec(ctx context.Context) error {
	data, err := r.Spec.Marshal()
	if err != nil {
		return err
	}
	return storage.WriteFile(ctx, transforms.SpecPath(r.JobDir), data)
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
	r.history, err = openHistory(ctx, r.JobDir, r.Spec.Training.Optimizer, r.state.Step)
	if err != nil || checkpoint == nil {
		return err
	}
	return r.catchUp(ctx, checkpoint)
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
		if err := r.history.commit(ctx); err != nil {
			return err
		}
	}
	r.evaluation = r.history.last.Evaluation
	if r.evaluation == nil && r.evaluationDue() {
		return r.evaluate(ctx)
	}
	return nil
}

// finish exports the last state.
func (r *trainRun) finish(ctx context.Context) (*TrainResult, error) {
	r.phase("exporting")
	dir, sha, err := r.export(ctx)
	if err != nil {
		return nil, err
	}
	result := &TrainResult{
		Steps: r.state.Step, Examples: int64(r.examples), Seconds: r.seconds, WeightsSHA256: sha, Export: dir, Metrics: r.evaluation,
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

func (r *trainRun) phase(name string) {
	if r.Observer.Phase != nil {
		r.Observer.Phase(name)
	}
}

func (r *trainRun) warn(sentence string) {
	if r.Observer.Warn != nil {
		r.Observer.Warn(sentence)
	}
}
