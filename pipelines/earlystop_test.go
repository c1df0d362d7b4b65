package pipelines

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/penstock-ml/penstock/models/spec"
	"github.com/penstock-ml/penstock/models/training"
	"github.com/penstock-ml/penstock/runners/runnerstest"
)

// stoppingOptions trains with a rate that learns by heart, and stops early.
func stoppingOptions(t testing.TB, train, eval string) TrainOptions {
	o := censusOptions(t, train, eval, 400)
	o.CheckpointEvery = 0
	wide := o.Spec.Training.Optimizer["wide"]
	wide.LearningRate = 2
	o.Spec.Training.Optimizer["wide"] = wide
	o.Spec.Training.Schedule = spec.Schedule{Kind: spec.Constant}
	o.Spec.Training.EarlyStopping.Holdout = 0.2
	o.Spec.Training.EarlyStopping.Patience = 3
	return o
}

// The run ends once nothing improves, has the weights of the best step, which those of a run of that length are, and goes
// on from a kill at any step to the same end.
func TestEarlyStopping(t *testing.T) {
	train, eval, _ := censusFiles(t, 3000)
	whole := stoppingOptions(t, train, eval)
	want := mustTrain(t, whole)
	if want.Steps >= 400 || want.BestStep >= want.Steps || want.BestStep == 0 {
		t.Fatalf("the run has %d steps and %d is its best", want.Steps, want.BestStep)
	}
	short := stoppingOptions(t, train, eval)
	short.Spec.Training.Steps = int(want.BestStep)
	if got := mustTrain(t, short); got.WeightsSHA256 != want.WeightsSHA256 || *got.Metrics.AUC != *want.Metrics.AUC {
		t.Errorf("a run of %d steps ends at %s, AUC %v, and not at %s, AUC %v", want.BestStep, got.WeightsSHA256, *got.Metrics.AUC, want.WeightsSHA256, *want.Metrics.AUC)
	}
	for _, name := range runnerstest.Names {
		stops := []int64{1, want.BestStep + 1, want.Steps - 1}
		if name != "direct" {
			stops = stops[1:2]
		}
		for _, stop := range stops {
			o := stoppingOptions(t, train, eval)
			o.Runner, o.SegmentRounds = runnerNamed(t, name), 4
			stopAfter(t, o, stop)
			o.Spec, o.Resume = stoppingOptions(t, train, eval).Spec, true
			got := mustTrain(t, o)
			if got.WeightsSHA256 != want.WeightsSHA256 || got.Steps != want.Steps || got.BestStep != want.BestStep || *got.Metrics.AUC != *want.Metrics.AUC {
				t.Errorf("%s, stopped after step %d and resumed: %+v, want %+v", name, stop, got, want)
			}
		}
	}
}

// What is held out leaves no trace in the weights: its labels may be anything.
func TestHeldOutRecordsAreNotLearnt(t *testing.T) {
	train, _, _ := censusFiles(t, 2000)
	options := func() TrainOptions {
		o := stoppingOptions(t, train, "")
		o.Spec.Training.Steps = 12
		o.Spec.Training.EarlyStopping.Patience = 1000
		return o
	}
	holdout := training.HoldoutOf(options().Spec)
	text, err := os.ReadFile(train)
	if err != nil {
		t.Fatal(err)
	}
	weightsOf := func(o TrainOptions) string { // of the last step, whichever is the best
		mustTrain(t, o)
		return readFile(t, filepath.Join(o.JobDir, "checkpoints", "step-000000012", "tensors.safetensors"))
	}
	before := weightsOf(options())
	var swapped bytes.Buffer
	held := 0
	for line := range bytes.Lines(text) {
		record := bytes.TrimRight(line, "\n")
		if holdout.Has(record) {
			held++
			record = append(record[:bytes.LastIndexByte(record, ',')+1:bytes.LastIndexByte(record, ',')+1], swappedLabel(record)...)
			if !holdout.Has(record) {
				record = bytes.TrimRight(line, "\n") // it would no longer be held out
			}
		}
		swapped.Write(append(record, '\n'))
	}
	if held < 350 || held > 450 {
		t.Errorf("%d of 2000 records are held out", held)
	}
	if bytes.Equal(swapped.Bytes(), text) {
		t.Fatal("no label was changed")
	}
	if err := os.WriteFile(train, swapped.Bytes(), 0o666); err != nil {
		t.Fatal(err)
	}
	if after := weightsOf(options()); after != before {
		t.Error("labels of records that are held out have changed the weights")
	}
}

func swappedLabel(record []byte) []byte {
	if bytes.HasSuffix(record, []byte(">50K")) {
		return []byte("<=50K")
	}
	return []byte(">50K")
}

func readFile(t testing.TB, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}
