package transforms

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/register"

	"github.com/penstock-ml/penstock/models/saved"
	"github.com/penstock-ml/penstock/models/training"
)

func init() {
	register.DoFn2x2[context.Context, []byte, *training.State, error](&LoadStateFn{})
	register.DoFn3x2[context.Context, ShardGroup, *training.State, *training.Contribution, error](&ContributeFn{})
	register.Combiner1[*training.Contribution](&AverageFn{})
	register.DoFn3x2[context.Context, *training.Contribution, *training.State, *training.State, error](&UpdateFn{})
	register.DoFn3x2[context.Context, *training.State, func(**training.State) bool, *training.State, error](&RememberFn{})
	register.Iter1[*training.State]()
	register.DoFn2x1[context.Context, *training.State, error](&SaveStateFn{})
	beam.RegisterCoder(reflect.TypeFor[*training.State](), encodeState, decodeState)
	beam.RegisterCoder(reflect.TypeFor[*training.Contribution](), encodeContribution, decodeContribution)
}

// Segment is a run of rounds that one graph holds.
type Segment struct {
	Job    JobRef
	Rounds int
	// From is the step of the checkpoint that the segment starts from; at 0 there is none and it starts fresh.
	From int64
	// InMemory passes the state from segment to segment through this process's memory (JobRef.PutState) instead of
	// checkpoints. From is not looked at then, so that one graph serves for many segments.
	InMemory bool
	// Meta goes into the checkpoint that the segment ends with.
	Meta CheckpointMeta
}

// CheckpointMeta stands beside the state in a checkpoint.
type CheckpointMeta struct {
	// Identity is the run's, by which a resumed run is told from another.
	Identity json.RawMessage `json:"identity"`
	// Log is what the steps of the segment that led to the checkpoint reported.
	Log []training.StepLog `json:"log"`
	// BadRounds is in how many rounds before those a shard was left out.
	BadRounds int `json:"bad_rounds,omitempty"`
}

// Rounds adds a segment to the graph: the state is loaded, each round computes a contribution of every group of shards,
// averages them and updates the state, and the last state is saved.
//
//	shards ----+-------------+----------
//	           v             v
//	load -> contribute -> average -> update -> contribute -> ... -> save
//	  |________^_______________________^
//	         side input             side input
//
// In the strategy async the state that shards read is that of some rounds before, so contribute waits for less.
func Rounds(s beam.Scope, segment Segment, shards beam.PCollection) {
	s = s.Scope("Rounds")
	if segment.Job.ParameterShards > 1 {
		roundsOfParts(s, segment, shards)
		return
	}
	states := []beam.PCollection{beam.ParDo(s, &LoadStateFn{Job: segment.Job, From: segment.From, InMemory: segment.InMemory}, beam.Impulse(s))}
	for range segment.Rounds {
		states = append(states, round(s, segment, shards, states))
	}
	last := remember(s, segment, states)
	beam.ParDo0(s, &SaveStateFn{Job: segment.Job, InMemory: segment.InMemory, Meta: segment.Meta}, last)
}

// round makes the next state of those so far. What shards read lies ahead rounds before it in the graph, and from there
// back rounds more, where the segment began with less than the staleness.
func round(s beam.Scope, segment Segment, shards beam.PCollection, states []beam.PCollection) beam.PCollection {
	newest, staleness := len(states)-1, segment.Job.Strategy.Staleness
	ahead := min(newest, staleness)
	contribute := &ContributeFn{Job: segment.Job, Ahead: ahead, Back: staleness - ahead}
	contributions := beam.ParDo(s, contribute, shards, beam.SideInput{Input: states[newest-ahead]})
	total := beam.Combine(s, &AverageFn{Absorb: segment.InMemory}, contributions)
	return beam.ParDo(s, &UpdateFn{Job: segment.Job, InPlace: segment.InMemory}, total, beam.SideInput{Input: states[newest]})
}

