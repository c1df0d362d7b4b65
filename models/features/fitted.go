package features

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"

	"github.com/penstock-ml/penstock/models/spec"
)

// Fitted is what encoding needs to know of the training data. It is read-only.
type Fitted struct {
	Version  int             `json:"version"`
	Records  int64           `json:"records"`               // in the training data, without the bad ones
	Bad      int64           `json:"bad_records,omitempty"` // could not be used
	Label    FittedLabel     `json:"label"`
	Weight   *FittedWeight   `json:"weight,omitempty"`
	Features []FittedFeature `json:"features"` // in the spec's order
}

// FittedLabel is the label in the training data.
type FittedLabel struct {
	Column  string        `json:"column"`
	Classes []string      `json:"classes,omitempty"` // of two the negative one, then the positive one; none of a regression
	Counts  []int64       `json:"counts,omitempty"`  // records of each class
	Number  *FittedNumber `json:"number,omitempty"`  // of a regression
}

// fits tells whether the label can be that of the spec.
func (l *FittedLabel) fits(s *spec.Spec) bool {
	regression := s.Label.Kind == spec.Regression
	return l.Column == s.Label.Column && regression == (l.Number != nil) && regression == (len(l.Classes) < 2)
}

// FittedWeight is the weight in the training data.
type FittedWeight struct {
	Column string  `json:"column"`
	Mean   float64 `json:"mean"`
}

// FittedFeature is one feature in the training data. The pointers and slices
// that do not belong to its kind are nil.
type FittedFeature struct {
	Name    string `json:"name"`
	Kind    string `json:"kind"`
	Missing int64  `json:"missing"` // records without a value; 0 for a cross

	Number     *FittedNumber `json:"number,omitempty"`     // numeric
	Boundaries []float64     `json:"boundaries,omitempty"` // of quantiles: between buckets, or of piecewise_linear the ends of all intervals
	Size       int           `json:"size,omitempty"`       // categorical: ids are in [0, Size)
	Vocabulary []string      `json:"vocabulary,omitempty"` // vocabulary: by id
	Values     int           `json:"values,omitempty"`     // with a separator: the most that a record has
}

// FittedNumber describes the values of a numeric feature that are not missing,
// after its log1p if it has one.
type FittedNumber struct {
	Mean      float64 `json:"mean"`
	Deviation float64 `json:"deviation"` // of the population: the root of the mean squared difference from Mean
	Min       float64 `json:"min"`
	Max       float64 `json:"max"`
}

// fittedVersion is the version of the file format.
const fittedVersion = 2

// Rows is how many rows the training records make: the bad ones are rows of weight 0.
func (f *Fitted) Rows() int64 { return f.Records + f.Bad }

// Layout is the layout of rows that an [Encoder] makes for the spec.
func (f *Fitted) Layout(s *spec.Spec) *Layout {
	l := &Layout{Target: newTarget(s, len(f.Label.Classes))}
	for _, feature := range f.Features {
		if feature.Kind == spec.Numeric {
			for range feature.columns() {
				l.Numeric = append(l.Numeric, feature.Name)
			}
		} else {
			for range max(1, feature.Values) {
				l.Categorical = append(l.Categorical, Categorical{feature.Name, feature.Size})
			}
		}
	}
	return l
}

// columns is how many numbers a numeric feature makes: the last one tells missing values where training saw some.
func (f *FittedFeature) columns() int {
	n := max(1, len(f.Boundaries)-1)
	if f.Missing > 0 {
		n++
	}
	return n
}

// Marshal writes the fitted features as JSON, always in the same bytes.
func Marshal(f *Fitted) ([]byte, error) {
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(f); err != nil {
		return nil, fmt.Errorf("cannot write the fitted features: %w", err)
	}
	return out.Bytes(), nil
}

// Unmarshal reads what [Marshal] wrote.
func Unmarshal(data []byte) (*Fitted, error) {
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	f := new(Fitted)
	if err := d.Decode(f); err != nil {
		return nil, fmt.Errorf("cannot read the fitted features: %w", err)
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, fmt.Errorf("cannot read the fitted features: there is more after the JSON object")
	}
	if f.Version != fittedVersion {
		return nil, fmt.Errorf("the fitted features have version %d and this program reads version %d; run the analysis again", f.Version, fittedVersion)
	}
	return f, nil
}
