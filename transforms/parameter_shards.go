package transforms

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/register"

	"github.com/penstock-ml/penstock/models/training"
)

func init() {
	beam.RegisterDoFn(reflect.TypeFor[LoadPartsFn]())
	register.Function3x1((&LoadPartsFn{}).ProcessElement)
	beam.RegisterDoFn(reflect.TypeFor[ContributePartsFn]())
	register.Function1x1((&ContributePartsFn{}).Setup)
	register.Function4x1((&ContributePartsFn{}).ProcessElement)
	beam.RegisterDoFn(reflect.TypeFor[MeasurePartFn]())
	register.Function1x1((&MeasurePartFn{}).Setup)
	register.Function2x1((&MeasurePartFn{}).ProcessElement)
	register.Combiner1[*training.Measure](&MergeMeasuresFn{})
	register.Function3x2(joinPart)
	beam.RegisterDoFn(reflect.TypeFor[UpdatePartFn]())
	register.Function1x1((&UpdatePartFn{}).Setup)
	register.Function3x3((&UpdatePartFn{}).ProcessElement)
	beam.RegisterDoFn(reflect.TypeFor[SavePartsFn]())
	register.Function3x1((&SavePartsFn{}).ProcessElement)
	register.Emitter2[int, *training.State]()
	register.Emitter2[int, *training.Contribution]()
	register.Iter1[*training.Contribution]()
	register.Iter1[*training.State]()
	register.Iter2[int, *training.State]()
	beam.RegisterCoder(reflect.TypeFor[*PartRound](), encodePartRound, decodePartRound)
	beam.RegisterCoder(reflect.TypeFor[*training.Measure](), encodeMeasure, decodeMeasure)
}

// roundsOfParts is Rounds for parameters in parts: states, contributions and sums have the part's number as their key,
// and each part is averaged and updated apart. Only the gradient's norm is of all parts together.
//
//	shards --> contribute --> average by part --+--> update --> next states
//	               ^                 +--> norm --+      ^
//	  states ------+------------------------------------+
func roundsOfParts(s beam.Scope, segment Segment, shards beam.PCollection) {
	impulse := beam.Impulse(s)
	states := []beam.PCollection{beam.ParDo(s, &LoadPartsFn{LoadStateFn{Job: segment.Job, From: segment.From, InMemory: segment.InMemory}}, impulse)}
	for range segment.Rounds {
		states = append(states, roundOfParts(s, segment, shards, states))
	}
	last := len(states) - 1
	read := states[max(0, last-segment.Job.Strategy.Staleness):]
	save := &SavePartsFn{Job: segment.Job, InMemory: segment.InMemory, Meta: segment.Meta}
	beam.ParDo0(s, save, impulse, beam.SideInput{Input: beam.Flatten(s, read...)})
}

func roundOfParts(s beam.Scope, segment Segment, shards beam.PCollection, states []beam.PCollection) beam.PCollection {
	newest, staleness := len(states)-1, segment.Job.Strategy.Staleness
	ahead := min(newest, staleness)
	contribute := &ContributePartsFn{Job: segment.Job, Ahead: ahead, Back: staleness - ahead}
	contributions := beam.ParDo(s, contribute, shards, beam.SideInput{Input: states[newest-ahead]})
	totals := beam.CombinePerKey(s, &AverageFn{Absorb: segment.InMemory}, contributions)
	measure := beam.Combine(s, &MergeMeasuresFn{}, beam.ParDo(s, &MeasurePartFn{Job: segment.Job}, totals))
	joined := beam.ParDo(s, joinPart, beam.CoGroupByKey(s, totals, states[newest]))
	return beam.ParDo(s, &UpdatePartFn{Job: segment.Job, InPlace: segment.InMemory}, joined, beam.SideInput{Input: measure})
}

// LoadPartsFn is LoadStateFn for parameters in parts.
type LoadPartsFn struct {
	Load LoadStateFn
}