// remember gives the last state what the rounds after it are to read besides.
func remember(s beam.Scope, segment Segment, states []beam.PCollection) beam.PCollection {
	last, staleness := len(states)-1, segment.Job.Strategy.Staleness
	if staleness == 0 {
		return states[last]
	}
	before := beam.Flatten(s, states[max(0, last-staleness):last]...)
	return beam.ParDo(s, &RememberFn{Job: segment.Job, InMemory: segment.InMemory}, states[last], beam.SideInput{Input: before})
}

// LoadStateFn turns an impulse into the state that a segment starts from.
type LoadStateFn struct {
	Job      JobRef
	From     int64
	InMemory bool
}

// ProcessElement returns the state, with an empty log.
func (f *LoadStateFn) ProcessElement(ctx context.Context, _ []byte) (*training.State, error) {
	state, err := f.start(ctx)
	if err != nil {
		return nil, fail(err)
	}
	passed, err := f.Job.pass(ctx, state, f.InMemory)
	return passed, fail(err)
}

// start is the state with an empty log.
func (f *LoadStateFn) start(ctx context.Context) (*training.State, error) {
	state, err := f.load(ctx)
	if err != nil {
		return nil, err
	}
	start := *state
	start.Log = nil
	return &start, nil
}

func (f *LoadStateFn) load(ctx context.Context) (*training.State, error) {
	if f.InMemory {
		return f.Job.State()
	}
	trainer, err := f.Job.Trainer(ctx)
	if err != nil {
		return nil, err
	}
	if f.From == 0 {
		return trainer.Initial(), nil
	}
	checkpoint, err := saved.ReadCheckpoint(ctx, f.Job.Dir, f.From)
	if err != nil {
		return nil, err
	}
	return trainer.State(checkpoint.Step, checkpoint.Tensors)
}

// ContributeFn computes what a group of shards gives to a round.
type ContributeFn struct {
	Job JobRef
	// Ahead is how many rounds after the state the round is, and Back of how many rounds before the state the weights are;
	// 0 but for the strategy async.
	Ahead, Back int

	trainer *training.Trainer
}

// Setup finds the job's trainer in this process or makes it.
func (f *ContributeFn) Setup(ctx context.Context) (err error) {
	f.trainer, err = f.Job.Trainer(ctx)
	return fail(err)
}

// ProcessElement returns the exact sum over the group's shards. It is where a run stops when its context ends: the
// direct runner does not look.
func (f *ContributeFn) ProcessElement(ctx context.Context, group ShardGroup, state *training.State) (*training.Contribution, error) {
	if err := ctx.Err(); err != nil {
		return nil, fail(err)
	}
	state, err := f.Job.fetch(ctx, state)
	if err != nil {
		return nil, fail(err)
	}
	if f.Ahead > 0 || f.Back > 0 {
		state = state.Read(f.Ahead, f.Back)
	}
	total, err := f.trainer.Contribute(ctx, group.Shards, state)
	return total, fail(err)
}

// AverageFn adds contributions up. The sums are integers, so it is commutative and associative to the last bit; dividing
// by the weight, which makes the sum an average, is the update's first step.
type AverageFn struct {
	// Absorb lets sums take the memory of what is added to them, where nobody else reads it: elements pass by reference.
	Absorb bool
}

// CreateAccumulator returns the sum over no shards.
func (*AverageFn) CreateAccumulator() *training.Contribution { return &training.Contribution{} }

// AddInput adds one contribution.
func (f *AverageFn) AddInput(sum, c *training.Contribution) *training.Contribution {
	return f.MergeAccumulators(sum, c)
}

// MergeAccumulators adds b to a.
func (f *AverageFn) MergeAccumulators(a, b *training.Contribution) *training.Contribution {
	if f.Absorb {
		a.Absorb(b)
	} else {
		a.Merge(b)
	}
	return a
}

// UpdateFn applies a round's total to the state.
type UpdateFn struct {
	Job JobRef
	// InPlace makes the next state in the memory of this one: elements pass by reference, and this is the round's end.
	InPlace bool

	trainer *training.Trainer
}

