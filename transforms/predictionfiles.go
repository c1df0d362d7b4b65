package transforms

import (
	"encoding/json"
	"fmt"
	"io"
	"regexp"

	"github.com/penstock-ml/penstock/storage"
)

// PredictionFiles names the files of a batch prediction: one of results and one of errors for each range.
type PredictionFiles struct {
	Dir string
	// Shards is the number of ranges.
	Shards int
}

func (f PredictionFiles) shard(kind string, index int) string {
	return storage.Join(f.Dir, fmt.Sprintf("prediction.%s-%05d-of-%05d", kind, index, f.Shards))
}

// Results is the file of results of a range. It appears when it is whole.
func (f PredictionFiles) Results(index int) string { return f.shard("results", index) }

func (f PredictionFiles) errors(index int) string        { return f.shard("errors", index) }
func (f PredictionFiles) partialErrors(index int) string { return f.shard("partial-errors", index) }
func (f PredictionFiles) stats() string                  { return storage.Join(f.Dir, "prediction.errors_stats") }

// Summary is the file that is written last.
func (f PredictionFiles) Summary() string { return storage.Join(f.Dir, "prediction.summary.json") }

var predictionFile = regexp.MustCompile(`^prediction\.((results|errors|partial-errors)-\d{5,}-of-\d{5,}|errors_stats|summary\.json)$`)

// IsPredictionFile tells whether a path has one of the names that a batch prediction writes.
func IsPredictionFile(path string) bool { return predictionFile.MatchString(storage.Base(path)) }

// RecordError is a line of a file of errors.
type RecordError struct {
	File   string `json:"file"`
	Offset int64  `json:"offset"` // of the record's first byte in the uncompressed file
	Line   int64  `json:"line"`   // from 1; in a partial file, from the range's first line
	Record string `json:"record"`
	Error  string `json:"error"`
}

// ErrorCount is a line of prediction.errors_stats.
type ErrorCount struct {
	Type  string `json:"type"`
	Count int64  `json:"count"`
}

// PredictionSummary is prediction.summary.json. Records is the sum of Predictions and Errors.
type PredictionSummary struct {
	Records     int64 `json:"records"`
	Predictions int64 `json:"predictions"`
	Errors      int64 `json:"errors"`
	// Shards is the number of files of results, and of those of errors.
	Shards int `json:"shards"`
	// ErrorTypes are as in prediction.errors_stats: the most frequent first.
	ErrorTypes []ErrorCount `json:"error_types"`
}

func writeRecordError(w io.Writer, e *RecordError) error {
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	return encoder.Encode(e)
}
