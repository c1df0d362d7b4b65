package features

import "github.com/penstock-ml/penstock/models/spec"

// A Layout says what the columns of encoded rows mean.
type Layout struct {
	Numeric     []string      // names of the numeric features, in the spec's order; of one that makes several numbers as often
	Categorical []Categorical // in the spec's order; a feature of several values has as many columns
	Target      Target
}

// A Categorical is one column of ids.
type Categorical struct {
	Name string
	Size int // ids are in [0, Size)
}

// Outline is the layout that a spec will have once it is fitted, but for the
// sizes and the numbers that a feature makes, which the data decides: each is 1.
func Outline(s *spec.Spec) *Layout {
	l := &Layout{Target: newTarget(s, len(s.Label.Classes))}
	for i := range s.Features {
		if f := &s.Features[i]; f.Categorical() {
			l.Categorical = append(l.Categorical, Categorical{f.Name, 1})
		} else {
			l.Numeric = append(l.Numeric, f.Name)
		}
	}
	return l
}
