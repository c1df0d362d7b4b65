package features

import (
	"fmt"

	"github.com/penstock-ml/penstock/models/spec"
)

// An Encoder turns records into rows. It allocates nothing per record. One
// goroutine at a time may use it; make one for each.
type Encoder struct {
	columns columns
	layout  *Layout
	numbers []numberEncoder // by numeric feature
	width   int             // columns of numbers
	ids     []idEncoder     // by column of ids; nil for crosses and for features of several values
	bags    []bagEncoder
	crosses []crossEncoder // after all others, whose ids they combine
}

// NewEncoder makes an encoder for a spec and what was fitted for it.
func NewEncoder(s *spec.Spec, f *Fitted) (*Encoder, error) {
	if err := checkFitted(s, f); err != nil {
		return nil, err
	}
	e := &Encoder{columns: newColumns(s), layout: f.Layout(s)}
	e.columns.target.fitted(f)
	for i := range s.Features {
		feature, fitted := &s.Features[i], &f.Features[i]
		slot := e.columns.slot(feature.Column)
		if slot >= 0 {
			e.columns.slots[slot].required = fitted.Missing == 0
		}
		switch feature.Kind {
		case spec.Numeric:
			e.numbers = append(e.numbers, newNumberEncoder(feature, fitted, slot))
			e.width += fitted.columns()
		case spec.Cross:
			c, err := newCrossing(feature, e.layout)
			if err != nil {
				return nil, err
			}
			e.crosses = append(e.crosses, crossEncoder{crossing: c, at: len(e.ids)})
			e.ids = append(e.ids, nil)
		default:
			e.addIDs(feature, fitted, slot)
		}
	}
	return e, nil
}

// addIDs adds a categorical feature that is no cross.
func (e *Encoder) addIDs(f *spec.Feature, fitted *FittedFeature, slot int) {
	encoder := newIDEncoder(f, fitted, slot)
	if f.Separator == "" {
		e.ids = append(e.ids, encoder)
		return
	}
	e.bags = append(e.bags, bagEncoder{
		source: sourceOf(slot, f), ids: encoder.(textEncoder), at: len(e.ids), columns: fitted.Values, none: int32(fitted.Size - 1),
	})
	e.ids = append(e.ids, make([]idEncoder, fitted.Values)...)
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
	if err := e.columns.read(fields); err != nil {
		return err
	}
	numbers, numeric := extend(rows.Numeric, e.width)
	if err := e.encodeNumbers(numbers); err != nil {
		return err
	}
	row, ids := extend(rows.IDs, len(e.ids))
	if err := e.encodeIDs(row); err != nil {
		return err
	}
	rows.Numeric, rows.IDs = numeric, ids
	rows.N++
	return nil
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
func (e *Encoder) Key(fields [][]byte) []byte { return field(fields, e.columns.key, false) }

func (e *Encoder) encodeNumbers(row []float32) error {
	for i := range e.numbers {
		n := &e.numbers[i]
		var err error
		if row, err = n.encode(row, &e.columns.values[n.slot], e.columns.slots[n.slot].name); err != nil {
			return err
		}
	}
	return nil
}

func (e *Encoder) encodeIDs(row []int32) error {
	for i, encoder := range e.ids {
		if encoder == nil {
			continue
		}
		id, err := encoder.encode(e.columns.values)
		if err != nil {
			return err
		}
		row[i] = id
	}
	for i := range e.bags {
		if err := e.bags[i].encode(e.columns.values, row); err != nil {
			return err
		}
	}
	for i := range e.crosses {
		row[e.crosses[i].at] = e.crosses[i].id(row)
	}
	return nil
}

type crossEncoder struct {
	crossing
	at int // column of ids
}
