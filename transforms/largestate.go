package transforms

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"github.com/penstock-ml/penstock/models/training"
	"github.com/penstock-ml/penstock/storage"
)

// LargeState is from how many bytes on a state passes between workers by its file's path, where elements do not pass by
// reference: runners copy and keep what they pass, many times over.
const LargeState = 100 << 20

// StatesDir is where a job directory has large states while a segment runs. Their names have their hashes, so that a
// worker that repeats another's work writes the same file.
func StatesDir(jobDir string) string { return storage.Join(jobDir, "states") }

// IsLarge tells whether a state passes between workers by path. Of a state that does not, no part does.
func (r JobRef) IsLarge(s *training.State) bool {
	return int64(4*(len(s.Weights)+len(s.Slots))) >= cmp.Or(r.LargeState, LargeState)
}

// pass is the state as it leaves a DoFn: itself or, where it is large, the path of a file that has it.
func (r JobRef) pass(ctx context.Context, s *training.State, inMemory bool) (*training.State, error) {
	if inMemory || !r.IsLarge(s) {
		return s, nil
	}
	data, err := s.MarshalBinary()
	if err != nil {
		return nil, err
	}
	hash := sha256.Sum256(data)
	path := storage.Join(StatesDir(r.Dir), fmt.Sprintf("step-%09d-%s", s.Step, hex.EncodeToString(hash[:8])))
	if err := storage.WriteFile(ctx, path, data); err != nil {
		return nil, err
	}
	largeStates.put(path, s)
	return &training.State{Step: s.Step, Stored: path}, nil
}

// fetch is the state that an element stands for.
func (r JobRef) fetch(ctx context.Context, s *training.State) (*training.State, error) {
	if s.Stored == "" {
		return s, nil
	}
	if whole, ok := largeStates.get(s.Stored); ok {
		return whole, nil
	}
	data, err := storage.ReadFile(ctx, s.Stored)
	if err != nil {
		return nil, err
	}
	whole := &training.State{}
	if err := whole.UnmarshalBinary(data); err != nil {
		return nil, fmt.Errorf("%s: %w", s.Stored, err)
	}
	largeStates.put(s.Stored, whole)
	return whole, nil
}

// keptStates are the state that a round reads and the one that it makes.
const keptStates = 2

// largeStates are those that this process has seen last: the next bundle most likely wants one of them.
var largeStates = recent[string, *training.State]{most: keptStates}