// Setup finds the job's trainer in this process or makes it.
func (f *UpdateFn) Setup(ctx context.Context) (err error) {
	f.trainer, err = f.Job.Trainer(ctx)
	return fail(err)
}

// ProcessElement returns the state after the round.
func (f *UpdateFn) ProcessElement(ctx context.Context, total *training.Contribution, state *training.State) (*training.State, error) {
	if f.InPlace {
		return f.trainer.Advance(state, total), nil
	}
	state, err := f.Job.fetch(ctx, state)
	if err != nil {
		return nil, fail(err)
	}
	passed, err := f.Job.pass(ctx, f.trainer.Update(state, total), false)
	return passed, fail(err)
}

// RememberFn adds to the last state of a segment the weights of those before it.
type RememberFn struct {
	Job      JobRef
	InMemory bool
}

// ProcessElement returns the state with what it remembers.
func (f *RememberFn) ProcessElement(ctx context.Context, state *training.State, before func(**training.State) bool) (*training.State, error) {
	var list []*training.State
	for s := new(training.State); before(&s); {
		whole, err := f.Job.fetch(ctx, s)
		if err != nil {
			return nil, fail(err)
		}
		list = append(list, whole)
	}
	last, err := f.Job.fetch(ctx, state)
	if err != nil {
		return nil, fail(err)
	}
	next := *last
	next.Remember(list, f.Job.Strategy.Staleness)
	passed, err := f.Job.pass(ctx, &next, f.InMemory)
	return passed, fail(err)
}

// SaveStateFn ends a segment: it leaves the state in memory or writes a checkpoint.
type SaveStateFn struct {
	Job      JobRef
	InMemory bool
	Meta     CheckpointMeta
}

// ProcessElement saves the state.
func (f *SaveStateFn) ProcessElement(ctx context.Context, state *training.State) error {
	if f.InMemory {
		f.Job.PutState(state)
		return nil
	}
	state, err := f.Job.fetch(ctx, state)
	if err != nil {
		return fail(err)
	}
	return fail(WriteCheckpoint(ctx, f.Job, state, f.Meta))
}

// WriteCheckpoint writes the state, its log added to meta, to the job directory. A state whose weights are not all finite
// is refused: nothing could go on from it.
func WriteCheckpoint(ctx context.Context, job JobRef, state *training.State, meta CheckpointMeta) error {
	if !state.Finite() {
		return fmt.Errorf("training diverged: the weights are not finite after step %d: lower the learning rates or clip gradients (training.clip_norm)", state.Step)
	}
	trainer, err := job.Trainer(ctx)
	if err != nil {
		return err
	}
	meta.Log = state.Log
	encoded, err := json.Marshal(meta)
	if err != nil {
		return fmt.Errorf("checkpoint of step %d: %w", state.Step, err)
	}
	return saved.WriteCheckpoint(ctx, job.Dir, &saved.Checkpoint{Step: state.Step, Tensors: trainer.Tensors(state), Meta: encoded})
}

// ReadMeta decodes what stands beside the state in a checkpoint.
func ReadMeta(c *saved.Checkpoint) (CheckpointMeta, error) {
	var meta CheckpointMeta
	if err := json.Unmarshal(c.Meta, &meta); err != nil {
		return meta, fmt.Errorf("the checkpoint of step %d has damaged metadata: %w", c.Step, err)
	}
	return meta, nil
}

func encodeState(s *training.State) ([]byte, error) { return s.MarshalBinary() }
func decodeState(data []byte) (*training.State, error) {
	s := &training.State{}
	return s, s.UnmarshalBinary(data)
}

func encodeContribution(c *training.Contribution) ([]byte, error) { return c.MarshalBinary() }
func decodeContribution(data []byte) (*training.Contribution, error) {
	c := &training.Contribution{}
	return c, c.UnmarshalBinary(data)
}
