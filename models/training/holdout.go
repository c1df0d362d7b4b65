package training

import (
	"math"

	"github.com/cespare/xxhash/v2"

	"github.com/penstock-ml/penstock/models/spec"
)

// A Holdout is a part of the training records that a run does not learn from. Which ones depends on their bytes and the
// seed alone, not on where they stand: equal records are on one side.
type Holdout struct {
	Share float64 `json:"share"` // of the records; 0 for none
	Seed  int64   `json:"seed"`
}

// HoldoutOf is what the spec holds out.
func HoldoutOf(s *spec.Spec) Holdout {
	return Holdout{Share: s.Training.EarlyStopping.Holdout, Seed: s.Training.Seed}
}

// Has tells whether a record of these bytes is held out.
func (h Holdout) Has(record []byte) bool {
	if h.Share == 0 {
		return false
	}
	var digest xxhash.Digest
	digest.ResetWithSeed(uint64(h.Seed))
	digest.Write(record) // never fails
	return float64(digest.Sum64()) < h.Share*math.MaxUint64
}
