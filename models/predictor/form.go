package predictor

import (
	"math"
	"strconv"

	"github.com/penstock-ml/penstock/models/features"
	"github.com/penstock-ml/penstock/models/metrics"
	"github.com/penstock-ml/penstock/models/spec"
)

// An Output is one part of a prediction.
type Output struct {
	Name  string
	Type  string // a datatype of the Open Inference Protocol: INT64, BYTES, FP32 or FP64
	Width int    // values a record; 0 for one that is no list
}

// Names of outputs.
const (
	classIDs      = "class_ids"
	classes       = "classes"
	logistic      = "logistic"
	logits        = "logits"
	probabilities = "probabilities"
	predictions   = "predictions"
)

// Datatypes of outputs.
const (
	int64Type   = "INT64"
	textType    = "BYTES"
	float32Type = "FP32"
	float64Type = "FP64"
)

// AllOutputs are those of any model, in their order; widths are the model's.
var AllOutputs = []Output{
	{Name: classIDs, Type: int64Type}, {Name: classes, Type: textType}, {Name: logistic, Type: float64Type},
	{Name: logits, Type: float32Type}, {Name: probabilities, Type: float64Type}, {Name: predictions, Type: float64Type},
}

// Prediction is one prediction in parts, for tables: its numbers are the very
// digits that AppendJSON writes.
type Prediction struct {
	Key    string     // "" where there is none
	Values [][]string // of each of the predictor's Outputs
}

// Answer is one prediction as Go values.
type Answer struct {
	ClassID       int // of a class: the likeliest
	Class         string
	Probabilities []float64 // by class id
	Value         float64   // of a number
}

// A form is what the predictions of a model look like: of two classes, of more or of a number. The outputs that it is
// given are a network's for one row, and finite.
type form interface {
	outputs() []Output
	classes() []string
	appendJSON(dst []byte, outputs []float32) []byte // the members of the object
	values(outputs []float32) [][]string
	answer(outputs []float32) Answer
	// explained chooses the output that an explanation is of, and how it is read.
	explained(outputs []float32) subject
}

// A subject is what an explanation is of: an output of the network, times a scale and with an offset.
type subject struct {
	output        int
	scale, offset float64
	name          string // of its value for the typical record
}

func newForm(label *features.FittedLabel) form {
	switch {
	case label.Number != nil:
		return &numberForm{label.Number.Mean, label.Number.Deviation}
	case len(label.Classes) == 2:
		return newBinaryForm(label.Classes)
	}
	return newClassForm(label.Classes)
}

// Outputs lists what predictions are made of.
func (p *Predictor) Outputs() []Output { return p.form.outputs() }

// Classes are the label's classes, by id; none where it is a number.
func (p *Predictor) Classes() []string { return p.form.classes() }

// Prediction returns the prediction that finite outputs of the network stand for in parts.
func (p *Predictor) Prediction(outputs []float32, key []byte) Prediction {
	return Prediction{Key: string(key), Values: p.form.values(outputs)}
}

// Answer returns the prediction that finite outputs of the network stand for as Go values.
func (p *Predictor) Answer(outputs []float32) Answer { return p.form.answer(outputs) }

// NewFigures makes empty figures for the evaluation of the model.
func (p *Predictor) NewFigures() *metrics.Figures {
	t := metrics.Task{Classes: len(p.form.classes()), Huber: p.spec.Training.Loss == spec.Huber}
	if n := p.fitted.Label.Number; n != nil {
		t.Mean, t.Deviation = n.Mean, n.Deviation
	}
	return metrics.NewFigures(t)
}

// openings are the members of a class up to the name of the first number.
func openings(classNames []string) (list [][]byte) {
	for id, class := range classNames {
		opening := strconv.AppendInt([]byte(`"class_ids":[`), int64(id), 10)
		list = append(list, append(AppendString(append(opening, `],"classes":[`...), []byte(class)), ']'))
	}
	return list
}

// digits are those of a number of so many bits.
func digits(x float64, bits int) string { return string(appendFloat(nil, x, bits)) }

// binaryForm is that of two classes, by the log-odds of the second.
type binaryForm struct {
	names    []string
	openings [][]byte
}

func newBinaryForm(names []string) *binaryForm { return &binaryForm{names, openings(names)} }

// classID is the class that a logit stands for: the second one where that is the
// likelier, as in the confusion matrix of package metrics.
func classID(logit float32) int {
	if logit > 0 {
		return 1
	}
	return 0
}

func (f *binaryForm) classes() []string { return f.names }

