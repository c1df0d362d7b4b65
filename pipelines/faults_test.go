package pipelines

import (
	"context"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/penstock-ml/penstock/models/saved"
)

// A run whose newest checkpoints are damaged says so, goes on from the one before, and has the same weights in the end.
func TestDamagedCheckpointsArePassedOver(t *testing.T) {
	train, _, _ := censusFiles(t, 3000)
	want := mustTrain(t, censusOptions(t, train, "", 60))
	damages := map[string]func(data []byte) []byte{
		"truncated": func(data []byte) []byte { return data[:len(data)/2] },
		"a bit":     func(data []byte) []byte { data[len(data)/2] ^= 4; return data },
		"empty":     func([]byte) []byte { return nil },
	}
	for name, damage := range damages {
		t.Run(name, func(t *testing.T) {
			for _, damaged := range []int{1, 2, keepCheckpoints + 1} { // the last is all
				o := censusOptions(t, train, "", 60)
				stopAfter(t, o, 40)
				dirs := checkpointsOf(t, o.JobDir)[:damaged]
				for _, dir := range dirs {
					damageFile(t, filepath.Join(dir, "tensors.safetensors"), damage)
				}
				o.Spec, o.Resume = censusSpec(t), true
				o.Spec.Training.Steps = 60
				var warnings []string
				o.Observer.Warn = func(s string) { warnings = append(warnings, s) }
				if got := mustTrain(t, o); got.WeightsSHA256 != want.WeightsSHA256 {
					t.Errorf("the weights are %s, want %s", got.WeightsSHA256, want.WeightsSHA256)
				}
				checkDamageWarnings(t, warnings, dirs)
			}
		})
	}
}

func damageFile(t *testing.T, path string, damage func([]byte) []byte) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	writeFile(t, path, damage(data))
}

// checkpointsOf returns the directories of an interrupted run's checkpoints, the newest first.
func checkpointsOf(t *testing.T, jobDir string) []string {
	t.Helper()
	dirs, err := filepath.Glob(filepath.Join(jobDir, "checkpoints", "step-*"))
	if err != nil || len(dirs) != keepCheckpoints+1 {
		t.Fatalf("%s has the checkpoints %q, %v", jobDir, dirs, err)
	}
	slices.Reverse(dirs)
	return dirs
}

// checkDamageWarnings wants a warning for each damaged checkpoint, and one more where none is left.
func checkDamageWarnings(t *testing.T, warnings, dirs []string) {
	t.Helper()
	text := strings.Join(warnings, "\n")
	for _, dir := range dirs {
		if !strings.Contains(text, dir) {
			t.Errorf("the warnings %q do not name %s", warnings, dir)
		}
	}
	if anew := strings.Contains(text, "begins anew"); anew != (len(dirs) > keepCheckpoints) {
		t.Errorf("with %d damaged checkpoints the warnings are %q", len(dirs), warnings)
	}
}

// A run that diverges ends with an error, and no checkpoint has its weights.
func TestADivergedRunLeavesNoCheckpoint(t *testing.T) {
	train, _, _ := censusFiles(t, 2000)
	o := censusOptions(t, train, "", 40)
	for group, optimizer := range o.Spec.Training.Optimizer {
		optimizer.LearningRate = math.MaxFloat32
		o.Spec.Training.Optimizer[group] = optimizer
	}
	o.MaxBadRounds = 100
	if _, err := Train(context.Background(), o); err == nil || !strings.Contains(err.Error(), "training diverged") {
		t.Errorf("the run ended with %v", err)
	}
	if checkpoint, _, err := saved.LatestCheckpoint(context.Background(), o.JobDir); checkpoint != nil || err != nil {
		t.Errorf("the run left the checkpoint %v: %v", checkpoint, err)
	}
}
