package predictor

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/penstock-ml/penstock/models/features"
	"github.com/penstock-ml/penstock/models/plan"
	"github.com/penstock-ml/penstock/models/records"
)

// DefaultBatch is the number of records that are scored together unless the
// caller says otherwise.
const DefaultBatch = 256

// smallBatch is the size of the plan for a few records, so that a single request
// does not cost as much as a full batch.
const smallBatch = 8

// ErrNotFinite says that a model gives a record no number: NaN or an infinity.
// It means that the weights are not finite or that the record's numbers are
// beyond all measure.
var ErrNotFinite = errors.New("the model's output is not a finite number: check the record's numbers against those of the training data")

// Result is what became of one record. Its key is valid until the next Score.
type Result struct {
	Logit float32
	Label float32 // 0 or 1, of AddLabelled
	Key   []byte  // nil where the record has none
	Err   error   // this record alone has no prediction
}

// Scorer encodes and scores records in batches. It belongs to one goroutine.
type Scorer struct {
	encoder *features.Encoder
	columns []string
	label   int // column
	batch   int
	small   *plan.Plan
	full    *plan.Plan
	rows    features.Rows // in the memory of the full plan's input
	results []Result
	scored  bool // results have been handed out
	keys    []byte
	fields  [][]byte // of a record that lacks its label
}

// NewScorer makes a scorer of batches of the given number of records, 0 for
// DefaultBatch. The number has no influence on any digit.
func (p *Predictor) NewScorer(batch int) (*Scorer, error) {
	if batch == 0 {
		batch = DefaultBatch
	}
	if batch < 0 {
		return nil, fmt.Errorf("a batch cannot have %d records: give it at least 1", batch)
	}
	encoder, err := features.NewEncoder(p.spec, p.fitted)
	if err != nil {
		return nil, err
	}
	s := &Scorer{
		encoder: encoder,
		columns: p.spec.Data.Columns,
		label:   slices.Index(p.spec.Data.Columns, p.spec.Label.Column),
		batch:   batch,
		fields:  make([][]byte, len(p.spec.Data.Columns)),
	}
	if s.small, err = p.compile(encoder.Layout(), min(smallBatch, batch)); err != nil {
		return nil, err
	}
	if s.full, err = p.compile(encoder.Layout(), batch); err != nil {
		return nil, err
	}
	s.rows = *s.full.Input()
	s.rows.Reset()
	return s, nil
}

// Add adds a record: one field for each column of the spec or for each but the
// label's, which is not looked at. The fields are not kept. The batch must not
// be full.
func (s *Scorer) Add(fields [][]byte) {
	s.begin()
	fields, err := s.complete(fields)
	if err == nil {
		err = s.encoder.AppendUnlabelled(&s.rows, fields)
	}
	s.add(fields, 0, err)
}

// AddLabelled adds a record with its label.
func (s *Scorer) AddLabelled(fields [][]byte) {
	s.begin()
	err := s.encoder.Append(&s.rows, fields)
	var label float32
	if err == nil {
		label = s.rows.Labels[len(s.rows.Labels)-1]
	}
	s.add(fields, label, err)
}

// Reject adds a record that cannot be read, so that results and records stay in step.
func (s *Scorer) Reject(err error) {
	s.begin()
	s.add(nil, 0, err)
}

// Len returns how many records the batch has.
func (s *Scorer) Len() int {
	if s.scored {
		return 0
	}
	return len(s.results)
}

// Full tells that the batch is to be scored before the next record.
func (s *Scorer) Full() bool { return s.Len() == s.batch }

// Score ends the batch and returns a result for each of its records, in order,
// valid until the next record is added. An error is of the model, not of a record.
func (s *Scorer) Score() ([]Result, error) {
	if s.scored {
		return nil, nil
	}
	logits, err := s.run()
	if err != nil {
		return nil, err
	}
	row := 0
	for i := range s.results {
		r := &s.results[i]
		if r.Err != nil {
			continue
		}
		r.Logit = logits[row]
		row++
		if math.IsNaN(float64(r.Logit)) || math.IsInf(float64(r.Logit), 0) {
			r.Err = ErrNotFinite
		}
	}
	s.scored = true
	return s.results, nil
}

func (s *Scorer) add(fields [][]byte, label float32, err error) {
	s.results = append(s.results, Result{Label: label, Key: s.keepKey(fields), Err: err})
}

// begin makes room for a record: the first one after Score opens a new batch.
func (s *Scorer) begin() {
	if s.scored {
		s.reset()
	}
}

func (s *Scorer) reset() {
	s.results, s.keys, s.scored = s.results[:0], s.keys[:0], false
	s.rows.Reset()
}

func (s *Scorer) keepKey(fields [][]byte) []byte {
	key := s.encoder.Key(fields)
	if key == nil {
		return nil
	}
	begin := len(s.keys)
	s.keys = append(s.keys, key...)
	return s.keys[begin:len(s.keys):len(s.keys)]
}

// complete puts an absent field where a record lacks its label.
func (s *Scorer) complete(fields [][]byte) ([][]byte, error) {
	switch {
	case len(fields) == len(s.columns):
		return fields, nil
	case len(fields) == len(s.columns)-1 && s.label >= 0:
		copy(s.fields, fields[:s.label])
		s.fields[s.label] = nil
		copy(s.fields[s.label+1:], fields[s.label:])
		return s.fields, nil
	}
	return nil, countError(len(fields), len(s.columns))
}

func countError(n, columns int) error {
	return &records.RecordError{
		Type:   records.FieldCount,
		Reason: fmt.Sprintf("%d fields where %d columns are expected, or one less without the label", n, columns),
	}
}

// run scores the rows by the smaller plan that holds them. What follows the rows
// in its memory is of earlier batches and has no influence on theirs.
func (s *Scorer) run() ([]float32, error) {
	n := s.rows.N
	if n == 0 {
		return nil, nil
	}
	p := s.full
	if in := s.small.Input(); n <= in.N {
		p = s.small
		copy(in.Numeric, s.rows.Numeric)
		copy(in.IDs, s.rows.IDs)
	}
	if n > p.Input().N {
		return nil, fmt.Errorf("%d records were added to a batch of %d: score a full one first", n, p.Input().N)
	}
	if err := p.Run(); err != nil {
		return nil, err
	}
	return p.Logits()[:n], nil
}

func (p *Predictor) compile(layout *features.Layout, batch int) (*plan.Plan, error) {
	compiled, err := plan.Compile(p.model, p.arrangement, layout, batch, plan.Score)
	if err == nil {
		compiled.Bind(p.weights)
	}
	return compiled, err
}
