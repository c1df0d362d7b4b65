// Package predict lets a Beam pipeline of one's own predict by a Penstock model:
//
//	model, err := predict.Find(ctx, "gs://models/census/job")
//	predictions, failures := predict.Records(scope, model, records)
//
// Records are JSON objects, or lines of delimited text, as []byte or string. A
// record that has no prediction is a [Failure] with the reason, and fails nothing
// else. Predictions have the windows and timestamps of their records, and the
// digits that batch-predict, stream-predict, predict and serve give.
package predict

import (
	"context"
	"fmt"
	"reflect"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/register"

	"github.com/penstock-ml/penstock/models/predictor"
	"github.com/penstock-ml/penstock/models/registry"
	"github.com/penstock-ml/penstock/models/saved"
	"github.com/penstock-ml/penstock/transforms"
)

func init() {
	beam.RegisterType(reflect.TypeFor[Prediction]())
	beam.RegisterType(reflect.TypeFor[Failure]())
	beam.RegisterDoFn(reflect.TypeFor[RecordFn]())
	register.Function1x1((&RecordFn{}).Setup)
	register.Function3x1((&RecordFn{}).ProcessElement)
	register.Function1x1(bytesOf)
	register.Emitter1[Prediction]()
	register.Emitter1[Failure]()
}

// Model is a model that workers can read.
type Model struct {
	Export string // the directory of an export
	// DataFormat is jsonl or csv, the form of the records; empty is jsonl.
	DataFormat string
}

// Find returns the model that a path stands for: that of an export or, of a job
// directory, its newest export. Call it where the pipeline is built, so that all
// workers use the same.
func Find(ctx context.Context, path string) (Model, error) {
	dir, err := saved.Locate(ctx, path)
	return Model{Export: dir}, err
}

// FindVersion returns the model that NAME@VERSION stands for in a registry, or the
// default version of NAME.
func FindVersion(ctx context.Context, dir, name string) (Model, error) {
	ref, err := registry.ParseRef(name)
	if err != nil {
		return Model{}, err
	}
	dir, err = registry.Open(dir).Locate(ctx, ref)
	return Model{Export: dir}, err
}

// Prediction is what a model says of a record.
type Prediction struct {
	Record string // as it came
	// JSON is the prediction in the form of batch-predict; the rest are its parts.
	JSON   string
	Key    string // of the spec's key column, empty without one
	Answer predictor.Answer
}

// Failure is a record that has no prediction.
type Failure struct {
	Record string // as it came
	Type   string // the sort of error: it does not tell one record from another
	Error  string // the reason
}

// Records predicts a PCollection<[]byte> or PCollection<string> of records, and
// returns a PCollection<Prediction> and a PCollection<Failure>. It panics on other
// types, as Beam's own transforms do.
func Records(s beam.Scope, model Model, records beam.PCollection) (predictions, failures beam.PCollection) {
	s = s.Scope("predict.Records")
	switch t := records.Type().Type(); t {
	case reflect.TypeFor[[]byte]():
	case reflect.TypeFor[string]():
		records = beam.ParDo(s, bytesOf, records)
	default:
		panic(fmt.Sprintf("predict.Records: records are %v: make them []byte or string", t))
	}
	return beam.ParDo2(s, &RecordFn{Model: model}, records)
}

func bytesOf(text string) []byte { return []byte(text) }

// RecordFn predicts one record at a time: a batch would lose their windows.
type RecordFn struct {
	Model Model

	predictor *predictor.Predictor
	scorer    *predictor.Scorer
	read      func(data []byte) ([][]byte, error)
}

// Setup finds the model in this process or reads it.
func (f *RecordFn) Setup(ctx context.Context) (err error) {
	if f.predictor, err = (transforms.ModelRef{Export: f.Model.Export}).Predictor(ctx); err != nil {
		return err
	}
	if f.scorer, err = f.predictor.NewScorer(1); err != nil {
		return err
	}
	format := f.Model.DataFormat
	if format == "" {
		format = "jsonl"
	}
	f.read, err = f.predictor.Reader(format)
	return err
}

// ProcessElement predicts a record.
func (f *RecordFn) ProcessElement(record []byte, predicted func(Prediction), failed func(Failure)) error {
	fields, err := f.read(record)
	if err != nil {
		f.scorer.Reject(err)
	} else {
		f.scorer.Add(fields)
	}
	results, err := f.scorer.Score()
	if err != nil {
		return err
	}
	r := &results[0]
	if r.Err != nil {
		failed(Failure{Record: string(record), Type: transforms.ErrorType(r.Err), Error: r.Err.Error()})
		return nil
	}
	predicted(Prediction{
		Record: string(record), JSON: string(f.predictor.AppendJSON(nil, r.Outputs, r.Key)),
		Key: string(r.Key), Answer: f.predictor.Answer(r.Outputs),
	})
	return nil
}
