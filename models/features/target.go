package features

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/penstock-ml/penstock/models/spec"
)

// A Target says what a network has to predict. The zero value is one of two classes.
type Target struct {
	// Outputs is how many numbers the network gives for a row, 0 for one: the log-odds of the second of two classes, a
	// number in deviations from its mean or, for each of more classes, a logit.
	Outputs int
	Loss    string // one of package spec's; "" for log_loss
}

// Width is the number of outputs.
func (t Target) Width() int { return max(1, t.Outputs) }

// newTarget is the target of a label of so many classes, 0 of a number.
func newTarget(s *spec.Spec, classes int) Target {
	if s.Label.Kind == spec.Regression || classes <= 2 {
		classes = 1
	}
	return Target{Outputs: classes, Loss: s.Training.Loss}
}

// targetColumns read what a model learns of a record besides its features: the label, and how much the record counts.
type targetColumns struct {
	label  targetColumn
	weight targetColumn // without a name where all records count the same

	regression bool
	classes    dictionary
	number     FittedNumber // of a regression
	meanWeight float64

	memo   memo      // of labels
	labels []float32 // of the memo's texts, as rows hold them
}

type targetColumn struct {
	name  string
	index int
	trim  bool
}

func newTargetColumns(s *spec.Spec) targetColumns {
	column := func(name string, trim bool) targetColumn {
		return targetColumn{name, slices.Index(s.Data.Columns, name), trim}
	}
	regression := s.Label.Kind == spec.Regression
	t := targetColumns{
		label:      column(s.Label.Column, !s.Data.KeepSpace || regression),
		weight:     column(s.Weight, true),
		regression: regression,
	}
	t.name(s.Label.Classes)
	return t
}

// name says which classes there are.
func (t *targetColumns) name(classes []string) {
	t.classes = newDictionary()
	for _, class := range classes {
		t.classes.add(class)
	}
}

// fitted completes the columns by what the training data showed.
func (t *targetColumns) fitted(f *Fitted) {
	t.name(f.Label.Classes)
	if f.Label.Number != nil {
		t.number = *f.Label.Number
	}
	if f.Weight != nil {
		t.meanWeight = f.Weight.Mean
	}
}

// labelText is the record's label as it stands.
func (c *columns) labelText(fields [][]byte) ([]byte, error) {
	label := &c.target.label
	text := field(fields, label.index)
	if label.trim {
		text = Trim(text)
	}
	if c.isMissing(text) {
		return nil, columnError(label.name, nil, "has no value, and it is the label; give it one, or remove the record")
	}
	return text, nil
}

// labelNumber is the record's label, of a regression.
func (c *columns) labelNumber(fields [][]byte) (float64, error) {
	text, err := c.labelText(fields)
	if err != nil {
		return 0, err
	}
	x, err := ParseNumber(text)
	if err != nil {
		return 0, columnError(c.target.label.name, text, "%v", err)
	}
	return x, nil
}

// weightNumber is how much the record counts, before weights are scaled.
func (c *columns) weightNumber(fields [][]byte) (float64, error) {
	weight := &c.target.weight
	if weight.name == "" {
		return 1, nil
	}
	text := Trim(field(fields, weight.index))
	if c.isMissing(text) {
		return 0, columnError(weight.name, nil, "has no value, and it is the weight; give it one, 0 for a record that shall not count")
	}
	x, err := ParseNumber(text)
	if err != nil {
		return 0, columnError(weight.name, text, "%v", err)
	}
	if x < 0 {
		return 0, columnError(weight.name, text, "is below 0, and it is the weight; correct it")
	}
	return x, nil
}

// encodeLabel is the record's label as rows hold it.
func (c *columns) encodeLabel(fields [][]byte) (float32, error) {
	t := &c.target
	raw := field(fields, t.label.index)
	if known := t.memo.find(raw); known > 0 {
		return t.labels[known-1], nil
	}
	label, err := c.newLabel(fields)
	if err == nil && t.memo.add(raw) > 0 {
		t.labels = append(t.labels, label)
	}
	return label, err
}

// newLabel is the index of the record's class, or its number in deviations from the mean.
func (c *columns) newLabel(fields [][]byte) (float32, error) {
	t := &c.target
	if t.regression {
		x, err := c.labelNumber(fields)
		if err != nil {
			return 0, err
		}
		return float32((x - t.number.Mean) / t.number.Deviation), nil
	}
	text, err := c.labelText(fields)
	if err != nil {
		return 0, err
	}
	class := t.classes.find(text)
	if class < 0 {
		return 0, columnError(t.label.name, text, "is not a class; the model was trained on %s", listed(t.classes.texts))
	}
	return float32(class), nil
}

// mostWeight is that of one record, as a multiple of the mean.
const mostWeight = 1 << 20

// encodeWeight is how much the record counts, 1 on average.
func (c *columns) encodeWeight(fields [][]byte) (float32, error) {
	x, err := c.weightNumber(fields)
	if err != nil || c.target.weight.name == "" {
		return float32(x), err
	}
	if x /= c.target.meanWeight; x > mostWeight {
		return 0, columnError(c.target.weight.name, nil, "is more than %d times the mean weight; correct it", mostWeight)
	}
	return float32(x), nil
}

// listed names some classes in a message.
func listed(classes []string) string {
	const most = 5
	last := len(classes) - 1
	if last < 1 {
		return strconv.Quote(strings.Join(classes, ""))
	}
	end := strconv.Quote(classes[last])
	if last >= most {
		end = fmt.Sprintf("%d others", last+1-most)
	}
	var quoted []string
	for _, class := range classes[:min(last, most)] {
		quoted = append(quoted, strconv.Quote(class))
	}
	return strings.Join(quoted, ", ") + " and " + end
}
