package transforms

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"reflect"
	"slices"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/register"

	"github.com/penstock-ml/penstock/models/features"
	"github.com/penstock-ml/penstock/models/predictor"
	"github.com/penstock-ml/penstock/models/records"
)

func init() {
	register.Combiner1[*Outcome](&MergeOutcomesFn{})
	beam.RegisterCoder(reflect.TypeFor[*Outcome](), encodeOutcome, decodeOutcome)
}

// Outcome is what became of some ranges, in their order.
type Outcome struct {
	Ranges []RangeOutcome `json:"ranges"`
}

// RangeOutcome is what became of one range.
type RangeOutcome struct {
	Index       int              `json:"index"`
	File        string           `json:"file"`
	Lines       int64            `json:"lines"` // line ends
	Records     int64            `json:"records"`
	Predictions int64            `json:"predictions"`
	Errors      int64            `json:"errors"`
	Types       map[string]int64 `json:"types,omitempty"` // of errors
}

func (o *RangeOutcome) add(p *predictions) {
	o.Records += int64(len(p.records))
	o.Errors += int64(len(p.types))
	for _, t := range p.types {
		o.Types[t]++
	}
	o.Predictions += int64(bytes.Count(p.results.Bytes(), []byte{'\n'}))
}

// ErrorType is the sort of error that a record is counted under: it does not tell one record from another.
func ErrorType(err error) string {
	var malformed *records.RecordError
	var column *features.ColumnError
	switch {
	case errors.As(err, &malformed):
		return malformed.Type
	case errors.As(err, &column):
		return "column " + column.Column
	case errors.Is(err, predictor.ErrNotFinite):
		return "not finite"
	}
	return "other"
}

// MergeOutcomesFn puts outcomes together.
type MergeOutcomesFn struct{}

// CreateAccumulator returns the outcome of no range.
func (*MergeOutcomesFn) CreateAccumulator() *Outcome { return &Outcome{} }

// AddInput adds one part.
func (f *MergeOutcomesFn) AddInput(sum, part *Outcome) *Outcome {
	return f.MergeAccumulators(sum, part)
}

// MergeAccumulators adds b to a.
func (*MergeOutcomesFn) MergeAccumulators(a, b *Outcome) *Outcome {
	a.Ranges = append(a.Ranges, b.Ranges...)
	slices.SortFunc(a.Ranges, func(x, y RangeOutcome) int { return cmp.Compare(x.Index, y.Index) })
	return a
}

// linesBefore is how many lines of its file come before each range.
func (o *Outcome) linesBefore() map[int]int64 {
	before := make(map[int]int64, len(o.Ranges))
	file, lines := "", int64(0)
	for _, r := range o.Ranges {
		if r.File != file {
			file, lines = r.File, 0
		}
		before[r.Index] = lines
		lines += r.Lines
	}
	return before
}

func encodeOutcome(o *Outcome) ([]byte, error) { return json.Marshal(o) }
func decodeOutcome(data []byte) (*Outcome, error) {
	o := &Outcome{}
	return o, json.Unmarshal(data, o)
}
