package serve

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"

	"github.com/penstock-ml/penstock/models/predictor"
)

// inference is a request of the protocol and its answer.
type inference struct {
	ID         string            `json:"id"`
	Inputs     []inputTensor     `json:"inputs"`
	Outputs    []requestedTensor `json:"outputs"`
	Parameters json.RawMessage   `json:"parameters"`

	n       int
	columns [][][]byte // by column of the model: the values of its rows, nil where it is not given
	results []predictor.Prediction
	err     error
}

type inputTensor struct {
	Name       string            `json:"name"`
	Shape      []int             `json:"shape"`
	Datatype   string            `json:"datatype"`
	Parameters json.RawMessage   `json:"parameters"`
	Data       []json.RawMessage `json:"data"`
}

type requestedTensor struct {
	Name       string          `json:"name"`
	Parameters json.RawMessage `json:"parameters"`
}

func (f *inference) rows() int { return f.n }

func (f *inference) read(l *lane, i int) ([][]byte, error) {
	for c, values := range f.columns {
		l.fields[c] = nil
		if values != nil {
			l.fields[c] = values[i]
		}
	}
	return l.fields, nil
}

func (f *inference) write(p *predictor.Predictor, i int, r *predictor.Result) {
	if r.Err != nil {
		if f.err == nil {
			f.err = badRequest(fmt.Errorf("row %d: %w", i, r.Err))
		}
		return
	}
	f.results = append(f.results, p.Prediction(r.Outputs, r.Key))
}

// parse reads a body. Its errors are the client's.
func (f *inference) parse(body []byte, p *predictor.Predictor) error {
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if err := d.Decode(f); err != nil {
		return badRequest(fmt.Errorf("not an inference request: %w", err))
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return badRequest(errors.New("there is more after the inference request"))
	}
	if len(f.Inputs) == 0 {
		return badRequest(errors.New(`the request has no "inputs"`))
	}
	f.n = len(f.Inputs[0].Data)
	columns := p.Spec().Data.Columns
	f.columns = make([][][]byte, len(columns))
	for i := range f.Inputs {
		in := &f.Inputs[i]
		c := slices.Index(columns, in.Name)
		if c < 0 {
			return badRequest(fmt.Errorf("unknown input %q: GET the model for its inputs", in.Name))
		}
		if f.columns[c] != nil {
			return badRequest(fmt.Errorf("input %q occurs twice", in.Name))
		}
		values, err := in.values(f.n)
		if err != nil {
			return badRequest(fmt.Errorf("input %q: %w", in.Name, err))
		}
		f.columns[c] = values
	}
	return f.checkOutputs(p)
}

func (f *inference) checkOutputs(p *predictor.Predictor) error {
	for _, out := range f.Outputs {
		if !slices.ContainsFunc(outputs(p, 0), func(t tensorInfo) bool { return t.Name == out.Name }) {
			return badRequest(fmt.Errorf("unknown output %q: GET the model for its outputs", out.Name))
		}
	}
	return nil
}

// values are the rows of a tensor of shape [n] or [n, 1], as the fields of records.
func (t *inputTensor) values(n int) ([][]byte, error) {
	if len(t.Shape) == 0 || len(t.Shape) > 2 || t.Shape[0] != n || len(t.Shape) == 2 && t.Shape[1] != 1 || len(t.Data) != n {
		return nil, fmt.Errorf("the shape is %v and there are %d values: [%d] or [%d, 1] is expected", t.Shape, len(t.Data), n, n)
	}
	values := make([][]byte, n)
	for i, raw := range t.Data {
		field, err := fieldOf(raw)
		if err != nil {
			return nil, fmt.Errorf("data[%d]: %w", i, err)
		}
		values[i] = field
	}
	return values, nil
}

// fieldOf is a JSON value as a field: a number as it is written, the text of a string, nil for null.
func fieldOf(raw json.RawMessage) ([]byte, error) {
	switch raw[0] {
	case 'n':
		return nil, nil
	case '"':
		var text string
		err := json.Unmarshal(raw, &text)
		return []byte(text), err
	case '[':
		var one []json.RawMessage
		if err := json.Unmarshal(raw, &one); err != nil || len(one) != 1 || one[0][0] == '[' {
			return nil, errors.New("one value is expected")
		}
		return fieldOf(one[0])
	case '{':
		return nil, errors.New("a number, a string, true, false or null is expected")
	}
	return raw, nil
}

// answer is the body of the response.
func (f *inference) answer(v *version) []byte {
	out := append([]byte(`{"model_name":`), quoted(v.Name)...)
	out = append(append(out, `,"model_version":`...), quoted(v.Version.Version)...)
	if f.ID != "" {
		out = append(append(out, `,"id":`...), quoted(f.ID)...)
	}
	out = append(out, `,"outputs":[`...)
	first := true
	for output, t := range outputs(v.predictor, f.n) {
		if len(f.Outputs) > 0 && !slices.ContainsFunc(f.Outputs, func(o requestedTensor) bool { return o.Name == t.Name }) {
			continue
		}
		if !first {
			out = append(out, ',')
		}
		first = false
		out = f.appendTensor(out, output, t)
	}
	return append(out, "]}\n"...)
}

func quoted(text string) []byte { return predictor.AppendString(nil, []byte(text)) }

func (f *inference) appendTensor(out []byte, output int, t tensorInfo) []byte {
	out = append(append(out, `{"name":`...), quoted(t.Name)...)
	out = append(append(out, `,"datatype":`...), quoted(t.Datatype)...)
	out = append(out, `,"shape":[`...)
	for i, n := range t.Shape {
		if i > 0 {
			out = append(out, ',')
		}
		out = strconv.AppendInt(out, int64(n), 10)
	}
	out = append(out, `],"data":[`...)
	for i := range f.results {
		if i > 0 {
			out = append(out, ',')
		}
		out = appendOutput(out, output, t.Datatype == "BYTES", &f.results[i])
	}
	return append(out, "]}"...)
}

// appendOutput writes a row of an output, in the digits of every other way of asking. Behind the outputs comes the key.
func appendOutput(out []byte, output int, text bool, r *predictor.Prediction) []byte {
	values := []string{r.Key}
	if output < len(r.Values) {
		values = r.Values[output]
	}
	for i, value := range values {
		if i > 0 {
			out = append(out, ',')
		}
		if text {
			out = append(out, quoted(value)...)
		} else {
			out = append(out, value...)
		}
	}
	return out
}
