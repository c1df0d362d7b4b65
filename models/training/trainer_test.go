package training

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/penstock-ml/penstock/models/features"
	"github.com/penstock-ml/penstock/models/records"
	"github.com/penstock-ml/penstock/models/spec"
	_ "github.com/penstock-ml/penstock/models/widedeep"
	"github.com/penstock-ml/penstock/storage"
)

// sparseSpec has a table that is large enough to be sparse beside dense parameters.
const sparseSpec = `
version: 1
name: sparse
data: {columns: [age, job, city, income]}
label: {column: income, classes: [low, high]}
features:
  - {name: age, kind: numeric, transform: [zscore]}
  - {name: job, kind: vocabulary}
  - {name: city, kind: hash, buckets: 70000}
model:
  kind: wide_deep
  wide: [job, city]
  deep: {numeric: [age], indicator: [job], hidden: [5]}
training:
  batch_size: 24
  clip_norm: 0.2
  optimizer: {wide: {kind: ftrl}, deep: {kind: adam, learning_rate: 0.02}}
`

// fixture is a job over a file of records, analysed.
type fixture struct {
	job    Job
	index  IndexedRange
	shards []Shard
}

func newFixture(t testing.TB, records int) *fixture {
	t.Helper()
	return newFixtureOf(t, sparseSpec, records)
}

func newFixtureOf(t testing.TB, text string, records int) *fixture {
	t.Helper()
	s, err := spec.Parse("spec.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	f := &fixture{job: Job{Spec: s, Shards: 4, Batch: 24, Seed: 1, CacheBytes: 1 << 30}}
	f.index = f.analyse(t, writeFile(t, records))
	if f.shards, err = PlanShards([]IndexedRange{f.index}, f.job.Shards); err != nil {
		t.Fatal(err)
	}
	return f
}

func writeFile(t testing.TB, n int) string {
	r := rand.New(rand.NewPCG(3, 4))
	var text strings.Builder
	for range n {
		age, job, city := 18+r.IntN(60), r.IntN(5), r.IntN(40)
		income := "low"
		if age+10*job+r.IntN(30) > 70 {
			income = "high"
		}
		fmt.Fprintf(&text, "%d,job %d,city %d,%s\n", age, job, city, income)
	}
	path := filepath.Join(t.TempDir(), "train.csv")
	if err := os.WriteFile(path, []byte(text.String()), 0o666); err != nil {
		t.Fatal(err)
	}
	return path
}

func (f *fixture) analyse(t testing.TB, path string) IndexedRange {
	ctx := context.Background()
	info, err := storage.Stat(ctx, path)
	if err != nil {
		t.Fatal(err)
	}
	index := IndexedRange{Range: records.Split([]storage.Info{info}, f.job.Spec.Format(), 1<<30)[0]}
	scanner, err := records.Open(ctx, f.job.Spec.Format(), index.Range)
	if err != nil {
		t.Fatal(err)
	}
	defer scanner.Close()
	statistics := features.NewStatistics(f.job.Spec)
	for scanner.Scan() {
		if index.Records%MarkEvery == 0 {
			index.Marks = append(index.Marks, scanner.Record().Offset)
		}
		index.Records++
		if err := statistics.Add(scanner.Record().Fields); err != nil {
			t.Fatal(err)
		}
	}
	if f.job.Features, err = statistics.Fit(f.job.Spec); err != nil {
		t.Fatal(err)
	}
	return index
}

func (f *fixture) trainer(t testing.TB) *Trainer {
	t.Helper()
	trainer, err := NewTrainer(f.job)
	if err != nil {
		t.Fatal(err)
	}
	return trainer
}

// run makes so many steps, with all shards in one call each.
func (f *fixture) run(t testing.TB, trainer *Trainer, steps int) *State {
	t.Helper()
	state := trainer.Initial()
	for range steps {
		total, err := trainer.Contribute(context.Background(), f.shards, state)
		if err != nil {
			t.Fatal(err)
		}
		state = trainer.Update(state, total)
	}
	return state
}

func TestTrainingLowersTheLoss(t *testing.T) {
	f := newFixture(t, 500)
	log := f.run(t, f.trainer(t), 100).Log
	if first, last := log[0].Loss, log[99].Loss; math.Abs(first-math.Ln2) > 0.1 || last > 0.6*first {
		t.Errorf("the loss went from %v to %v, want from about log 2 to much less", first, last)
	}
}

// However the shards are divided among workers, on however many cores, the step is the same to the last bit.
func TestGroupingOfShardsDoesNotShow(t *testing.T) {
	f := newFixture(t, 300)
	t.Run("sync", func(t *testing.T) { checkGrouping(t, f) })
	f.job.Strategy.LocalSteps = 3
	t.Run("local", func(t *testing.T) { checkGrouping(t, f) })
}

func checkGrouping(t *testing.T, f *fixture) {
	trainer := f.trainer(t)
	want := f.run(t, trainer, 4)
	rapid.Check(t, func(rt *rapid.T) {
		defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(rapid.IntRange(1, 4).Draw(rt, "cores")))
		state := trainer.Initial()
		for range 4 {
			order := rapid.Permutation(f.shards).Draw(rt, "order")
			cut := rapid.IntRange(0, len(order)).Draw(rt, "cut")
			total := &Contribution{}
			for _, group := range [][]Shard{order[:cut], order[cut:]} {
				part, err := trainer.Contribute(context.Background(), group, state)
				if err != nil {
					rt.Fatal(err)
				}
				total.Merge(part)
			}
			state = trainer.Update(state, total)
		}
		if !bytes.Equal(stateBytes(rt, state), stateBytes(rt, want)) {
			rt.Fatalf("the state differs:\n%s", cmp.Diff(want, state, ofStates))
		}
	})
}

