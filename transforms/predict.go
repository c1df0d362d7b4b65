package transforms

import (
	"bytes"
	"context"
	"reflect"
	"runtime"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/register"

	"github.com/penstock-ml/penstock/models/parallel"
	"github.com/penstock-ml/penstock/models/predictor"
	"github.com/penstock-ml/penstock/models/records"
	"github.com/penstock-ml/penstock/storage"
)

func init() {
	beam.RegisterDoFn(reflect.TypeFor[PredictFn]())
	register.Function1x1((&PredictFn{}).Setup)
	register.Function2x2((&PredictFn{}).ProcessElement)
}

// Predictions is one batch prediction: what to predict by and where to write.
type Predictions struct {
	Model ModelRef
	// Format is that of the records; a CSV file may lack the label's column.
	Format records.Format
	// BatchSize is how many records are scored together; no digit depends on it.
	BatchSize int
	Output    PredictionFiles
	// Watch is the name that Watch knows who wants to see progress by.
	Watch string
}

// Predict writes the predictions for the records of all ranges, and an account of the records that have none.
//
//	ranges -> predict -> outcomes -> merge ----------+-> write the summary
//	                        |          | side input  |      ^ side input
//	                        +----------v-> number errors ---+
//
// The line of a bad record is known only when those of all ranges before it have been counted. So its range leaves it in
// a partial file, from which the second stage makes the final one.
func Predict(s beam.Scope, p Predictions, ranges beam.PCollection) {
	s = s.Scope("Predict")
	outcomes := beam.ParDo(s, &PredictFn{Predictions: p}, ranges)
	whole := beam.Combine(s, &MergeOutcomesFn{}, outcomes)
	numbered := beam.ParDo(s, &NumberErrorsFn{Output: p.Output}, outcomes, beam.SideInput{Input: whole})
	beam.ParDo0(s, &WriteSummaryFn{Output: p.Output}, whole, beam.SideInput{Input: numbered})
}

// PredictFn predicts the ranges of an element on all cores. For each it writes whole files whose names and contents
// depend on the input alone, so that to do it twice, even at the same time, does no harm.
type PredictFn struct {
	Predictions

	pool *predictor.Pool
}

// Setup finds the model in this process or reads it.
func (f *PredictFn) Setup(ctx context.Context) error {
	p, err := f.Model.Predictor(ctx)
	f.pool = predictor.NewPool(p, f.BatchSize)
	return fail(err)
}

// ProcessElement returns what became of the group's ranges. A record without a prediction is no error of the job.
func (f *PredictFn) ProcessElement(ctx context.Context, group RangeGroup) (*Outcome, error) {
	n := len(group.Ranges)
	outcome := &Outcome{Ranges: make([]RangeOutcome, n)}
	scorers := runtime.GOMAXPROCS(0) // of each range: the last one that is left has all cores
	err := parallel.Each(ctx, n, func(_, i int) (err error) {
		outcome.Ranges[i], err = f.predict(ctx, group.Ranges[i], scorers)
		return err
	})
	return outcome, fail(err)
}

// predict writes the files of one range. Its records are read, scored and written at the same time.
func (f *PredictFn) predict(ctx context.Context, r records.Range, scorers int) (RangeOutcome, error) {
	format, err := f.pool.Predictor().FileFormat(ctx, f.Format, r)
	if err != nil {
		return RangeOutcome{}, err
	}
	scanner, err := records.Open(ctx, format, r)
	if err != nil {
		return RangeOutcome{}, err
	}
	defer scanner.Close()
	w, err := f.createFiles(ctx, r)
	if err != nil {
		return RangeOutcome{}, err
	}
	defer w.abort()
	free := make(chan *predictions, scorers+2) // as many as Ordered has in its hands, but for those that a failure dropped
	next := func() (*predictions, bool, error) {
		var p *predictions
		select {
		case p = <-free:
		default:
			p = &predictions{}
		}
		p.fill(scanner, f.batchSize())
		return p, len(p.records) > 0, scanner.Err()
	}
	err = parallel.Ordered(ctx, scorers, next, f.score, func(p *predictions) error {
		err := w.write(p)
		free <- p
		return err
	})
	if err != nil {
		return RangeOutcome{}, err
	}
	return w.close(scanner.Lines())
}

