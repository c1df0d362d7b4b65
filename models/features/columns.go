package features

import (
	"slices"

	"github.com/penstock-ml/penstock/models/spec"
)

// columns reads the fields of a record that a spec's features need, each once.
type columns struct {
	slots   []slot
	missing []string
	target  targetColumns
	key     int // index of the key column; -1 for none
}

// A slot is one column that features read.
type slot struct {
	name     string
	index    int // among the record's fields; -1 when the data has no such column
	text     bool
	number   bool
	trim     bool
	required bool // a missing value is an error
}

// A value is what a record has in a slot. Its text may be the record's memory.
type value struct {
	text    []byte
	number  float64
	missing bool
}

func newColumns(s *spec.Spec) columns {
	c := columns{
		missing: s.Data.Missing,
		key:     slices.Index(s.Data.Columns, s.Key),
		target:  newTargetColumns(s),
	}
	for i := range s.Features {
		if f := &s.Features[i]; f.Kind != spec.Cross {
			c.use(s, f)
		}
	}
	return c
}

// use adds the feature's column, or a use of it.
func (c *columns) use(s *spec.Spec, f *spec.Feature) {
	i := c.slot(f.Column)
	if i < 0 {
		i = len(c.slots)
		c.slots = append(c.slots, slot{name: f.Column, index: slices.Index(s.Data.Columns, f.Column)})
	}
	at := &c.slots[i]
	if f.Kind == spec.Numeric || f.Kind == spec.Bucketize {
		at.number = true
	} else {
		at.text = true
	}
	at.trim = !s.Data.KeepSpace || !at.text
}

// slot is the index of a column's slot, or -1.
func (c *columns) slot(column string) int {
	return slices.IndexFunc(c.slots, func(s slot) bool { return s.name == column })
}

// raw is what a record has in a slot, as it stands.
func (c *columns) raw(slot int, fields [][]byte) []byte { return field(fields, c.slots[slot].index) }

// read reads what a record has in a slot.
func (c *columns) read(slot int, raw []byte) (v value, err error) {
	s := &c.slots[slot]
	if s.index < 0 {
		return v, columnError(s.name, nil, "is not among the data's columns; add it to data.columns")
	}
	if v.text = raw; s.trim {
		v.text = Trim(raw)
	}
	if v.missing = c.isMissing(v.text); v.missing {
		if s.required {
			return v, columnError(s.name, nil, "has no value, and every record of the training data had one; give it a value")
		}
		return v, nil
	}
	if s.number {
		if v.number, err = ParseNumber(Trim(v.text)); err != nil {
			return v, columnError(s.name, v.text, "%v", err)
		}
	}
	return v, nil
}

// field is a record's field as it stands, nil where the record has none.
func field(fields [][]byte, index int) []byte {
	if uint(index) >= uint(len(fields)) {
		return nil
	}
	return fields[index]
}

func (c *columns) isMissing(text []byte) bool {
	if len(text) == 0 {
		return true
	}
	for _, m := range c.missing {
		if string(text) == m {
			return true
		}
	}
	return false
}

// Trim removes ASCII space from both ends: what is left is a field's value. The result is a part of b.
func Trim(b []byte) []byte {
	for len(b) > 0 && isSpace(b[0]) {
		b = b[1:]
	}
	for len(b) > 0 && isSpace(b[len(b)-1]) {
		b = b[:len(b)-1]
	}
	return b
}

func isSpace(c byte) bool { return c == ' ' || c >= '\t' && c <= '\r' }