// stateBytes compare faster than states, which are long.
func stateBytes(t *rapid.T, s *State) []byte {
	data, err := s.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// Every record is used once an epoch, however unevenly it divides.
func TestAnEpochSeesEveryRecordOnce(t *testing.T) {
	for _, records := range []int{4, 23, 24, 25, 100, 301} {
		f := newFixture(t, records)
		trainer := f.trainer(t)
		log := f.run(t, trainer, int(2*trainer.StepsPerEpoch())).Log
		for epoch := range 2 {
			examples := 0.0
			for _, step := range log[epoch*len(log)/2 : (epoch+1)*len(log)/2] {
				examples += step.Examples
			}
			if examples != float64(records) {
				t.Errorf("epoch %d of %d records used %v", epoch, records, examples)
			}
		}
	}
}

// A cache that holds nothing, one that holds part and one that holds all read the same rows.
func TestCacheSizeDoesNotShow(t *testing.T) {
	f := newFixture(t, 40000)
	steps := 30
	want := f.run(t, f.trainer(t), steps)
	for _, bytes := range []int64{0, 100_000, 300_000, 700_000} {
		f.job.CacheBytes = bytes
		trainer := f.trainer(t)
		if diff := cmp.Diff(want, f.run(t, trainer, steps), ofStates); diff != "" {
			t.Errorf("with %d bytes the state differs:\n%s", bytes, diff)
		}
		memory := int64(0)
		for _, s := range trainer.cache.shards {
			for _, block := range s.rows.blocks {
				memory += size(block)
			}
		}
		if memory > bytes {
			t.Errorf("a cache of %d bytes holds %d", bytes, memory)
		}
		if memory+trainer.cache.budget != bytes {
			t.Errorf("a cache of %d bytes holds %d and believes in %d more", bytes, memory, trainer.cache.budget)
		}
	}
}

// A shard with numbers out of range is left out whole, named, and the others' average is as if it were not there.
func TestAPoisonedShardIsLeftOut(t *testing.T) {
	f := newFixture(t, 300)
	trainer := f.trainer(t)
	state := trainer.Initial()
	healthy, err := trainer.Contribute(context.Background(), f.shards[1:], state)
	if err != nil {
		t.Fatal(err)
	}
	poison(t, trainer, f.shards[0])
	total, err := trainer.Contribute(context.Background(), f.shards, state)
	if err != nil {
		t.Fatal(err)
	}
	next := trainer.Update(state, total)
	want := trainer.Update(state, healthy)
	if left := next.Log[0].LeftOut; len(left) != 1 || left[0].Shard != 0 || !strings.Contains(left[0].Reason, "not finite") {
		t.Fatalf("left out: %v, want shard 0 for not being finite", left)
	}
	if diff := cmp.Diff(want.Weights, next.Weights); diff != "" {
		t.Errorf("the poisoned shard shows:\n%s", diff)
	}
	none := trainer.Update(state, &Contribution{LeftOut: total.LeftOut})
	if diff := cmp.Diff(state.Weights, none.Weights); diff != "" || none.Step != 1 {
		t.Errorf("a round without contributions made step %d and changed weights:\n%s", none.Step, diff)
	}
}

// poison makes a shard's numbers NaN.
func poison(t *testing.T, trainer *Trainer, s Shard) {
	t.Helper()
	setAge(t, trainer, s, float32(math.NaN()))
}

// setAge gives all rows of a shard one age.
func setAge(t *testing.T, trainer *Trainer, s Shard, age float32) {
	t.Helper()
	entry, err := trainer.cache.shard(context.Background(), s)
	if err != nil {
		t.Fatal(err)
	}
	for _, block := range entry.rows.blocks {
		for i := 0; i < len(block); i += entry.rows.words() {
			block[i] = math.Float32bits(age)
		}
	}
}

// A gradient out of range is found when parts of it are in the sum already, which then begins anew.
func TestAGradientOutOfRangeIsLeftOut(t *testing.T) {
	f := newFixture(t, 300)
	trainer := f.trainer(t)
	state := trainer.Initial()
	for _, p := range trainer.arrangement.Params {
		if p.Name == "deep/logits/weights" { // logits and losses do not depend on the age, the gradient of these weights does
			clear(p.In(state.Weights))
		}
	}
	healthy, err := trainer.Contribute(context.Background(), []Shard{f.shards[0], f.shards[2]}, state)
	if err != nil {
		t.Fatal(err)
	}
	setAge(t, trainer, f.shards[1], 1e12)
	setAge(t, trainer, f.shards[3], -1e12)
	total, err := trainer.Contribute(context.Background(), f.shards, state)
	if err != nil {
		t.Fatal(err)
	}
	if len(total.LeftOut) != 2 || total.LeftOut[0].Shard != 1 || total.LeftOut[1].Shard != 3 || !strings.Contains(total.LeftOut[0].Reason, "its gradient is not finite") {
		t.Fatalf("left out: %v, want shards 1 and 3 for their gradients", total.LeftOut)
	}
	total.LeftOut = nil
	if diff := cmp.Diff(healthy, total, ofContributions); diff != "" {
		t.Errorf("the shards left out show:\n%s", diff)
	}
}

// A total that no summation made, such as the sum over no shards, is memory for those that follow.
func TestARoundAfterOneOfNothing(t *testing.T) {
	f := newFixture(t, 300)
	trainer := f.trainer(t)
	state := trainer.Advance(trainer.Initial(), &Contribution{})
	got, err := trainer.Contribute(context.Background(), f.shards, state)
	if err != nil {
		t.Fatal(err)
	}
	want, err := f.trainer(t).Contribute(context.Background(), f.shards, state)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got, ofContributions); diff != "" {
		t.Errorf("the memory shows:\n%s", diff)
	}
}

