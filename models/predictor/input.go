package predictor

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"slices"

	"github.com/penstock-ml/penstock/models/records"
)

// Format says how records to predict are read. kind is records.CSV or
// records.JSONL, or empty for that of the training data; the columns are the
// spec's. CSV for a model that was trained on JSON lines has no header and a
// comma between fields.
func (p *Predictor) Format(kind string) (records.Format, error) {
	format := p.spec.Format()
	switch kind {
	case "":
	case records.CSV, records.JSONL:
		format.Kind = kind
	default:
		return format, fmt.Errorf("unknown data format %q: use %q or %q", kind, records.CSV, records.JSONL)
	}
	if len(format.Columns) == 0 {
		return format, fmt.Errorf("the spec of model %s does not name its columns: add data.columns and export the model again", p.spec.Name)
	}
	return format, nil
}

// FileFormat returns the format of a file of records to predict, which may lack
// the label's column: its header tells or, where there is none, the number of
// fields of its first record.
func (p *Predictor) FileFormat(ctx context.Context, f records.Format, r records.Range) (records.Format, error) {
	if f.Kind == records.JSONL || r.Size == 0 {
		return f, nil
	}
	first, err := p.firstRecord(ctx, f, r)
	if err != nil {
		return f, err
	}
	unlabelled := p.unlabelled(f.Columns)
	if f.Header && slices.Equal(first, unlabelled) || !f.Header && len(first) == len(unlabelled) {
		f.Columns = unlabelled
	}
	return f, nil
}

// firstRecord returns the fields of a file's first line, trimmed; none where it
// has no record or a malformed one, of which the scan of the file will tell.
func (p *Predictor) firstRecord(ctx context.Context, f records.Format, r records.Range) ([]string, error) {
	f.Header, f.Columns = false, nil
	r.Start = 0
	scanner, err := records.Open(ctx, f, r)
	if err != nil {
		return nil, err
	}
	defer scanner.Close()
	if !scanner.Scan() {
		return nil, scanner.Err()
	}
	var fields []string
	for _, field := range scanner.Record().Fields {
		fields = append(fields, string(bytes.TrimSpace(field)))
	}
	return fields, nil
}

// unlabelled returns the columns without the label's.
func (p *Predictor) unlabelled(columns []string) []string {
	return slices.DeleteFunc(slices.Clone(columns), func(c string) bool { return c == p.spec.Label.Column })
}

// Reader returns a function that reads the fields of an instance that stands alone, of the kind that Format takes. It is
// for one goroutine; fields are valid until the next.
func (p *Predictor) Reader(kind string) (func(data []byte) ([][]byte, error), error) {
	format, err := p.Format(kind)
	if err != nil || format.Kind != records.JSONL {
		return p.TextFields, err
	}
	decoder, fields := records.NewJSONDecoder(format.Columns), make([][]byte, len(format.Columns))
	return func(data []byte) ([][]byte, error) { return fields, decoder.Decode(data, fields) }, nil
}

// TextFields returns the fields of a text instance that stands alone, with or without the label's.
func (p *Predictor) TextFields(data []byte) ([][]byte, error) {
	format, err := p.Format(records.CSV)
	if err != nil {
		return nil, err
	}
	columns := len(format.Columns)
	format.Columns = nil
	fields, err := records.One(data, format)
	if err == nil && len(fields) != columns && len(fields) != columns-1 {
		err = countError(len(fields), columns)
	}
	return fields, err
}

// Instances reads records to predict from a stream. A JSON instance is one object
// a line; a text instance is a line of CSV without a header, with all columns or
// all but the label's, as the first one has it.
type Instances struct {
	*records.Scanner
	text    bool
	columns int
	width   int // fields of a text instance, 0 while unknown
}

// Instances begins to read a stream of records of the given kind, records.CSV or
// records.JSONL. The name stands for the stream in errors.
func (p *Predictor) Instances(r io.Reader, kind, name string) (*Instances, error) {
	format, err := p.Format(kind)
	if err != nil {
		return nil, err
	}
	in := &Instances{text: format.Kind != records.JSONL, columns: len(format.Columns)}
	if in.text {
		format.Header, format.Columns = false, nil
	}
	in.Scanner = records.NewScanner(r, format, name)
	return in, nil
}

// Scan reads the next record, malformed ones included.
func (in *Instances) Scan() bool {
	if !in.Scanner.Scan() {
		return false
	}
	record := in.Record()
	if !in.text || record.Err != nil {
		return true
	}
	n := len(record.Fields)
	if in.width == 0 && (n == in.columns || n == in.columns-1) {
		in.width = n
	}
	if n != in.width {
		record.Err = countError(n, in.columns)
	}
	return true
}
