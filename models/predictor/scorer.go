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

// planRows are the rows of the plans that score a batch piece by piece, so that none
// is padded and few records cost little. For the census model a row takes 1070 ns in
// the plan of 1, 300 in that of 8 and 255 in that of 64, as in any larger one.
var planRows = [...]int{64, 8, 1}

// ErrNotFinite says that a model gives a record no number: NaN or an infinity.
// It means that the weights are not finite or that the record's numbers are
// beyond all measure.
var ErrNotFinite = errors.New("the model's output is not a finite number: check the record's numbers against those of the training data")

// Result is what became of one record. Its outputs and key are valid until the next record is added.
type Result struct {
	Outputs []float32 // of the network
	Label   float32   // as in [features.Rows], of AddLabelled
	Weight  float32   // of AddLabelled
	Key     []byte    // nil where the record has none
	Err     error     // this record alone has no prediction
}

// Scorer encodes and scores records in batches. It belongs to one goroutine.
type Scorer struct {
	encoder *features.Encoder
	columns []string
	label   int // column
	batch   int
	plans   [len(planRows)]*plan.Plan
	rows    features.Rows
	width   int       // outputs a record
	outputs []float32 // [rows, width]
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
		width:   encoder.Layout().Target.Width(),
		batch:   batch,
		fields:  make([][]byte, len(p.spec.Data.Columns)),
	}
	for i, rows := range planRows {
		s.plans[i], err = plan.Compile(p.model, p.arrangement, encoder.Layout(), rows, plan.Score)
		if err != nil {
			return nil, err
		}
		s.plans[i].Bind(p.weights)
	}
	return s, nil
}

// Add adds a record: one field for each column of the spec or for each but the
// label's, which is not looked at. The fields are not kept.
func (s *Scorer) Add(fields [][]byte) {
	s.begin()
	fields, err := s.complete(fields)
	if err == nil {
		err = s.encoder.AppendUnlabelled(&s.rows, fields)
	}
	s.add(fields, err)
}

// AddLabelled adds a record with its label and weight.
func (s *Scorer) AddLabelled(fields [][]byte) {
	s.begin()
	err := s.encoder.Append(&s.rows, fields)
	r := s.add(fields, err)
	if last := len(s.rows.Labels) - 1; err == nil {
		r.Label, r.Weight = s.rows.Labels[last], s.rows.Weights[last]
	}
}

// Reject adds a record that cannot be read, so that results and records stay in step.
func (s *Scorer) Reject(err error) {
	s.begin()
	s.add(nil, err)
}

// Len returns how many records the batch has.
func (s *Scorer) Len() int {
	if s.scored {
		return 0
	}
	return len(s.results)
}

// Full tells that it is time to score the batch.
func (s *Scorer) Full() bool { return s.Len() == s.batch }

// Score ends the batch and returns a result for each of its records, in order,
// valid until the next record is added. An error is of the model, not of a record.
func (s *Scorer) Score() ([]Result, error) {
	if s.scored {
		return nil, nil
	}
	outputs, err := s.run()
	if err != nil {
		return nil, err
	}
	for i := range s.results {
		r := &s.results[i]
		if r.Err != nil {
			continue
		}
		r.Outputs, outputs = outputs[:s.width:s.width], outputs[s.width:]
		if !finite(r.Outputs) {
			r.Err = ErrNotFinite
		}
	}
	s.scored = true
	return s.results, nil
}

func finite(x []float32) bool {
	for _, v := range x {
		if math.IsNaN(float64(v)) || math.IsInf(float64(v), 0) {
			return false
		}
	}
	return true
}

// Discard empties the batch.
func (s *Scorer) Discard() { s.reset() }

func (s *Scorer) add(fields [][]byte, err error) *Result {
	s.results = append(s.results, Result{Key: s.keepKey(fields), Err: err})
	return &s.results[len(s.results)-1]
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

// run scores the rows by the largest plans that they fill.
func (s *Scorer) run() ([]float32, error) {
	s.outputs = s.outputs[:0]
	row := 0
	for _, p := range s.plans {
		for in := p.Input(); s.rows.N-row >= in.N; row += in.N {
			copy(in.Numeric, s.rows.Numeric[row*len(in.Numeric)/in.N:])
			copy(in.IDs, s.rows.IDs[row*len(in.IDs)/in.N:])
			if err := p.Run(); err != nil {
				return nil, err
			}
			s.outputs = append(s.outputs, p.Logits()...)
		}
	}
	return s.outputs, nil
}
