package metrics

import (
	"errors"
	"fmt"
	"math"
)

// A Task says what a model predicts, and so which figures there are of it.
type Task struct {
	Classes int  // at least 2, or 0 for a number
	Huber   bool // of a number: the loss is Huber's, not the squared error

	// Of a number: network and labels have it less Mean and over Deviation.
	Mean, Deviation float64
}

// Figures accumulates what the metrics of a task are made of, but for a [Curve]. The
// zero Figures is empty and becomes what it is merged with; Add needs one made by
// [NewFigures]. It is used by one goroutine at a time.
type Figures struct {
	kind byte // of sums; 0 where there are none
	sums sums
}

// sums are the figures of one kind of task.
type sums interface {
	// add counts an example that has been checked, of a weight above 0, also as a multiple of 2^-30.
	add(outputs []float32, label float32, weight uint64) error
	merge(other sums) error
	examples() int64
	metrics(curve *CurveFigures) (*Metrics, error)
	append(data []byte) []byte
	read(r *reader)
}

// Kinds of sums.
const (
	binaryKind byte = 1 + iota
	classKind
	numberKind
)

func newSums(kind byte) sums {
	switch kind {
	case binaryKind:
		return &binary{}
	case classKind:
		return &multiclass{}
	case numberKind:
		return &number{}
	}
	return nil
}

// NewFigures makes empty figures.
func NewFigures(t Task) *Figures {
	switch {
	case t.Classes == 0:
		return &Figures{numberKind, &number{task: t}}
	case t.Classes == 2:
		return &Figures{binaryKind, &binary{}}
	}
	return &Figures{classKind, newMulticlass(t.Classes)}
}

// HasCurve tells whether the figures are of two classes, which a [Curve] has more of.
func (f *Figures) HasCurve() bool { return f.kind == binaryKind }

// Add counts one example: the network's outputs, a label as package features encodes
// it and a weight in [0, MaxWeight], which is rounded to a multiple of 2^-30. Weight 0
// is padding and leaves no trace.
func (f *Figures) Add(outputs []float32, label, weight float32) error {
	for _, z := range outputs {
		if math.IsNaN(float64(z)) || math.IsInf(float64(z), 0) {
			return fmt.Errorf("logit %v is not finite", z)
		}
	}
	w, err := fixedWeight(weight)
	if err != nil || w == 0 {
		return err
	}
	return f.sums.add(outputs, label, w)
}

// Merge adds the examples of other, which is left as it was.
func (f *Figures) Merge(other *Figures) error {
	if other.kind == 0 {
		return nil
	}
	if f.kind == 0 {
		f.kind, f.sums = other.kind, newSums(other.kind)
	}
	if f.kind != other.kind {
		return errors.New("figures of different tasks cannot be merged")
	}
	return f.sums.merge(other.sums)
}

// Examples returns the number of examples of positive weight.
func (f *Figures) Examples() int64 {
	if f.kind == 0 {
		return 0
	}
	return f.sums.examples()
}

// Metrics returns the figures; curve is that of the same examples, where there is
// one. No example at all is an error, since no figure is defined then.
func (f *Figures) Metrics(curve *CurveFigures) (*Metrics, error) {
	if f.Examples() == 0 {
		return nil, errors.New("there are no examples to evaluate")
	}
	return f.sums.metrics(curve)
}