func (f *binaryForm) outputs() []Output {
	return []Output{
		{classIDs, int64Type, 0}, {classes, textType, 0}, {logistic, float64Type, 0}, {logits, float32Type, 0}, {probabilities, float64Type, 2},
	}
}

func (f *binaryForm) appendJSON(dst []byte, outputs []float32) []byte {
	logit := outputs[0]
	dst = append(dst, f.openings[classID(logit)]...)
	probability := metrics.Sigmoid(logit)
	dst = append(dst, `,"logistic":[`...)
	begin := len(dst)
	dst = appendFloat(dst, probability, 64)
	end := len(dst)
	dst = append(dst, `],"logits":[`...)
	dst = appendFloat(dst, float64(logit), 32)
	dst = append(dst, `],"probabilities":[`...)
	dst = appendFloat(dst, 1-probability, 64)
	dst = append(dst, ',')
	dst = append(dst, dst[begin:end]...)
	return append(dst, ']')
}

func (f *binaryForm) values(outputs []float32) [][]string {
	id, p := classID(outputs[0]), metrics.Sigmoid(outputs[0])
	return [][]string{
		{strconv.Itoa(id)}, {f.names[id]}, {digits(p, 64)}, {digits(float64(outputs[0]), 32)}, {digits(1-p, 64), digits(p, 64)},
	}
}

func (f *binaryForm) answer(outputs []float32) Answer {
	id, p := classID(outputs[0]), metrics.Sigmoid(outputs[0])
	return Answer{ClassID: id, Class: f.names[id], Probabilities: []float64{1 - p, p}}
}

func (f *binaryForm) explained([]float32) subject { return subject{0, 1, 0, "baseline_logit"} }

// classForm is that of more than two classes, by their logits.
type classForm struct {
	names    []string
	openings [][]byte
}

func newClassForm(names []string) *classForm { return &classForm{names, openings(names)} }

func (f *classForm) classes() []string { return f.names }

func (f *classForm) outputs() []Output {
	n := len(f.names)
	return []Output{{classIDs, int64Type, 0}, {classes, textType, 0}, {logits, float32Type, n}, {probabilities, float64Type, n}}
}

func (f *classForm) appendJSON(dst []byte, outputs []float32) []byte {
	dst = append(dst, f.openings[metrics.Likeliest(outputs)]...)
	dst = append(dst, `,"logits":[`...)
	for i, z := range outputs {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendFloat(dst, float64(z), 32)
	}
	dst = append(dst, `],"probabilities":[`...)
	var few [32]float64 // keeps those of few classes off the heap
	for i, p := range metrics.AppendSoftmax(few[:0], outputs) {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendFloat(dst, p, 64)
	}
	return append(dst, ']')
}

func (f *classForm) values(outputs []float32) [][]string {
	id := metrics.Likeliest(outputs)
	values := [][]string{{strconv.Itoa(id)}, {f.names[id]}, nil, nil}
	for i, p := range metrics.AppendSoftmax(nil, outputs) {
		values[2] = append(values[2], digits(float64(outputs[i]), 32))
		values[3] = append(values[3], digits(p, 64))
	}
	return values
}

func (f *classForm) answer(outputs []float32) Answer {
	id := metrics.Likeliest(outputs)
	return Answer{ClassID: id, Class: f.names[id], Probabilities: metrics.AppendSoftmax(nil, outputs)}
}

// explained is the logit of the class that is predicted.
func (f *classForm) explained(outputs []float32) subject {
	return subject{metrics.Likeliest(outputs), 1, 0, "baseline_logit"}
}

// numberForm is that of a number, in deviations from its mean.
type numberForm struct{ mean, deviation float64 }

func (f *numberForm) classes() []string { return nil }

func (f *numberForm) outputs() []Output { return []Output{{predictions, float64Type, 0}} }

// number undoes what the encoder did to the label. The conversion keeps compilers from fusing product and sum. A result
// beyond all numbers becomes the largest: JSON has no infinity.
func (f *numberForm) number(outputs []float32) float64 {
	y := f.mean + float64(f.deviation*float64(outputs[0]))
	return min(max(y, -math.MaxFloat64), math.MaxFloat64)
}

func (f *numberForm) appendJSON(dst []byte, outputs []float32) []byte {
	return append(appendFloat(append(dst, `"predictions":[`...), f.number(outputs), 64), ']')
}

func (f *numberForm) values(outputs []float32) [][]string {
	return [][]string{{digits(f.number(outputs), 64)}}
}

func (f *numberForm) answer(outputs []float32) Answer { return Answer{Value: f.number(outputs)} }

func (f *numberForm) explained([]float32) subject {
	return subject{0, f.deviation, f.mean, "baseline_prediction"}
}
