package saved

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/penstock-ml/penstock/storage"
)

const (
	checkpointsDir = "checkpoints"
	tensorsName    = "tensors.safetensors"
	metaName       = "meta.json"

	// While a checkpoint is replaced, its successor waits under this suffix, so
	// that one of the two is valid at every moment.
	nextSuffix = ".next"
)

// Checkpoint is the state of a training run after Step steps.
type Checkpoint struct {
	Step    int64
	Tensors []Tensor
	Meta    []byte // the run's own JSON, opaque here
}

// CheckpointDir returns jobDir/checkpoints/step-NNNNNNNNN.
func CheckpointDir(jobDir string, step int64) string {
	return storage.Join(jobDir, checkpointsDir, fmt.Sprintf("step-%09d", step))
}

// WriteCheckpoint writes c. A valid checkpoint of the same step is replaced in
// such an order that a crash at any moment leaves the old one or the new one.
func WriteCheckpoint(ctx context.Context, jobDir string, c *Checkpoint) error {
	if c.Step < 0 {
		return fmt.Errorf("a checkpoint's step is at least 0, not %d", c.Step)
	}
	tensors, err := EncodeTensors(c.Tensors)
	if err != nil {
		return err
	}
	files := []File{{tensorsName, tensors}, {metaName, c.Meta}}
	dir := CheckpointDir(jobDir, c.Step)
	err = WriteDir(ctx, dir, files)
	if errors.Is(err, fs.ErrExist) {
		return replaceDir(ctx, dir, files)
	}
	return err
}

// replaceDir replaces dir by way of its .next sibling.
func replaceDir(ctx context.Context, dir string, files []File) error {
	steps, err := replaceSteps(ctx, dir, files)
	if err != nil {
		return err
	}
	for _, step := range steps {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// replaceSteps returns the steps of a replacement. A directory is deleted only
// while its sibling is valid, unless dir was damaged to begin with.
func replaceSteps(ctx context.Context, dir string, files []File) ([]func() error, error) {
	next := dir + nextSuffix
	remove := func(dir string) func() error { return func() error { return DeleteDir(ctx, dir) } }
	write := func(dir string) func() error { return func() error { return WriteDir(ctx, dir, files) } }
	steps := []func() error{remove(dir), write(dir), remove(next)}
	valid, err := isCommitted(ctx, dir)
	if valid {
		steps = append([]func() error{remove(next), write(next)}, steps...)
	}
	return steps, err
}

// LatestCheckpoint returns the valid checkpoint of the highest step, or nil where
// there is none. The newer ones that are damaged are passed over, each with a
// warning that names the file at fault.
func LatestCheckpoint(ctx context.Context, jobDir string) (c *Checkpoint, warnings []string, err error) {
	entries, err := listCheckpoints(ctx, jobDir)
	if err != nil {
		return nil, nil, err
	}
	for _, e := range entries {
		c, err := readCheckpoint(ctx, e)
		if err == nil {
			return c, warnings, nil
		}
		if !errors.Is(err, ErrNotCommitted) {
			return nil, warnings, err
		}
		warnings = append(warnings, fmt.Sprintf("the checkpoint of step %d is skipped: %v", e.step, err))
	}
	return nil, warnings, nil
}

// ReadCheckpoint reads and verifies the checkpoint of one step.
func ReadCheckpoint(ctx context.Context, jobDir string, step int64) (*Checkpoint, error) {
	dir := CheckpointDir(jobDir, step)
	c, err := readCheckpoint(ctx, checkpointEntry{step, dir + nextSuffix})
	if errors.Is(err, ErrNotCommitted) {
		return readCheckpoint(ctx, checkpointEntry{step, dir})
	}
	return c, err
}

func readCheckpoint(ctx context.Context, e checkpointEntry) (*Checkpoint, error) {
	files, err := ReadDir(ctx, e.dir)
	if err != nil {
		return nil, err
	}
	tensors, err := DecodeTensors(files[tensorsName])
	if err != nil {
		return nil, notCommitted(storage.Join(e.dir, tensorsName), err)
	}
	return &Checkpoint{Step: e.step, Tensors: tensors, Meta: files[metaName]}, nil
}

// PruneCheckpoints deletes all but the newest keep checkpoints. Damaged ones (by
// their MANIFEST.json and the sizes of their files) do not count towards keep, and
// those older than the newest valid one are deleted as well, but for the one of the
// step to spare, if it is not 0.
func PruneCheckpoints(ctx context.Context, jobDir string, keep int, spare int64) error {
	if keep < 1 {
		return fmt.Errorf("at least 1 checkpoint has to be kept, not %d", keep)
	}
	entries, err := listCheckpoints(ctx, jobDir)
	if err != nil {
		return err
	}
	kept := 0
	for _, e := range entries {
		valid := false
		if kept < keep {
			if valid, err = isCommitted(ctx, e.dir); err != nil {
				return err
			}
		}
		if valid {
			kept++
			continue
		}
		if e.step == spare && spare > 0 {
			continue
		}
		if kept == 0 {
			continue // damaged and the newest: LatestCheckpoint has yet to warn of it
		}
		if err := DeleteDir(ctx, e.dir); err != nil {
			return err
		}
	}
	return nil
}

type checkpointEntry struct {
	step int64
	dir  string
}

var checkpointFile = regexp.MustCompile(`(?:^|/)checkpoints/step-([0-9]{9,18})(?:\.next)?/[^/]+$`)

// listCheckpoints returns the directories of checkpoints, valid or not, the
// latest first; a .next is later than what it is to replace.
func listCheckpoints(ctx context.Context, jobDir string) ([]checkpointEntry, error) {
	infos, err := storage.List(ctx, storage.Join(jobDir, checkpointsDir))
	if err != nil {
		return nil, fmt.Errorf("cannot list the checkpoints of %s: %w", jobDir, err)
	}
	var entries []checkpointEntry
	for _, info := range infos {
		match := checkpointFile.FindStringSubmatch(info.Path)
		if match == nil {
			continue
		}
		step, _ := strconv.ParseInt(match[1], 10, 64) // 18 digits always fit
		entries = append(entries, checkpointEntry{step, storage.Dir(info.Path)})
	}
	slices.SortFunc(entries, func(a, b checkpointEntry) int {
		if a.step != b.step {
			return int(min(max(b.step-a.step, -1), 1))
		}
		return strings.Compare(b.dir, a.dir)
	})
	return slices.Compact(entries), nil
}
