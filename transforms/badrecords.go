package transforms

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"github.com/penstock-ml/penstock/models/features"
	"github.com/penstock-ml/penstock/models/records"
	"github.com/penstock-ml/penstock/storage"
)

// A BadLimit is how many training records may be unusable: so many or such a share of all. The zero BadLimit is none.
type BadLimit struct {
	Count int64
	Share float64
}

func (l BadLimit) String() string {
	if l.Share > 0 {
		return fmt.Sprintf("%v%%", 100*l.Share)
	}
	return fmt.Sprint(l.Count)
}

// allows tells whether so many of all may be bad.
func (l BadLimit) allows(bad, all int64) bool {
	return bad <= l.Count || float64(bad) <= l.Share*float64(all)
}

// BadRecord is a training record that cannot be used.
type BadRecord struct {
	File   string `json:"file"`
	Offset int64  `json:"offset"` // of its first byte in the file or, of a compressed one, in what it holds
	Column string `json:"column,omitempty"`
	Reason string `json:"reason"`
}

// mostBadRecords is how many bad records are described; all are counted.
const mostBadRecords = 1000

// BadRecords counts records that cannot be used and has the first of them, by file and offset.
type BadRecords struct {
	Count int64       `json:"count"`
	First []BadRecord `json:"first,omitempty"`
}

func (b *BadRecords) add(file string, offset int64, err error) {
	bad := BadRecord{File: file, Offset: offset, Reason: err.Error()}
	if c := (*features.ColumnError)(nil); errors.As(err, &c) {
		bad.Column = c.Column
	}
	b.Count++
	if len(b.First) < mostBadRecords { // those of a range come in order
		b.First = append(b.First, bad)
	}
}

func (b *BadRecords) merge(other *BadRecords) {
	b.Count += other.Count
	b.First = append(b.First, other.First...)
	slices.SortFunc(b.First, func(x, y BadRecord) int {
		return cmp.Or(cmp.Compare(x.File, y.File), cmp.Compare(x.Offset, y.Offset))
	})
	b.First = b.First[:min(len(b.First), mostBadRecords)]
}

// check is an error where there are more bad records than may be.
func (b *BadRecords) check(ctx context.Context, limit BadLimit, all int64) error {
	if b.Count == 0 || limit.allows(b.Count, all) {
		return nil
	}
	first := b.First[0]
	err := fmt.Errorf("%s (%d of %d records cannot be used, and --max-bad-records allows %v)", first.Reason, b.Count, all, limit)
	return records.Place(ctx, first.File, first.Offset, err)
}

// BadRecordsPath is where a job directory has the bad records of its training files, one JSON object a line; it has none
// where all are good.
func BadRecordsPath(jobDir string) string { return storage.Join(jobDir, "bad_records.jsonl") }

func (b *BadRecords) write(ctx context.Context, jobDir string) error {
	path := BadRecordsPath(jobDir)
	if b.Count == 0 {
		if err := storage.Delete(ctx, path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		return nil
	}
	var lines bytes.Buffer
	encoder := json.NewEncoder(&lines)
	encoder.SetEscapeHTML(false)
	for _, bad := range b.First {
		if err := encoder.Encode(bad); err != nil {
			return err
		}
	}
	return storage.WriteFile(ctx, path, lines.Bytes())
}