// ProcessElement emits the parts of the state that a segment starts from, by number.
func (f *LoadPartsFn) ProcessElement(ctx context.Context, _ []byte, emit func(int, *training.State)) error {
	state, err := f.Load.start(ctx)
	if err != nil {
		return fail(err)
	}
	trainer, err := f.Load.Job.Trainer(ctx)
	if err != nil {
		return fail(err)
	}
	for i, part := range trainer.Cut(f.Load.Job.ParameterShards) {
		passed, err := f.Load.Job.pass(ctx, part.State(state), f.Load.InMemory)
		if err != nil {
			return fail(err)
		}
		emit(i, passed)
	}
	return nil
}

// ContributePartsFn is ContributeFn for parameters in parts.
type ContributePartsFn struct {
	Job JobRef
	// Ahead and Back are as in ContributeFn.
	Ahead, Back int

	trainer *training.Trainer
	parts   []*training.ParameterShard
}

// Setup finds the job's trainer in this process or makes it.
func (f *ContributePartsFn) Setup(ctx context.Context) (err error) {
	f.trainer, f.parts, err = f.Job.parts(ctx)
	return fail(err)
}

// ProcessElement emits the parts of the exact sum over the group's shards.
func (f *ContributePartsFn) ProcessElement(ctx context.Context, group ShardGroup, states func(*int, **training.State) bool, emit func(int, *training.Contribution)) error {
	if err := ctx.Err(); err != nil {
		return fail(err)
	}
	list, err := f.Job.collect(ctx, states)
	if err != nil {
		return fail(err)
	}
	whole := f.trainer.Join(f.parts, list[0])
	defer f.trainer.Release(whole)
	total, err := f.trainer.Contribute(ctx, group.Shards, whole.Read(f.Ahead, f.Back))
	if err != nil {
		return fail(err)
	}
	for i, part := range f.parts {
		emit(i, part.Contribution(total))
	}
	return nil
}

// MeasurePartFn measures a part of a round's mean gradient.
type MeasurePartFn struct {
	Job JobRef

	parts []*training.ParameterShard
}

// Setup finds the job's trainer in this process or makes it.
func (f *MeasurePartFn) Setup(ctx context.Context) (err error) {
	_, f.parts, err = f.Job.parts(ctx)
	return fail(err)
}

// ProcessElement returns the squares of a part.
func (f *MeasurePartFn) ProcessElement(part int, total *training.Contribution) *training.Measure {
	return f.parts[part].Measure(total)
}

// MergeMeasuresFn brings the measures of all parts together; they are summed in the order of the parameters.
type MergeMeasuresFn struct{}

// MergeAccumulators adds b to a.
func (*MergeMeasuresFn) MergeAccumulators(a, b *training.Measure) *training.Measure {
	merged := &training.Measure{}
	merged.Merge(a)
	merged.Merge(b)
	return merged
}

// PartRound is what a part's update needs of the part.
type PartRound struct {
	Number int
	Total  *training.Contribution
	State  *training.State
}

// joinPart makes an element of what belongs to a part. A join itself has no coder in Beam's Go, so that a step with a
// side input cannot follow it on every runner.
func joinPart(number int, totals func(**training.Contribution) bool, states func(**training.State) bool) (*PartRound, error) {
	r := &PartRound{Number: number}
	if !totals(&r.Total) || !states(&r.State) {
		return nil, fail(fmt.Errorf("parameter shard %d has no total or no state", number))
	}
	return r, nil
}

// UpdatePartFn applies the total of a part to its state.
type UpdatePartFn struct {
	Job     JobRef
	InPlace bool // as in UpdateFn

	parts []*training.ParameterShard
}

// Setup finds the job's trainer in this process or makes it.
func (f *UpdatePartFn) Setup(ctx context.Context) (err error) {
	_, f.parts, err = f.Job.parts(ctx)
	return fail(err)
}

