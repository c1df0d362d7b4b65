package features

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/penstock-ml/penstock/models/spec"
)

// Fit turns the statistics of all training records into what encoding needs.
// The spec is the one that they were gathered for.
func (st *Statistics) Fit(s *spec.Spec) (*Fitted, error) {
	st.settle()
	c := newColumns(s)
	l := newStatisticsLayout(s, &c)
	if st.isZero() || st.records == 0 {
		return nil, errors.New("the training data has no records; check the training files")
	}
	if st.mixed || len(st.missing) != len(c.slots) || len(st.numbers) != len(l.numbers) || len(st.texts) != len(l.texts) || len(st.spreads) != len(l.spreads) || len(st.most) != len(l.bags) {
		return nil, errors.New("the statistics were gathered for another spec; run the analysis again")
	}
	f := &Fitted{Version: fittedVersion, Records: st.records, Features: make([]FittedFeature, len(s.Features))}
	var err error
	if f.Label, err = st.target.fitLabel(s, st.records); err != nil {
		return nil, err
	}
	if f.Weight, err = st.target.fitWeight(s, st.records); err != nil {
		return nil, err
	}
	for i := range s.Features {
		if s.Features[i].Kind == spec.Cross {
			continue
		}
		if f.Features[i], err = st.fitFeature(&s.Features[i], &c, &l); err != nil {
			return nil, err
		}
	}
	return f, fitCrosses(s, f)
}

func (st *Statistics) fitFeature(f *spec.Feature, c *columns, l *statisticsLayout) (FittedFeature, error) {
	slot := c.slot(f.Column)
	fitted := FittedFeature{Name: f.Name, Kind: f.Kind, Missing: st.missing[slot]}
	if fitted.Missing == st.records {
		return fitted, fmt.Errorf("column %s has no value in any record of the training data; remove feature %s", f.Column, f.Name)
	}
	switch f.Kind {
	case spec.Numeric:
		fitted.Number = st.numbers[l.number(slot, f)].fit(st.records - fitted.Missing)
		if f.Has(spec.PiecewiseLinear) {
			fitted.Boundaries = st.edges(f, fitted.Number, l.spread(slot))
		}
		return fitted, nil
	case spec.Bucketize:
		if f.NeedsQuantiles() {
			fitted.Boundaries = st.spreads[l.spread(slot)].boundaries(f.Quantiles)
		}
	case spec.Vocabulary:
		fitted.Vocabulary = st.texts[l.text(slot, f)].vocabulary(f.MinCount, f.TopK)
	}
	if f.Separator != "" {
		fitted.Values = max(1, int(st.most[l.bag(slot, f)]))
	}
	fitted.Size = sizeOf(f, &fitted)
	if fitted.Size > math.MaxInt32 {
		return fitted, fmt.Errorf("column %s has %d distinct values, too many for a vocabulary; give feature %s a top_k, or hash it", f.Column, len(fitted.Vocabulary), f.Name)
	}
	return fitted, nil
}

// edges are the ends of the intervals of a piecewise-linear feature, ascending. A number that is always the same has one
// interval, which begins there.
func (st *Statistics) edges(f *spec.Feature, number *FittedNumber, spread int) []float64 {
	edges := slices.Concat([]float64{number.Min}, st.spreads[spread].boundaries(f.Quantiles), []float64{number.Max})
	slices.Sort(edges) // boundaries are values in fewer digits, where there are many
	edges = slices.Compact(edges)
	if len(edges) == 1 {
		edges = append(edges, math.Nextafter(edges[0], math.Inf(1)))
	}
	return edges
}

// bucketBoundaries are those of a bucketize feature: the spec's, or what the training data made of its quantiles.
func bucketBoundaries(f *spec.Feature, fitted *FittedFeature) []float64 {
	if f.NeedsQuantiles() {
		return fitted.Boundaries
	}
	return f.Boundaries
}

// sizeOf is the number of ids of a categorical feature that is no cross.
func sizeOf(f *spec.Feature, fitted *FittedFeature) int {
	size := 0
	switch f.Kind {
	case spec.Vocabulary:
		size = len(fitted.Vocabulary) + f.OOVBuckets
	case spec.Hash:
		size = f.Buckets
	case spec.Bucketize:
		size = len(bucketBoundaries(f, fitted)) + 1
	}
	if fitted.Missing > 0 || f.Separator != "" { // the last id is that of no value
		size++
	}
	return size
}
