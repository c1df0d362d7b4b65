package cli

import (
	"fmt"
	"io"

	"github.com/penstock-ml/penstock/models/predictor"
	"github.com/penstock-ml/penstock/models/records"
)

// instanceReader reads the instances of a prediction one after the other.
type instanceReader interface {
	Next() bool
	// Place says where the instance stands, for messages.
	Place() string
	// Fields are the instance's, in the order of the spec's columns, valid until Next. An error is this instance's.
	Fields() ([][]byte, error)
	// Err is what ended the input early.
	Err() error
}

// lines reads an instance a line.
type lines struct {
	*predictor.Instances
	file string
}

func newLines(p *predictor.Predictor, input io.Reader, kind, file string) (*lines, error) {
	instances, err := p.Instances(input, kind, file)
	return &lines{instances, file}, err
}

func (l *lines) Next() bool                { return l.Scan() }
func (l *lines) Place() string             { return fmt.Sprintf("%s:%d", l.file, l.Record().Line) }
func (l *lines) Fields() ([][]byte, error) { return l.Record().Fields, l.Record().Err }

// request reads the instances in the body of a prediction request.
type request struct {
	predictor.Request
	file    string
	next    int
	decoder *records.JSONDecoder
	fields  [][]byte
}

func newRequest(p *predictor.Predictor, input io.Reader, file string) (*request, error) {
	body, err := io.ReadAll(input)
	if err != nil {
		return nil, err
	}
	columns := p.Spec().Data.Columns
	r := &request{file: file, decoder: records.NewJSONDecoder(columns), fields: make([][]byte, len(columns))}
	if err := r.Parse(body); err != nil {
		return nil, fmt.Errorf("%s is %w", file, err)
	}
	return r, nil
}

func (r *request) Next() bool {
	r.next++
	return r.next <= len(r.Instances)
}

func (r *request) Place() string { return fmt.Sprintf("%s: instances[%d]", r.file, r.next-1) }

func (r *request) Fields() ([][]byte, error) {
	return r.fields, r.decoder.Decode(r.Instances[r.next-1], r.fields)
}

func (r *request) Err() error { return nil }
