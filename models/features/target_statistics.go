package features

import (
	"fmt"
	"math"
	"slices"

	"github.com/penstock-ml/penstock/models/exact"
	"github.com/penstock-ml/penstock/models/spec"
)

// targetStatistics are what the training records show of the target.
type targetStatistics struct {
	classes counts  // of a class
	number  moments // of a regression
	weight  exact.Sum

	memo    memo    // of labels
	classOf []int32 // of the memo's texts, among those counted
}

func newTargetStatistics() targetStatistics {
	return targetStatistics{classes: newCounts(), number: newMoments()}
}

// A targetValue is what was read of a record.
type targetValue struct {
	class  int32  // among those counted, or -1
	text   []byte // of a class that was not counted yet
	number float64
	weight float64
}

// read reads a record's target; it does not count yet.
func (st *targetStatistics) read(c *columns, fields [][]byte) (v targetValue, err error) {
	if v.weight, err = c.weightNumber(fields); err != nil {
		return v, err
	}
	if c.target.regression {
		v.number, err = c.labelNumber(fields)
		return v, err
	}
	raw := field(fields, c.target.label.index)
	if known := st.memo.find(raw); known > 0 {
		v.class = st.classOf[known-1]
		return v, nil
	}
	if v.text, err = c.labelText(fields); err != nil {
		return v, err
	}
	if v.class = st.classes.find(v.text); v.class >= 0 {
		if st.memo.add(raw) > 0 {
			st.classOf = append(st.classOf, v.class)
		}
		return v, nil
	}
	name := c.target.label.name
	if known := &c.target.classes; len(known.texts) > 0 && known.find(v.text) < 0 {
		return v, columnError(name, v.text, "is not a class; label.classes has %s", listed(known.texts))
	}
	if len(st.classes.texts) == spec.MostClasses {
		return v, columnError(name, v.text, "is one class more than the %d that a label may have; set label.kind to regression if it is a number", spec.MostClasses)
	}
	return v, checkUTF8(name, v.text)
}

// add counts what was read.
func (st *targetStatistics) add(v *targetValue, t *targetColumns) {
	if t.weight.name != "" {
		st.weight.Add(v.weight)
	}
	if t.regression {
		st.number.add(v.number, 1)
		return
	}
	st.classes.addFound(v.class, v.text, 1)
}

func (st *targetStatistics) merge(other *targetStatistics) {
	st.classes.merge(&other.classes)
	st.number.merge(&other.number)
	st.weight.Merge(&other.weight)
}

func (st *targetStatistics) clone() targetStatistics {
	copied := newTargetStatistics()
	copied.merge(st)
	return copied
}

func (st *targetStatistics) fitLabel(s *spec.Spec, records int64) (FittedLabel, error) {
	label := FittedLabel{Column: s.Label.Column}
	if s.Label.Kind == spec.Regression {
		label.Number = st.number.fit(records)
		if label.Number.Deviation == 0 {
			return label, fmt.Errorf("column %s is the label and is %v in every record of the training data, which leaves nothing to learn; check label.column", s.Label.Column, label.Number.Mean)
		}
		return label, nil
	}
	if label.Classes = slices.Clone(s.Label.Classes); len(label.Classes) == 0 {
		for _, t := range st.classes.byText() {
			label.Classes = append(label.Classes, t.text)
		}
	}
	if len(label.Classes) < 2 {
		return label, fmt.Errorf("column %s is the label and has only the value %q in the training data, where there must be two; check label.column and data.missing", label.Column, label.Classes[0])
	}
	label.Counts = make([]int64, len(label.Classes))
	for i, text := range st.classes.texts {
		class := slices.Index(label.Classes, text)
		if class < 0 {
			return label, fmt.Errorf("column %s has the value %q, which is not in label.classes; run the analysis again with this spec", label.Column, text)
		}
		label.Counts[class] = st.classes.count[i]
	}
	return label, nil
}

func (st *targetStatistics) fitWeight(s *spec.Spec, records int64) (*FittedWeight, error) {
	if s.Weight == "" {
		return nil, nil
	}
	mean := st.weight.Value() / float64(records)
	if mean == 0 || math.IsInf(mean, 0) {
		return nil, fmt.Errorf("column %s is the weight and its sum over the training data is %v; it must be above 0 and finite", s.Weight, st.weight.Value())
	}
	return &FittedWeight{Column: s.Weight, Mean: mean}, nil
}