func TestClippingBoundsTheStep(t *testing.T) {
	f := newFixture(t, 300)
	f.job.Spec.Training.Optimizer = map[string]spec.Optimizer{"wide": {Kind: "sgd", LearningRate: 1}, "deep": {Kind: "sgd", LearningRate: 1}}
	trainer := f.trainer(t)
	before := trainer.Initial()
	after := f.run(t, trainer, 1)
	moved := 0.0
	for i := range after.Weights {
		d := float64(after.Weights[i]) - float64(before.Weights[i])
		moved += d * d
	}
	if norm := after.Log[0].GradientNorm; norm <= 0.2 || math.Abs(math.Sqrt(moved)-0.2) > 1e-4 {
		t.Errorf("a gradient of norm %v, clipped to 0.2, moved the weights by %v", norm, math.Sqrt(moved))
	}
}

func TestStateSurvivesItsTensors(t *testing.T) {
	f := newFixture(t, 300)
	trainer := f.trainer(t)
	state := f.run(t, trainer, 3)
	state.Log = nil
	back, err := trainer.State(state.Step, trainer.Tensors(state))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(state, back, ofStates); diff != "" {
		t.Error(diff)
	}
	if _, err := trainer.State(3, trainer.Tensors(state)[1:]); err == nil {
		t.Error("a state without its first tensor was accepted")
	}
}

func TestBatchMustBeAMultipleOfShards(t *testing.T) {
	f := newFixture(t, 300)
	f.job.Batch = 30
	if _, err := NewTrainer(f.job); err == nil || !strings.Contains(err.Error(), "such as 28") {
		t.Errorf("30 rows for 4 shards: %v, want an error that suggests 28", err)
	}
}

func BenchmarkStep(b *testing.B) {
	f := newFixture(b, 20000)
	trainer := f.trainer(b)
	state := trainer.Initial()
	b.ReportAllocs()
	for b.Loop() {
		total, err := trainer.Contribute(context.Background(), f.shards, state)
		if err != nil {
			b.Fatal(err)
		}
		state = trainer.Update(state, total)
		state.Log = nil
	}
}

// ofStates compares what a state is, not who still needs its memory.
var ofStates = cmpopts.IgnoreUnexported(State{})

// Rounds in the memory of earlier rounds make the same states, and need next to no memory of their own.
func TestUsedMemoryDoesNotShow(t *testing.T) {
	f := newFixture(t, 300)
	want := f.run(t, f.trainer(t), 20)
	trainer := f.trainer(t)
	state := trainer.Initial()
	state.Keep()
	first := stateCopy(t, state)
	step := func() {
		total, err := trainer.Contribute(context.Background(), f.shards, state)
		if err != nil {
			t.Fatal(err)
		}
		state = trainer.Advance(state, total)
	}
	kept := state
	for range 20 {
		step()
	}
	if diff := cmp.Diff(want, state, ofStates); diff != "" {
		t.Errorf("the state differs:\n%s", diff)
	}
	if diff := cmp.Diff(first, kept, ofStates); diff != "" {
		t.Errorf("the state that was to be kept changed:\n%s", diff)
	}
	state.Log = nil
	const vectors = 8 * (70000 + 2*70000) // bytes of the table's sums, and more of its weights and slots
	allocated := testing.Benchmark(func(b *testing.B) {
		for b.Loop() {
			step()
			state.Log = nil
		}
	}).AllocedBytesPerOp()
	if allocated > vectors/50 {
		t.Errorf("a round allocates %d bytes, with states of %d", allocated, vectors)
	}
}

func stateCopy(t *testing.T, s *State) *State {
	data, err := s.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	copied := &State{}
	if err := copied.UnmarshalBinary(data); err != nil {
		t.Fatal(err)
	}
	return copied
}
