package pipelines

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"
	"github.com/google/go-cmp/cmp"

	"github.com/penstock-ml/penstock/models/kernel"
	"github.com/penstock-ml/penstock/models/metrics"
	"github.com/penstock-ml/penstock/models/saved"
	"github.com/penstock-ml/penstock/models/spec"
	"github.com/penstock-ml/penstock/models/synthetic"
	"github.com/penstock-ml/penstock/models/training"
	"github.com/penstock-ml/penstock/runners/runnerstest"
	"github.com/penstock-ml/penstock/storage"
	"github.com/penstock-ml/penstock/storage/storagetest"
)

// censusFiles generates census records: a training file of so many and an evaluation file of a quarter more.
func censusFiles(t testing.TB, records int) (train, eval string, best *metrics.Metrics) {
	t.Helper()
	dir := t.TempDir()
	write := func(name string, from, to int64) (string, *metrics.Metrics) {
		var text bytes.Buffer
		best, err := synthetic.Census(context.Background(), &text, 1, from, to)
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, text.Bytes(), 0o666); err != nil {
			t.Fatal(err)
		}
		return path, best
	}
	n := int64(records)
	train, _ = write("train.csv", 0, n)
	eval, best = write("eval.csv", n, n+n/4)
	return train, eval, best
}

func censusSpec(t testing.TB) *spec.Spec { return specIn(t, "census.yaml") }

