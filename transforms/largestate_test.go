package transforms

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/penstock-ml/penstock/models/training"
)

// What passes of a large state is its path, and whoever gets that has the state, in this process or another.
func TestLargeStatesPassByPath(t *testing.T) {
	ctx := context.Background()
	job := JobRef{Dir: t.TempDir(), LargeState: 16}
	state := &training.State{Step: 5, Weights: []float32{1, 2, 3}, Slots: []float32{4}, Log: []training.StepLog{{Step: 5, Loss: 1}}}
	passed, err := job.pass(ctx, state, false)
	if err != nil || passed.Stored == "" || passed.Weights != nil || passed.Step != 5 {
		t.Fatalf("%+v passes: %v", passed, err)
	}
	for _, where := range []string{"the same process", "another process"} {
		got, err := job.fetch(ctx, passed)
		if diff := cmp.Diff(state, got, cmpopts.IgnoreUnexported(training.State{}), cmpopts.EquateEmpty()); err != nil || diff != "" {
			t.Errorf("in %s: %v\n%s", where, err, diff)
		}
		largeStates.drop(passed.Stored)
	}
	if again, err := job.pass(ctx, state, false); err != nil || again.Stored != passed.Stored {
		t.Errorf("the same work done again wrote %v, not %v: %v", again, passed, err)
	}
	if err := os.Remove(passed.Stored); err != nil {
		t.Fatal(err)
	}
	largeStates.drop(passed.Stored)
	if _, err := job.fetch(ctx, passed); err == nil {
		t.Error("a state whose file is gone was had")
	}
	small, err := JobRef{Dir: job.Dir, LargeState: 17}.pass(ctx, state, false)
	if err != nil || small != state {
		t.Errorf("a small state passes as %+v: %v", small, err)
	}
	if here, err := job.pass(ctx, state, true); err != nil || here != state {
		t.Errorf("in memory it passes as %+v: %v", here, err)
	}
	if left, _ := filepath.Glob(filepath.Join(job.Dir, "states", "*")); len(left) != 0 {
		t.Errorf("files are left: %v", left)
	}
}
