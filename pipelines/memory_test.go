package pipelines

import (
	"bytes"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/penstock-ml/penstock/models/alloctest"
	"github.com/penstock-ml/penstock/models/spec"
)

// A round allocates little, however large the model: its states and sums come from those of earlier rounds.
func TestARoundAllocatesLittle(t *testing.T) {
	if testing.Short() {
		t.Skip("of one process, and long")
	}
	alloctest.SkipUnderRaceDetector(t)
	train, _, _ := censusFiles(t, 2000)
	for _, test := range []struct {
		hidden     string
		localSteps int
	}{{"[100, 70, 50, 34]", 0}, {"[600, 600]", 0}, {"[600, 600]", 1}} {
		allocated := func(steps int) int64 {
			o := censusOptions(t, train, "", steps)
			o.Spec, o.CheckpointEvery = withHidden(t, test.hidden, steps), 0
			o.Strategy.LocalSteps = test.localSteps
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			mustTrain(t, o)
			runtime.ReadMemStats(&after)
			return int64(after.TotalAlloc - before.TotalAlloc)
		}
		allocated(50) // what is made once
		perRound := (allocated(350) - allocated(50)) / 300
		if perRound > 200_000 {
			t.Errorf("%+v: a round allocates %d bytes, want at most 200,000", test, perRound)
		}
		t.Logf("%+v: %d bytes a round", test, perRound)
	}
}

// withHidden is census.yaml with other hidden layers and a length in steps.
func withHidden(t *testing.T, hidden string, steps int) *spec.Spec {
	t.Helper()
	path := filepath.Join("..", "testdata", "census.yaml")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	s, err := spec.Parse(path, bytes.Replace(text, []byte("[100, 70, 50, 34]"), []byte(hidden), 1))
	if err != nil {
		t.Fatal(err)
	}
	s.Training.Steps = steps
	return s
}