// specIn is a spec of testdata.
func specIn(t testing.TB, name string) *spec.Spec {
	t.Helper()
	path := filepath.Join("..", "testdata", name)
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	s, err := spec.Parse(path, text)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// censusOptions trains census.yaml for some steps on direct.
func censusOptions(t testing.TB, train, eval string, steps int) TrainOptions {
	s := censusSpec(t)
	s.Training.Steps = steps
	o := TrainOptions{
		Spec: s, TrainFiles: []string{train}, JobDir: t.TempDir(), Shards: 8, CacheBytes: 1 << 28, CheckpointEvery: 10,
		Runner: runnerNamed(t, "direct"),
	}
	if eval != "" {
		o.EvalFiles = []string{eval}
	}
	return o
}

func mustTrain(t testing.TB, o TrainOptions) *TrainResult {
	t.Helper()
	result, err := Train(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	return result
}

// strategies are what every run's independence is shown for.
var strategies = map[string]training.Strategy{
	"sync":           {},
	"local":          {LocalSteps: 3},
	"local nesterov": {LocalSteps: 5, Outer: training.Outer{Rate: 1, Momentum: 0.5}},
	"async":          {Staleness: 4},
}

// One run, whatever the runner, the cores, the kernels, the cache and the lengths of segments: one hash.
func TestWeightsDependOnTheRunAlone(t *testing.T) {
	train, _, _ := censusFiles(t, 6000)
	for name, strategy := range strategies {
		t.Run(name, func(t *testing.T) { checkWeights(t, train, strategy) })
	}
}

// With dropout too: what a step does without depends on the seed, the step, the shard and the row alone.
func TestWeightsWithDropoutDependOnTheRunAlone(t *testing.T) {
	train, _, _ := censusFiles(t, 3000)
	var weights []string
	for _, change := range []func(o *TrainOptions){
		func(o *TrainOptions) {},
		func(o *TrainOptions) { o.Runner, o.SegmentRounds = runnerNamed(t, "prism"), 5 },
		func(o *TrainOptions) { o.CacheBytes, o.SegmentRounds = 0, 1 },
		func(o *TrainOptions) { o.Spec = withDropout(t, 0.2) },
	} {
		o := censusOptions(t, train, "", 12)
		o.Spec = withDropout(t, 0.1)
		change(&o)
		o.Spec.Training.Steps = 12
		weights = append(weights, mustTrain(t, o).WeightsSHA256)
	}
	if weights[0] != weights[1] || weights[0] != weights[2] || weights[0] == weights[3] {
		t.Errorf("on direct, on prism, in segments of one round and with another share: %q", weights)
	}
}

func withDropout(t testing.TB, share float64) *spec.Spec {
	t.Helper()
	text, err := os.ReadFile("../testdata/census.yaml")
	if err != nil {
		t.Fatal(err)
	}
	s, err := spec.Parse("census.yaml", bytes.Replace(text, []byte("activation: relu"), fmt.Appendf(nil, "activation: tanh\n    dropout: %v", share), 1))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func checkWeights(t *testing.T, train string, strategy training.Strategy) {
	const steps = 23
	options := func() TrainOptions {
		o := censusOptions(t, train, "", steps)
		o.Strategy = strategy
		return o
	}
	want := mustTrain(t, options()).WeightsSHA256
	variants := map[string]func(o *TrainOptions){
		"prism":                    func(o *TrainOptions) { o.Runner = runnerNamed(t, "prism") },
		"segments of 1 round":      func(o *TrainOptions) { o.SegmentRounds = 1 },
		"segments of 3 rounds":     func(o *TrainOptions) { o.SegmentRounds = 3 },
		"segments of 50 rounds":    func(o *TrainOptions) { o.SegmentRounds = 50; o.CheckpointEvery = 0 },
		"segments of 3 on prism":   func(o *TrainOptions) { o.Runner = runnerNamed(t, "prism"); o.SegmentRounds = 3 },
		"4 parameter shards":       func(o *TrainOptions) { o.ParameterShards = 4; o.SegmentRounds = 5 },
		"3 of them on prism":       func(o *TrainOptions) { o.ParameterShards = 3; o.Runner = runnerNamed(t, "prism"); o.SegmentRounds = 3 },
		"states by path":           func(o *TrainOptions) { o.LargeState = 1; o.Runner = runnerNamed(t, "prism") },
		"parts by path":            func(o *TrainOptions) { o.LargeState = 1; o.ParameterShards = 3; o.Runner = runnerNamed(t, "prism") },
		"a cache of nothing":       func(o *TrainOptions) { o.CacheBytes = 0 },
		"evaluations on the way":   func(o *TrainOptions) { o.EvalFiles = []string{train}; o.EvalEvery = 4 },
		"the file named in a glob": func(o *TrainOptions) { o.TrainFiles = []string{filepath.Join(filepath.Dir(train), "tra*.csv")} },
	}
	for name, vary := range variants {
		o := options()
		vary(&o)
		if got := mustTrain(t, o).WeightsSHA256; got != want {
			t.Errorf("%s: the weights are %s, want %s", name, got, want)
		}
		if _, err := os.Stat(filepath.Join(o.JobDir, "states")); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s: large states are left", name)
		}
	}
	for _, cores := range []int{1, 2, 5} {
		before := runtime.GOMAXPROCS(cores)
		got := mustTrain(t, options()).WeightsSHA256
		runtime.GOMAXPROCS(before)
		if got != want {
			t.Errorf("on %d cores the weights are %s, want %s", cores, got, want)
		}
	}
	selected := kernel.Name()
	for _, name := range append(kernel.Available(), selected) {
		if err := kernel.Select(name); err != nil {
			t.Fatal(err)
		}
		if got := mustTrain(t, options()).WeightsSHA256; got != want {
			t.Errorf("with the kernels %s the weights are %s, want %s", name, got, want)
		}
	}
	for name, vary := range map[string]func(o *TrainOptions){
		"seed":     func(o *TrainOptions) { o.Spec.Training.Seed++ },
		"shards":   func(o *TrainOptions) { o.Shards = 4 },
		"strategy": func(o *TrainOptions) { o.Strategy.LocalSteps += 8 },
	} {
		different := options()
		vary(&different)
		if got := mustTrain(t, different).WeightsSHA256; got == want {
			t.Errorf("another %s gave the same weights", name)
		}
	}
}

// A run stopped anywhere and resumed makes the weights and the history of a run that was not.
func TestResumedRunsAreTheSameRun(t *testing.T) {
	train, eval, _ := censusFiles(t, 4000)
	for name, strategy := range strategies {
		t.Run(name, func(t *testing.T) { checkResume(t, train, eval, strategy) })
	}
}

func checkResume(t *testing.T, train, eval string, strategy training.Strategy) {
	whole := censusOptions(t, train, eval, 30)
	whole.EvalEvery, whole.Strategy = 15, strategy
	want := mustTrain(t, whole)
	for _, name := range runnerstest.Names {
		stops := []int64{1, 10, 17, 27}
		switch {
		case testing.Short():
			stops = stops[2:3]
		case name != "direct": // whose pipelines take their time
			stops = stops[1:3]
		}
		for _, stop := range stops {
			o := censusOptions(t, train, eval, 30)
			o.EvalEvery, o.SegmentRounds, o.Runner, o.Strategy = 15, 2, runnerNamed(t, name), strategy
			if stop == 17 {
				o.ParameterShards = 2
			}
			stopAfter(t, o, stop)
			o.Spec, o.Resume = censusSpec(t), true
			o.Spec.Training.Steps = 30
			got := mustTrain(t, o)
			if got.WeightsSHA256 != want.WeightsSHA256 || *got.Metrics.AUC != *want.Metrics.AUC {
				t.Errorf("%s, stopped after step %d and resumed: %+v, want %+v", name, stop, got, want)
			}
			checkHistory(t, o.JobDir, 30)
		}
	}
}

// stopAfter interrupts a run when it has come to a step.
func stopAfter(t *testing.T, o TrainOptions, step int64) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	o.Observer.Step = func(p TrainProgress) {
		if p.Step >= step {
			cancel()
		}
	}
	if _, err := Train(ctx, o); !errors.Is(err, context.Canceled) {
		t.Fatalf("the interrupted run returned %v, want context.Canceled", err)
	}
}

// checkHistory wants strictly increasing steps that end at last, and an event file for each stretch.
func checkHistory(t *testing.T, jobDir string, last int64) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(jobDir, "metrics.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	step, evaluations := int64(0), 0
	for line := range bytes.Lines(data) {
		var l historyLine
		if err := json.Unmarshal(line, &l); err != nil {
			t.Fatal(err)
		}
		if l.Step <= step || l.Loss <= 0 || len(l.LearningRate) != 2 {
			t.Errorf("after step %d comes the line %s", step, line)
		}
		step = l.Step
		if l.Evaluation != nil {
			evaluations++
		}
	}
	if step != last || evaluations == 0 {
		t.Errorf("the history ends at step %d with %d evaluations, want step %d and at least one", step, evaluations, last)
	}
	for _, dir := range []string{jobDir, filepath.Join(jobDir, "eval")} {
		if events, _ := filepath.Glob(filepath.Join(dir, "events.out.tfevents.*")); len(events) == 0 {
			t.Errorf("%s has no event file", dir)
		}
	}
}

func TestACheckpointIsNotOverwrittenUnasked(t *testing.T) {
	train, _, _ := censusFiles(t, 2000)
	o := censusOptions(t, train, "", 10)
	first := mustTrain(t, o)
	_, err := Train(context.Background(), o)
	if err == nil || !strings.Contains(err.Error(), "--resume") {
		t.Errorf("a second run in %s: %v, want an error that names --resume", o.JobDir, err)
	}
	o.Resume = true
	if again := mustTrain(t, o); again.Export != first.Export || again.WeightsSHA256 != first.WeightsSHA256 {
		t.Errorf("resuming the finished run gave %+v, want the export of %+v", again, first)
	}
}

func TestResumeRefusesAnotherRun(t *testing.T) {
	train, _, _ := censusFiles(t, 2000)
	base := censusOptions(t, train, "", 10)
	mustTrain(t, base)
	for name, c := range map[string]struct {
		vary func(o *TrainOptions)
		want string
	}{
		"shards":        {func(o *TrainOptions) { o.Shards = 4 }, "--shards was 8 and is now 4"},
		"strategy":      {func(o *TrainOptions) { o.Strategy.LocalSteps = 5 }, "--strategy was sync and is now local"},
		"batch":         {func(o *TrainOptions) { o.Spec.Training.BatchSize = 256 }, "--batch-size was 512 and is now 256"},
		"seed":          {func(o *TrainOptions) { o.Spec.Training.Seed = 9 }, "--seed was"},
		"spec":          {func(o *TrainOptions) { o.Spec.Training.ClipNorm = 3 }, "clip_norm: 3"},
		"another file":  {func(o *TrainOptions) { o.TrainFiles = append(o.TrainFiles, copied(t, train)) }, "1 training files"},
		"its place":     {func(o *TrainOptions) { o.TrainFiles = []string{copied(t, train)} }, "is now"},
		"its content":   {func(o *TrainOptions) { appendLine(t, train) }, "has changed"},
		"fewer steps":   {func(o *TrainOptions) { o.Spec.Training.Steps = 5 }, "past the 5 steps"},
		"missing files": {func(o *TrainOptions) { o.TrainFiles = []string{"none*.csv"} }, "--train-files"},
	} {
		text, err := os.ReadFile(train)
		if err != nil {
			t.Fatal(err)
		}
		o := base
		o.Spec, o.Resume = censusSpec(t), true
		o.Spec.Training.Steps = 10
		c.vary(&o)
		before := contents(t, o.JobDir)
		if _, err := Train(context.Background(), o); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want an error with %q", name, err, c.want)
		}
		if diff := cmp.Diff(before, contents(t, o.JobDir)); diff != "" {
			t.Errorf("%s: the refused run changed the job directory:\n%s", name, diff)
		}
		if err := os.WriteFile(train, text, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	base.Spec, base.Resume = censusSpec(t), true
	base.Spec.Training.Steps = 20
	if longer := mustTrain(t, base); longer.Steps != 20 {
		t.Errorf("a longer run ended at step %d", longer.Steps)
	}
}

// contents are the files below a directory.
func contents(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	infos, err := storage.List(context.Background(), dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, info := range infos {
		data, err := os.ReadFile(info.Path)
		if err != nil {
			t.Fatal(err)
		}
		files[info.Path] = string(data)
	}
	return files
}

func copied(t *testing.T, path string) string {
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	other := filepath.Join(t.TempDir(), "other.csv")
	if err := os.WriteFile(other, data, 0o666); err != nil {
		t.Fatal(err)
	}
	return other
}

func appendLine(t *testing.T, path string) {
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	line, _, _ := bytes.Cut(data, []byte("\n"))
	if err := os.WriteFile(path, append(data, append(line, '\n')...), 0o666); err != nil {
		t.Fatal(err)
	}
}

func TestThreeCheckpointsAreKept(t *testing.T) {
	train, _, _ := censusFiles(t, 2000)
	for _, name := range runnerstest.Names {
		o := censusOptions(t, train, "", 20)
		o.CheckpointEvery, o.Runner = 3, runnerNamed(t, name)
		mustTrain(t, o)
		kept, err := os.ReadDir(filepath.Join(o.JobDir, "checkpoints"))
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, k := range kept {
			names = append(names, k.Name())
		}
		if want := []string{"step-000000015", "step-000000018", "step-000000020"}; !slices.Equal(names, want) {
			t.Errorf("%s keeps %v, want %v", name, names, want)
		}
	}
}

func TestACorruptCheckpointFallsBackToTheOneBefore(t *testing.T) {
	train, _, _ := censusFiles(t, 2000)
	want := mustTrain(t, censusOptions(t, train, "", 30)).WeightsSHA256
	o := censusOptions(t, train, "", 30)
	stopAfter(t, func() TrainOptions { o := o; o.SegmentRounds = 5; return o }(), 20)
	newest := filepath.Join(saved.CheckpointDir(o.JobDir, 20), "tensors.safetensors")
	if _, err := os.Stat(newest); errors.Is(err, os.ErrNotExist) {
		newest = filepath.Join(saved.CheckpointDir(o.JobDir, 10), "tensors.safetensors")
	}
	if err := os.Truncate(newest, 100); err != nil {
		t.Fatal(err)
	}
	var warnings []string
	o.Spec, o.Resume = censusSpec(t), true
	o.Spec.Training.Steps = 30
	o.Observer.Warn = func(sentence string) { warnings = append(warnings, sentence) }
	if got := mustTrain(t, o).WeightsSHA256; got != want {
		t.Errorf("the weights are %s, want %s", got, want)
	}
	if len(warnings) != 1 || !strings.Contains(warnings[0], "tensors.safetensors") {
		t.Errorf("the warnings are %q, want one that names the damaged file", warnings)
	}
}

// A segment that fails is run again from where it began, and the result does not show it.
func TestFailedSegmentsAreRunAgain(t *testing.T) {
	train, _, _ := censusFiles(t, 2000)
	want := mustTrain(t, censusOptions(t, train, "", 12)).WeightsSHA256
	for _, name := range runnerstest.Names {
		o := censusOptions(t, train, "", 12)
		o.SegmentRounds, o.SegmentRetries = 4, 2
		flaky := &flakyRunner{Runner: runnerNamed(t, name), failures: 2, err: errFlaky}
		o.Runner = flaky
		warned := 0
		o.Observer.Warn = func(string) { warned++ }
		if got := mustTrain(t, o).WeightsSHA256; got != want || warned != 2 {
			t.Errorf("%s: the weights are %s after %d warnings, want %s after 2", name, got, warned, want)
		}
		o = censusOptions(t, train, "", 12)
		o.SegmentRetries, o.Runner = 1, &flakyRunner{Runner: runnerNamed(t, name), failures: 5, err: errFlaky}
		if _, err := Train(context.Background(), o); !errors.Is(err, errFlaky) {
			t.Errorf("%s: more failures than retries gave %v", name, err)
		}
	}
}

// A runner that has no room for a graph gets shorter ones, which is no failure.
func TestGraphsShrinkToTheRunner(t *testing.T) {
	train, _, _ := censusFiles(t, 2000)
	want := mustTrain(t, censusOptions(t, train, "", 12)).WeightsSHA256
	o := censusOptions(t, train, "", 12)
	crowded := &flakyRunner{Runner: runnerNamed(t, "prism"), failures: 2, err: errCrowded{}}
	o.Runner, o.CheckpointEvery = crowded, 0
	var warnings []string
	o.Observer.Warn = func(sentence string) { warnings = append(warnings, sentence) }
	if got := mustTrain(t, o).WeightsSHA256; got != want {
		t.Errorf("the weights are %s, want %s", got, want)
	}
	if len(warnings) != 2 || !strings.HasSuffix(warnings[1], "gets 3") {
		t.Errorf("the warnings are %q, want two, the last of 3 rounds", warnings)
	}
	if training := crowded.prepared - 1; training != 2+4 {
		t.Errorf("there were %d training graphs, want 2 that failed and 4 of 3 rounds", training)
	}
}

type errCrowded struct{}

func (errCrowded) Error() string  { return "there are no network buffers left" }
func (errCrowded) TooLarge() bool { return true }

var errFlaky = errors.New("the cluster lost a worker")

// flakyRunner fails the first runs of training graphs, as a cluster does that loses a worker.
type flakyRunner struct {
	Runner
	failures int
	err      error
	prepared int
}

func (f *flakyRunner) Prepare(p *beam.Pipeline) (func(context.Context) error, error) {
	run, err := f.Runner.Prepare(p)
	f.prepared++
	if f.prepared == 1 { // the analysis
		return run, err
	}
	return func(ctx context.Context) error {
		if f.failures > 0 {
			f.failures--
			return f.err
		}
		return run(ctx)
	}, err
}

// A job directory, its data and its model may all be on Cloud Storage, and nothing of it shows in the weights.
func TestTrainOnCloudStorage(t *testing.T) {
	train, eval, _ := censusFiles(t, 3000)
	want := mustTrain(t, censusOptions(t, train, eval, 20))
	storagetest.StartCloud(t, "bucket")
	for local, remote := range map[string]string{train: "gs://bucket/data/train.csv", eval: "gs://bucket/data/eval.csv"} {
		data, err := os.ReadFile(local)
		if err != nil {
			t.Fatal(err)
		}
		if err := storage.WriteFile(context.Background(), remote, data); err != nil {
			t.Fatal(err)
		}
	}
	o := censusOptions(t, "gs://bucket/data/tr*.csv", "gs://bucket/data/eval.csv", 20)
	o.JobDir, o.SegmentRounds = "gs://bucket/job", 6
	stopAfter(t, o, 12)
	o.Spec, o.Resume = censusSpec(t), true
	o.Spec.Training.Steps = 20
	got := mustTrain(t, o)
	if got.WeightsSHA256 != want.WeightsSHA256 || *got.Metrics.AUC != *want.Metrics.AUC {
		t.Errorf("on Cloud Storage the run made %+v, want %+v", got, want)
	}
	if !strings.HasPrefix(got.Export, "gs://bucket/job/export/census/") {
		t.Errorf("the export is in %s", got.Export)
	}
}
