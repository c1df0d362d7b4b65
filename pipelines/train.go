package pipelines

import (
	"cmp"
	"context"
	"fmt"

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
// shards, the strategy and, for the length, the spec's training.steps or epochs can reach a weight.
type TrainOptions struct {
	// Spec is resolved in place: columns, classes and the schedule's length are filled in.
	Spec *spec.Spec
	// TrainFiles and EvalFiles are patterns; without the latter nothing is evaluated.
	TrainFiles, EvalFiles []string
	JobDir                string
	// EvalEvery and CheckpointEvery are in steps; 0 means at the end only.
	EvalEvery, CheckpointEvery int64
	Shards                     int
	// Strategy says what a round is. Lengths and intervals are rounded up to whole rounds.
	Strategy training.Strategy
	// ParameterShards is how many parts the parameters are cut into, each of which is averaged and updated apart; 0 and 1
	// are one. It never changes a bit.
	ParameterShards int
	// CacheBytes bounds the memory of each worker for encoded records.
	CacheBytes int64
	// Resume goes on from the newest checkpoint of the job directory, if it has one.
	Resume bool
	// SegmentRetries is how often a failed segment is run again before the run fails.
	SegmentRetries int
	// MaxBadRounds is in how many rounds shards may be left out of the average before the run fails.
	MaxBadRounds int
	// MaxBadRecords is how many of the training records may be unusable. They are left out, and described in the job
	// directory.
	MaxBadRecords BadLimit
	// SegmentRounds, if positive, caps the rounds of a segment below the runner's own limit.
	SegmentRounds int
	// LargeState is from how many bytes on a state passes between workers by its path; 0 is transforms.LargeState.
	LargeState int64
	Runner     Runner
	Observer   TrainObserver
}

// BadLimit is a number of records, or a share of them.
type BadLimit = transforms.BadLimit

// TrainObserver is told how a run goes. Any of its functions may be nil.
type TrainObserver struct {
	// Phase is called when a part of the run begins: analysing, training, evaluating, exporting.
	Phase func(name string)
	// Step is called after each segment.
	Step func(TrainProgress)
	// Evaluated is called with each evaluation's metrics.
	Evaluated func(step int64, m *metrics.Metrics)
	// HeldOut is called with each evaluation of what early stopping holds out, and whether it is the best so far.
	HeldOut func(step int64, m *metrics.Metrics, best bool)
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
	Steps    int64 `json:"steps"`
	BestStep int64 `json:"best_step,omitempty"` // of which the weights are, with early stopping
	// Examples, Seconds and their quotient are of the training loop of this process alone: without start-up, analysis,
	// evaluation and export.
	Examples          int64            `json:"examples"`
	BadRecords        int64            `json:"bad_records"` // of the training files, left out
	Seconds           float64          `json:"seconds"`
	ExamplesPerSecond float64          `json:"examples_per_second"`
	WeightsSHA256     string           `json:"weights_sha256"`
	Export            string           `json:"export"`
	Metrics           *metrics.Metrics `json:"metrics"` // of the last evaluation; nil without --eval-files
}

// Train fits the features, trains in segments of rounds chained by checkpoints, evaluates and exports. A run that its
// context ends returns an error that is context.Canceled; its last checkpoint stays, to be resumed from. The job directory
// is locked meanwhile: a second run there is refused.
func Train(ctx context.Context, o TrainOptions) (*TrainResult, error) {
	files, err := checkInputs(ctx, &o)
	if err != nil {
		return nil, err
	}
	held, lock, err := lockJob(ctx, o.JobDir, o.Observer.warn)
	if err != nil {
		return nil, fmt.Errorf("--job-dir: %w", err)
	}
	defer lock.release()
	result, err := trainLocked(held, o, files)
	if cause := context.Cause(held); err != nil && cause != nil && ctx.Err() == nil {
		err = cause // the lock's loss
	}
	return result, err
}

// checkInputs finds what is wrong with the spec and the files' names before anything is written. It returns the training
// files.
func checkInputs(ctx context.Context, o *TrainOptions) ([]storage.Info, error) {
	if err := models.Check(o.Spec); err != nil {
		return nil, err
	}
	if err := training.CheckBatch(o.Spec.Training.BatchSize, o.Shards); err != nil {
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
	return files, resolveColumns(ctx, o.Spec, files[0])
}

func trainLocked(ctx context.Context, o TrainOptions, files []storage.Info) (*TrainResult, error) {
	r, err := openRun(ctx, o, files)
	if err != nil {
		return nil, err
	}
	defer r.job.Release()
	if err := r.train(ctx); err != nil {
		return nil, err
	}
	steps := r.state.Step
	if err := r.takeBest(ctx); err != nil {
		return nil, err
	}
	result, err := r.finish(ctx)
	if err == nil && r.stopper.on() {
		result.Steps, result.BestStep = steps, r.state.Step
	}
	return result, err
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
	bad        int             // rounds in which a shard was left out
	paced      bool            // whoever watches was told how long the run takes
	examples   float64
	seconds    float64
	evaluation *metrics.Metrics // of state.Step, or nil
	stopper    *stopper
	prepared   map[int]func(context.Context) error
}

// openRun does all that comes before the first step.
func openRun(ctx context.Context, o TrainOptions, files []storage.Info) (*trainRun, error) {
	r := &trainRun{TrainOptions: o, prepared: map[int]func(context.Context) error{}}
	checkpoint, err := r.findCheckpoint(ctx)
	if err != nil {
		return nil, err
	}
	r.phase("analysing")
	fitted, index, err := analyze(ctx, o, files, checkpoint != nil)
	if err != nil {
		return nil, err
	}
	r.fitted = fitted
	if fitted.Bad > 0 {
		r.warn(fmt.Sprintf("%d of %d training records cannot be used and are left out; %s tells why", fitted.Bad, fitted.Rows(), transforms.BadRecordsPath(o.JobDir)))
	}
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

// resolve fills in what the spec leaves to the data.
func (r *trainRun) resolve(ctx context.Context, resumed bool) error {
	t := &r.Spec.Training
	r.Spec.Label.Classes = r.fitted.Label.Classes
	if t.Steps == 0 && t.Epochs == 0 {
		t.Epochs = defaultEpochs
	}
	r.setLength(r.fitted.Rows())
	t.EarlyStopping = r.stopper.EarlyStopping
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

// setLength fixes how long the run is at most, over so many records, and how often it is asked whether it is over.
func (r *trainRun) setLength(records int64) {
	r.total = r.length(records)
	e := r.Spec.Training.EarlyStopping
	if e.Holdout > 0 && e.Every == 0 {
		e.Every = int(training.StepsPerEpoch(records, r.Spec.Training.BatchSize))
	}
	r.stopper = newStopper(e)
}

// length is how many steps the run takes over so many records.
func (r *trainRun) length(records int64) int64 {
	t := &r.Spec.Training
	steps := int64(t.Steps)
	if steps == 0 {
		steps = int64(cmp.Or(t.Epochs, defaultEpochs)) * training.StepsPerEpoch(records, t.BatchSize)
	}
	return r.wholeRounds(steps)
}

// identify establishes the run's identity and checks it against the checkpoint's; only then is the job directory this
// run's, and its spec is written and the trainer made from it. A run that is refused changes nothing there.
func (r *trainRun) identify(ctx context.Context, files []storage.Info, checkpoint *saved.Checkpoint) error {
	contents, err := identify(ctx, files)
	if err != nil {
		return err
	}
	id, err := newIdentity(r.Spec, r.Shards, r.Strategy, max(1, r.ParameterShards), contents, r.fitted)
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
		Strategy: r.Strategy, ParameterShards: r.ParameterShards, LargeState: r.LargeState,
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

func (r *trainRun) phase(name string) {
	if r.Observer.Phase != nil {
		r.Observer.Phase(name)
	}
}

func (r *trainRun) warn(sentence string) { r.Observer.warn(sentence) }

func (o *TrainObserver) warn(sentence string) {
	if o.Warn != nil {
		o.Warn(sentence)
	}
}