func (f *PredictFn) batchSize() int {
	if f.BatchSize == 0 {
		return predictor.DefaultBatch
	}
	return f.BatchSize
}

// predictions is a batch of records with what is to be written about them.
type predictions struct {
	batch
	results bytes.Buffer
	errors  bytes.Buffer
	types   []string // of the errors
}

func (f *PredictFn) score(p *predictions) error {
	scorer, err := f.pool.Get()
	if err != nil {
		return err
	}
	defer f.pool.Put(scorer)
	results, err := p.batch.score(scorer, (*predictor.Scorer).Add)
	if err != nil {
		return err
	}
	p.results.Reset()
	p.errors.Reset()
	p.types = p.types[:0]
	for i := range results {
		if results[i].Err != nil {
			if err := p.reject(&p.records[i], results[i].Err); err != nil {
				return err
			}
			continue
		}
		line := f.pool.Predictor().AppendJSON(p.results.AvailableBuffer(), results[i].Outputs, results[i].Key)
		p.results.Write(append(line, '\n'))
	}
	return nil
}

// reject writes about a record that has no prediction.
func (p *predictions) reject(r *records.Record, reason error) error {
	p.types = append(p.types, ErrorType(reason))
	return writeRecordError(&p.errors, &RecordError{Offset: r.Offset, Line: r.Line, Record: string(r.Raw), Error: reason.Error()})
}

// rangeWriter writes the files of a range.
type rangeWriter struct {
	ctx      context.Context
	output   PredictionFiles
	watch    string
	records  records.Range
	outcome  RangeOutcome
	results  storage.Writer
	errors   storage.Writer // nil before the first error
	reported int64          // bytes
}

func (f *PredictFn) createFiles(ctx context.Context, r records.Range) (*rangeWriter, error) {
	results, err := storage.Create(ctx, f.Output.Results(r.Index))
	return &rangeWriter{
		ctx: ctx, output: f.Output, watch: f.Watch, records: r, results: results,
		outcome: RangeOutcome{Index: r.Index, File: r.File, Types: map[string]int64{}},
	}, err
}

func (w *rangeWriter) write(p *predictions) error {
	w.outcome.add(p)
	if _, err := w.results.Write(p.results.Bytes()); err != nil {
		return err
	}
	if err := w.writeErrors(p.errors.Bytes()); err != nil {
		return err
	}
	done := Progress{Records: int64(len(p.records))}
	if !w.records.Compressed { // else the offset tells nothing of the bytes as stored
		done.Bytes = p.records[len(p.records)-1].Offset - w.records.Start - w.reported
		w.reported += done.Bytes
	}
	report(w.watch, done)
	return nil
}

func (w *rangeWriter) writeErrors(lines []byte) (err error) {
	if len(lines) == 0 {
		return nil
	}
	if w.errors == nil {
		if w.errors, err = storage.Create(w.ctx, w.output.partialErrors(w.records.Index)); err != nil {
			return err
		}
	}
	_, err = w.errors.Write(lines)
	return err
}

// close commits the files.
func (w *rangeWriter) close(lines int64) (RangeOutcome, error) {
	w.outcome.Lines = lines
	if err := w.results.Close(); err != nil {
		return w.outcome, err
	}
	if w.errors != nil {
		if err := w.errors.Close(); err != nil {
			return w.outcome, err
		}
	}
	report(w.watch, Progress{Bytes: w.records.End - w.records.Start - w.reported})
	return w.outcome, nil
}

func (w *rangeWriter) abort() {
	w.results.Abort()
	if w.errors != nil {
		w.errors.Abort()
	}
}