// ProcessElement returns the part's state after the round.
func (f *UpdatePartFn) ProcessElement(ctx context.Context, r *PartRound, measure *training.Measure) (int, *training.State, error) {
	part := f.parts[r.Number]
	if f.InPlace {
		return r.Number, part.Advance(r.State, r.Total, measure.Norm()), nil
	}
	state, err := f.Job.fetch(ctx, r.State)
	if err != nil {
		return 0, nil, fail(err)
	}
	passed, err := f.Job.pass(ctx, part.Update(state, r.Total, measure.Norm()), false)
	return r.Number, passed, fail(err)
}

// SavePartsFn is SaveStateFn for parameters in parts: its side input has those of the last state, and in the strategy
// async those of the states before it that later rounds read.
type SavePartsFn struct {
	Job      JobRef
	InMemory bool
	Meta     CheckpointMeta
}

// ProcessElement puts the states together and saves the last.
func (f *SavePartsFn) ProcessElement(ctx context.Context, _ []byte, states func(*int, **training.State) bool) error {
	trainer, parts, err := f.Job.parts(ctx)
	if err != nil {
		return fail(err)
	}
	list, err := f.Job.collect(ctx, states)
	if err != nil {
		return fail(err)
	}
	var whole []*training.State
	for _, of := range list {
		whole = append(whole, trainer.Join(parts, of))
	}
	whole[0].Remember(whole[1:], f.Job.Strategy.Staleness)
	save := SaveStateFn(*f)
	return save.ProcessElement(ctx, whole[0])
}

// parts are the job's trainer and the parts that its parameters are cut into.
func (r JobRef) parts(ctx context.Context) (*training.Trainer, []*training.ParameterShard, error) {
	trainer, err := r.Trainer(ctx)
	if err != nil {
		return nil, nil, err
	}
	return trainer, trainer.Cut(r.ParameterShards), nil
}

// collect orders parts of states: by step, the last first, and then by number.
func (r JobRef) collect(ctx context.Context, states func(*int, **training.State) bool) ([][]*training.State, error) {
	byStep := map[int64][]*training.State{}
	var number int
	var state *training.State
	for states(&number, &state) {
		parts := byStep[state.Step]
		if parts == nil {
			parts = make([]*training.State, r.ParameterShards)
			byStep[state.Step] = parts
		}
		whole, err := r.fetch(ctx, state)
		if err != nil {
			return nil, err
		}
		parts[number] = whole
	}
	var list [][]*training.State
	for step, parts := range byStep {
		if i := slices.Index(parts, nil); i >= 0 {
			return nil, fmt.Errorf("parameter shard %d of step %d is missing", i, step)
		}
		list = append(list, parts)
	}
	if list == nil {
		return nil, fmt.Errorf("there is no state of %d parameter shards", r.ParameterShards)
	}
	slices.SortFunc(list, func(a, b []*training.State) int { return int(b[0].Step - a[0].Step) })
	return list, nil
}

// A round of a part is its number, the size of its total, the total and the state.

func encodePartRound(r *PartRound) ([]byte, error) {
	total, err := r.Total.MarshalBinary()
	if err != nil {
		return nil, err
	}
	state, err := r.State.MarshalBinary()
	if err != nil {
		return nil, err
	}
	data := binary.AppendUvarint(nil, uint64(r.Number))
	data = binary.AppendUvarint(data, uint64(len(total)))
	return slices.Concat(data, total, state), nil
}

func decodePartRound(data []byte) (*PartRound, error) {
	number, n := binary.Uvarint(data)
	size, m := binary.Uvarint(data[max(n, 0):])
	if n <= 0 || m <= 0 || size > uint64(len(data)-n-m) {
		return nil, errors.New("a round of a parameter shard is cut off")
	}
	data = data[n+m:]
	r := &PartRound{Number: int(number), Total: &training.Contribution{}, State: &training.State{}}
	if err := r.Total.UnmarshalBinary(data[:size]); err != nil {
		return nil, err
	}
	return r, r.State.UnmarshalBinary(data[size:])
}

func encodeMeasure(m *training.Measure) ([]byte, error) { return json.Marshal(m) }
func decodeMeasure(data []byte) (*training.Measure, error) {
	m := &training.Measure{}
	return m, json.Unmarshal(data, m)
}
