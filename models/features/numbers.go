package features

import (
	"math"

	"github.com/penstock-ml/penstock/models/spec"
)

// transform is the number, or log(1+x) of it where its logarithm is asked for.
func transform(v *value, logarithm bool, column string) (float64, error) {
	if !logarithm || v.number == 0 {
		return v.number, nil
	}
	if v.number <= -1 {
		return 0, columnError(column, v.text, "has no log1p, which is defined above -1; correct the value, or remove log1p from the feature's transform")
	}
	return log1p(v.number), nil
}

// numberEncoder encodes a numeric feature.
type numberEncoder struct {
	log1p, zscore   bool
	minmax          bool
	mean, deviation float64
	min, max        float64
	missing         float32
	edges           []float64 // of the intervals, where it is piecewise linear
	indicated       bool      // one more number tells missing values
}

func newNumberEncoder(f *spec.Feature, fitted *FittedFeature) numberEncoder {
	n := numberEncoder{
		log1p:     f.Has(spec.Log1p),
		zscore:    f.Has(spec.ZScore),
		mean:      fitted.Number.Mean,
		deviation: fitted.Number.Deviation,
		minmax:    f.Has(spec.MinMax),
		min:       fitted.Number.Min,
		max:       fitted.Number.Max,
		indicated: fitted.Missing > 0,
	}
	if f.Has(spec.PiecewiseLinear) {
		n.edges = fitted.Boundaries
	}
	switch {
	case n.minmax && n.max > n.min:
		n.missing = float32((n.mean - n.min) / (n.max - n.min))
	case !n.zscore && !n.minmax:
		n.missing = float32(n.mean)
	}
	return n
}

// encode writes the feature's numbers at the beginning of a row, and returns the rest of it.
func (n *numberEncoder) encode(row []float32, v *value, column string) (rest []float32, err error) {
	if n.edges != nil {
		row = row[n.encodePiecewise(row, v):]
	} else {
		if row[0], err = n.encodeOne(v, column); err != nil {
			return nil, err
		}
		row = row[1:]
	}
	if !n.indicated {
		return row, nil
	}
	row[0] = 0
	if v.missing {
		row[0] = 1
	}
	return row[1:], nil
}

func (n *numberEncoder) encodeOne(v *value, column string) (float32, error) {
	if v.missing {
		return n.missing, nil
	}
	x, err := transform(v, n.log1p, column)
	if err != nil {
		return 0, err
	}
	switch {
	case n.zscore && n.deviation == 0:
		return 0, nil
	case n.zscore:
		x = (x - n.mean) / n.deviation
	case n.minmax && n.max == n.min:
		return 0, nil
	case n.minmax:
		x = (x - n.min) / (n.max - n.min)
	}
	if math.Abs(x) > math.MaxFloat32 {
		return 0, columnError(column, v.text, "is beyond the range of float32; correct it, or scale the feature by zscore")
	}
	return float32(x), nil
}

// encodePiecewise writes how far the number has come through each interval, and returns how many there are. A missing one
// is where the mean is.
func (n *numberEncoder) encodePiecewise(row []float32, v *value) int {
	x := v.number
	if v.missing {
		x = n.mean
	}
	for i := range len(n.edges) - 1 {
		from, to := n.edges[i], n.edges[i+1]
		row[i] = float32(min(max((x-from)/(to-from), 0), 1))
	}
	return len(n.edges) - 1
}
