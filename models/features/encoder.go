package features

import (
	"fmt"

	"github.com/penstock-ml/penstock/models/spec"
)

// An Encoder turns records into rows. Once it has seen a column's frequent
// texts, it allocates nothing per record. One goroutine at a time may use it;
// make one for each.
type Encoder struct {
	columns columns
	layout  *Layout
	slots   []slotEncoder // by slot of the columns
	crosses []crossEncoder
	numbers int // columns of them in a row
	ids     int
}

// NewEncoder makes an encoder for a spec and what was fitted for it.
func NewEncoder(s *spec.Spec, f *Fitted) (*Encoder, error) {
	if err := checkFitted(s, f); err != nil {
		return nil, err
	}
	e := &Encoder{columns: newColumns(s), layout: f.Layout(s)}
	e.columns.target.fitted(f)
	e.slots = make([]slotEncoder, len(e.columns.slots))
	for i := range s.Features {
		if err := e.add(&s.Features[i], &f.Features[i]); err != nil {
			return nil, err
		}
	}
	return e, nil
}

// add adds a feature: its columns of a row follow those of the features before it.
func (e *Encoder) add(f *spec.Feature, fitted *FittedFeature) error {
	if f.Kind == spec.Cross {
		c, err := newCrossing(f, e.layout)
		e.crosses = append(e.crosses, crossEncoder{crossing: c, at: e.ids})
		e.ids++
		return err
	}
	i := e.columns.slot(f.Column)
	e.columns.slots[i].required = fitted.Missing == 0
	if f.Kind == spec.Numeric {
		e.slots[i].addNumbers(newNumberEncoder(f, fitted), e.numbers, fitted.columns())
		e.numbers += fitted.columns()
		return nil
	}
	width := max(1, fitted.Values)
	e.slots[i].addIDs(newIDEncoder(f, fitted), e.ids, width)
	e.ids += width
	return nil
}

// checkFitted tells whether the two belong together.
func checkFitted(s *spec.Spec, f *Fitted) error {
	if len(s.Features) != len(f.Features) || !f.Label.fits(s) || (f.Weight != nil) != (s.Weight != "") {
		return fmt.Errorf("the fitted features are not those of spec %s; run the analysis again", s.Name)
	}
	for i := range f.Features {
		feature, fitted := &s.Features[i], &f.Features[i]
		same := feature.Name == fitted.Name && feature.Kind == fitted.Kind && feature.Has(spec.PiecewiseLinear) == (fitted.Kind == spec.Numeric && len(fitted.Boundaries) > 1)
		switch feature.Kind {
		case spec.Numeric:
			same = same && fitted.Number != nil
		case spec.Cross:
			same = same && fitted.Size >= 1 && fitted.Size <= feature.Buckets
		default:
			same = same && fitted.Size == sizeOf(feature, fitted) && (fitted.Values > 0) == (feature.Separator != "")
		}
		if !same {
			return fmt.Errorf("the fitted feature %s is not feature %s of spec %s; run the analysis again", fitted.Name, feature.Name, s.Name)
		}
	}
	return nil
}

// Layout is the layout of the rows.
func (e *Encoder) Layout() *Layout { return e.layout }

// Append adds a record with its label and weight. Its fields are those of the
// spec's data.columns; they are not kept. An error is a [ColumnError], and the
// rows stay as they were.
func (e *Encoder) Append(rows *Rows, fields [][]byte) error {
	label, err := e.columns.encodeLabel(fields)
	if err != nil {
		return err
	}
	weight, err := e.columns.encodeWeight(fields)
	if err != nil {
		return err
	}
	if err := e.AppendUnlabelled(rows, fields); err != nil {
		return err
	}
	rows.Labels = append(rows.Labels, label)
	rows.Weights = append(rows.Weights, weight)
	return nil
}

// AppendUnlabelled adds a record whose label is not looked at. The rows' labels
// and weights stay as they are.
func (e *Encoder) AppendUnlabelled(rows *Rows, fields [][]byte) error {
	numbers, numeric := extend(rows.Numeric, e.numbers)
	ids, categorical := extend(rows.IDs, e.ids)
	for i := range e.slots {
		raw := e.columns.raw(i, fields)
		known := e.slots[i].memo.find(raw)
		if known == 0 {
			var err error
			if known, err = e.encode(i, raw); err != nil {
				return err
			}
		}
		e.slots[i].write(numbers, ids, known)
	}
	for i := range e.crosses {
		ids[e.crosses[i].at] = e.crosses[i].id(ids)
	}
	rows.Numeric, rows.IDs = numeric, categorical
	rows.N++
	return nil
}

// encode encodes what a record has in a slot, and returns where the outcome is.
func (e *Encoder) encode(slot int, raw []byte) (outcome int, err error) {
	v, err := e.columns.read(slot, raw)
	if err != nil {
		return 0, err
	}
	if err := e.slots[slot].encode(&v, e.columns.slots[slot].name); err != nil {
		return 0, err
	}
	return e.slots[slot].keep(raw), nil
}

// extend makes a slice n longer and returns its new end, too.
func extend[T any](s []T, n int) (end, longer []T) {
	if cap(s)-len(s) < n {
		grown := make([]T, len(s), 2*cap(s)+n)
		copy(grown, s)
		s = grown
	}
	longer = s[:len(s)+n]
	return longer[len(s):], longer
}

// Key is the record's key field as it stands; nil without a key column.
func (e *Encoder) Key(fields [][]byte) []byte { return field(fields, e.columns.key) }

type crossEncoder struct {
	crossing
	at int // column of ids
}
