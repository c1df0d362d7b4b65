package saved

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/penstock-ml/penstock/storage"
)

func checkpoint(step int64, value float32) *Checkpoint {
	return &Checkpoint{
		Step:    step,
		Tensors: []Tensor{{"weights", []int{2}, []float32{value, 1}}},
		Meta:    fmt.Appendf(nil, `{"value": %v}`, value),
	}
}

func writeCheckpoint(t *testing.T, job string, c *Checkpoint) {
	t.Helper()
	if err := WriteCheckpoint(t.Context(), job, c); err != nil {
		t.Fatal(err)
	}
}

func wantLatest(t *testing.T, job string, want *Checkpoint) (warnings []string) {
	t.Helper()
	got, warnings, err := LatestCheckpoint(t.Context(), job)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the latest checkpoint differs (-want +got):\n%s", diff)
	}
	return warnings
}

func TestLatestCheckpoint(t *testing.T) {
	onBoth(t, func(t *testing.T, job string) {
		wantLatest(t, job, nil)
		for _, step := range []int64{90, 1_000_000_000_000, 100, 8} {
			writeCheckpoint(t, job, checkpoint(step, float32(step)))
		}
		if warnings := wantLatest(t, job, checkpoint(1_000_000_000_000, 1e12)); len(warnings) != 0 {
			t.Errorf("intact checkpoints gave the warnings %q", warnings)
		}
	})
}

func TestCorruptCheckpointIsSkipped(t *testing.T) {
	onBoth(t, func(t *testing.T, job string) {
		for step := range int64(4) {
			writeCheckpoint(t, job, checkpoint(step, 1))
		}
		overwrite(t, storage.Join(CheckpointDir(job, 3), tensorsName), []byte("short"))
		if err := storage.Delete(t.Context(), storage.Join(CheckpointDir(job, 2), manifestName)); err != nil {
			t.Fatal(err)
		}
		warnings := wantLatest(t, job, checkpoint(1, 1))
		if len(warnings) != 2 || !strings.Contains(warnings[0], "step-000000003/tensors.safetensors") ||
			!strings.Contains(warnings[1], "step-000000002/MANIFEST.json") {
			t.Errorf("the warnings are %q, want one for each damaged file", warnings)
		}
	})
}

func TestOnlyCorruptCheckpoints(t *testing.T) {
	job := t.TempDir()
	writeCheckpoint(t, job, checkpoint(5, 1))
	overwrite(t, storage.Join(CheckpointDir(job, 5), metaName), nil)
	if warnings := wantLatest(t, job, nil); len(warnings) != 1 {
		t.Errorf("the warnings are %q, want one", warnings)
	}
}

func TestCheckpointIsReplaced(t *testing.T) {
	onBoth(t, func(t *testing.T, job string) {
		for value := range 3 {
			writeCheckpoint(t, job, checkpoint(7, float32(value)))
			wantLatest(t, job, checkpoint(7, float32(value)))
		}
		infos, err := storage.List(t.Context(), job)
		if err != nil {
			t.Fatal(err)
		}
		if len(infos) != 3 {
			t.Errorf("the job directory holds %v, want the 3 files of one checkpoint", infos)
		}
	})
}

// TestReplacementSurvivesCrashes stops a replacement after each of its steps and
// then repeats it. The job has no other checkpoint to fall back to.
func TestReplacementSurvivesCrashes(t *testing.T) {
	onBoth(t, func(t *testing.T, root string) {
		before, after := checkpoint(7, 1), checkpoint(7, 2)
		files := []File{{metaName, after.Meta}}
		data, err := EncodeTensors(after.Tensors)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, File{tensorsName, data})
		for completed := range 6 {
			job := storage.Join(root, fmt.Sprint(completed))
			writeCheckpoint(t, job, before)
			steps, err := replaceSteps(t.Context(), CheckpointDir(job, 7), files)
			if err != nil || len(steps) != 5 {
				t.Fatalf("replaceSteps returned %d steps and %v, want 5", len(steps), err)
			}
			for _, step := range steps[:completed] {
				if err := step(); err != nil {
					t.Fatal(err)
				}
			}
			got, _, err := LatestCheckpoint(t.Context(), job)
			if err != nil {
				t.Fatal(err)
			}
			if got == nil || !bytes.Equal(got.Meta, before.Meta) && !bytes.Equal(got.Meta, after.Meta) {
				t.Errorf("after %d steps the latest checkpoint is %v, want the old one or the new one", completed, got)
			}
			writeCheckpoint(t, job, after)
			wantLatest(t, job, after)
		}
	})
}

func TestPruneCheckpoints(t *testing.T) {
	onBoth(t, func(t *testing.T, job string) {
		for step := range int64(8) {
			writeCheckpoint(t, job, checkpoint(step, float32(step)))
		}
		overwrite(t, storage.Join(CheckpointDir(job, 7), tensorsName), nil) // the newest is damaged
		overwrite(t, storage.Join(CheckpointDir(job, 5), tensorsName), nil) // and one between
		if err := PruneCheckpoints(t.Context(), job, 3, 0); err != nil {
			t.Fatal(err)
		}
		entries, err := listCheckpoints(t.Context(), job)
		if err != nil {
			t.Fatal(err)
		}
		var steps []int64
		for _, e := range entries {
			steps = append(steps, e.step)
		}
		if diff := cmp.Diff([]int64{7, 6, 4, 3}, steps); diff != "" {
			t.Errorf("the steps kept differ (-want +got):\n%s", diff)
		}
		wantLatest(t, job, checkpoint(6, 6))
	})
}

func TestPruneKeepsAtLeastOne(t *testing.T) {
	if err := PruneCheckpoints(t.Context(), t.TempDir(), 0, 0); err == nil {
		t.Error("PruneCheckpoints accepted to keep 0 checkpoints")
	}
}

func TestNegativeStep(t *testing.T) {
	if err := WriteCheckpoint(t.Context(), t.TempDir(), checkpoint(-1, 0)); err == nil {
		t.Error("WriteCheckpoint accepted step -1")
	}
}
