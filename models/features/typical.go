package features

import (
	"math"
	"slices"
	"strconv"

	"github.com/penstock-ml/penstock/models/spec"
)

// Typical returns a typical value for each of the spec's data.columns, as a record
// has it: of numbers the mean (behind log1p, if so transformed) in four digits, of
// a vocabulary the most frequent word. It is empty where nothing is known, as of
// hashed columns and those that no feature reads.
func Typical(s *spec.Spec, f *Fitted) []string {
	values := make([]string, len(s.Data.Columns))
	for _, kind := range []string{spec.Bucketize, spec.Numeric, spec.Vocabulary} { // what tells most comes last
		for i := range s.Features {
			feature := &s.Features[i]
			if at := slices.Index(s.Data.Columns, feature.Column); feature.Kind == kind && at >= 0 {
				values[at] = typical(feature, &f.Features[i])
			}
		}
	}
	return values
}

func typical(f *spec.Feature, fitted *FittedFeature) string {
	switch f.Kind {
	case spec.Vocabulary:
		if len(fitted.Vocabulary) == 0 {
			return ""
		}
		return fitted.Vocabulary[0]
	case spec.Bucketize:
		boundaries := bucketBoundaries(f, fitted)
		if len(boundaries) == 0 {
			return ""
		}
		return fourDigits(boundaries[len(boundaries)/2])
	}
	mean := fitted.Number.Mean
	if f.Has(spec.Log1p) {
		mean = math.Expm1(mean)
	}
	return fourDigits(mean)
}

func fourDigits(x float64) string {
	rounded, _ := strconv.ParseFloat(strconv.FormatFloat(x, 'e', 3, 64), 64)
	return strconv.FormatFloat(rounded, 'f', -1, 64)
}

// AppendTypical adds a record of typical values, and missing ones where none is
// known, even if training saw none that were missing.
func (e *Encoder) AppendTypical(rows *Rows, s *spec.Spec, f *Fitted) error {
	fields := make([][]byte, len(s.Data.Columns))
	for i, text := range Typical(s, f) {
		if text != "" {
			fields[i] = []byte(text)
		}
	}
	lenient := *e
	lenient.columns.slots = slices.Clone(e.columns.slots)
	for i := range lenient.columns.slots {
		lenient.columns.slots[i].required = false
	}
	return lenient.AppendUnlabelled(rows, fields)
}
