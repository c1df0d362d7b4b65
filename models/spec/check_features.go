package spec

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"
)

func (s *Spec) checkFeatures(l *list) {
	if len(s.Features) == 0 {
		l.required("features")
		if _, found := find(l.root, path("features")); found {
			l.at(path("features"), "features is empty; a model needs at least one")
		}
	}
	var names []string
	for i := range s.Features {
		f := &s.Features[i]
		at := path("features", i)
		l.checkName(at, f.Name, names)
		names = append(names, f.Name)
		if l.has(at, "kind") && l.oneOf(append(at, "kind"), f.Kind, kinds(featureKeys)) {
			l.onlyKeys(at, f.Kind, "features", append([]string{"name", "kind"}, featureKeys[f.Kind]...), Feature{})
			s.checkFeature(l, at, f)
		}
	}
}

func (l *list) checkName(at []string, name string, before []string) {
	if !l.has(at, "name") {
		return
	}
	if name == "" {
		l.at(append(at, "name"), "%s.name is empty", dotted(at))
	} else if slices.Contains(before, name) {
		l.at(append(at, "name"), "a feature called %q stands above; give this one another name", name)
	}
}

// has complains if the mapping at the path lacks the key.
func (l *list) has(at []string, key string) bool {
	mapping, ok := find(l.root, at)
	if !ok || mapping.Kind != yaml.MappingNode {
		return false
	}
	if l.lacks(mapping, key) {
		l.node(mapping, "%s has no %s", dotted(at), key)
	}
	return child(mapping, key) != nil
}

// onlyKeys complains about keys that the struct has and its kind does not.
func (l *list) onlyKeys(at []string, kind, what string, allowed []string, zero any) {
	for _, key := range keysOf(zero) {
		if !slices.Contains(allowed, key) {
			l.without(at, key, fmt.Sprintf("%s of kind %s have no %%s; their keys are %s", what, kind, strings.Join(allowed, ", ")))
		}
	}
}

func (s *Spec) checkFeature(l *list, at []string, f *Feature) {
	switch f.Kind {
	case Numeric:
		l.checkTransform(append(slices.Clip(at), "transform"), f.Transform)
		l.checkPiecewise(at, f)
	case Vocabulary:
		l.checkVocabulary(at, f)
	case Hash:
		l.checkBuckets(at, f)
	case Bucketize:
		l.checkIntervals(at, f)
	case Cross:
		l.checkBuckets(at, f)
		s.checkCross(l, at, f)
	}
}

func (l *list) checkTransform(p []string, steps []string) {
	for i, step := range steps {
		at := append(slices.Clip(p), fmt.Sprint(i))
		switch {
		case !l.oneOf(at, step, []string{Log1p, ZScore, MinMax, PiecewiseLinear}):
		case slices.Contains(steps[:i], step):
			l.at(at, "%s has %s twice; remove one", dotted(p), step)
		case step == Log1p && i > 0:
			l.at(at, "log1p must stand first: the results of other steps may be below -1")
		case i > 0 && steps[i-1] != Log1p:
			l.at(at, "%s cannot follow %s; choose one of them", step, steps[i-1])
		case step == PiecewiseLinear && i > 0:
			l.at(at, "piecewise_linear stands alone: its intervals are the same with log1p and without")
		}
	}
}

// Bounds of quantiles.
const (
	fewestQuantiles = 2
	mostQuantiles   = 1000
)

func (l *list) checkQuantiles(at []string, n int) {
	if p := append(slices.Clip(at), "quantiles"); n < fewestQuantiles || n > mostQuantiles {
		l.at(p, "%s is %d; it must be from %d to %d", dotted(p), n, fewestQuantiles, mostQuantiles)
	}
}

// checkPiecewise: quantiles and piecewise_linear go together.
func (l *list) checkPiecewise(at []string, f *Feature) {
	piecewise := slices.Contains(f.Transform, PiecewiseLinear)
	switch {
	case f.Quantiles != 0 && !piecewise:
		l.at(append(slices.Clip(at), "quantiles"), "%s has quantiles, which only piecewise_linear among its steps would use; add it to transform, or bucketize the column", dotted(at))
	case piecewise:
		l.checkQuantiles(at, f.Quantiles)
	}
}

// checkIntervals: a bucketize feature has boundaries or quantiles.
func (l *list) checkIntervals(at []string, f *Feature) {
	switch {
	case len(f.Boundaries) > 0 && f.Quantiles != 0:
		l.at(append(slices.Clip(at), "quantiles"), "%s has boundaries and quantiles; give one of them", dotted(at))
	case f.Quantiles != 0:
		l.checkQuantiles(at, f.Quantiles)
	default:
		l.checkBoundaries(at, f.Boundaries)
	}
}

func (l *list) checkVocabulary(at []string, f *Feature) {
	l.atLeast(append(at, "oov_buckets"), int64(f.OOVBuckets), 0)
	l.atMost(append(at, "oov_buckets"), f.OOVBuckets)
	l.atLeast(append(at, "min_count"), f.MinCount, 1)
	l.atLeast(append(at, "top_k"), int64(f.TopK), 0)
	if f.OOVBuckets == 0 && (f.MinCount > 1 || f.TopK > 0) {
		l.at(append(at, "oov_buckets"), "%s.oov_buckets is 0, so the values that min_count or top_k leave out would have no id; make it at least 1", dotted(at))
	}
}

func (l *list) checkBuckets(at []string, f *Feature) {
	if l.has(at, "buckets") {
		l.atLeast(append(at, "buckets"), int64(f.Buckets), 1)
		l.atMost(append(at, "buckets"), f.Buckets)
	}
}

// maxBuckets leaves room in an int32 for the ids that a vocabulary and a
// missing value add.
const maxBuckets = 1 << 30

func (l *list) atMost(p []string, value int) {
	if value > maxBuckets {
		l.at(p, "%s is %d; it must be at most %d", dotted(p), value, maxBuckets)
	}
}

func (l *list) checkBoundaries(at []string, boundaries []float64) {
	if !l.has(at, "boundaries") {
		return
	}
	if len(boundaries) == 0 {
		l.at(append(at, "boundaries"), "%s.boundaries is empty; give at least one number", dotted(at))
	}
	last := math.Inf(-1)
	for i, b := range boundaries {
		if b <= last {
			l.at(append(at, "boundaries", fmt.Sprint(i)), "boundaries must increase, and %v follows %v", b, last)
		}
		last = b
	}
}

func (s *Spec) checkCross(l *list, at []string, f *Feature) {
	if !l.has(at, "features") {
		return
	}
	at = append(at, "features")
	if len(f.Features) < 2 {
		l.at(at, "a cross combines at least two features, and %q has %d", f.Name, len(f.Features))
	}
	for i, name := range f.Features {
		part := append(slices.Clip(at), fmt.Sprint(i))
		if slices.Contains(f.Features[:i], name) {
			l.at(part, "cross %q names %q twice; remove one", f.Name, name)
			continue
		}
		s.checkPart(l, part, f.Name, name)
	}
}

// checkPart complains about a component of a cross that is none.
func (s *Spec) checkPart(l *list, at []string, cross, name string) {
	part, ok := s.Feature(name)
	switch {
	case !ok:
		l.at(at, "cross %q combines %q, which is no feature%s", cross, name, DidYouMean(name, s.crossable()))
	case part.Kind == Numeric:
		l.at(at, "cross %q combines %q, which is numeric; bucketize it and cross that", cross, name)
	case part.Separator != "":
		l.at(at, "cross %q combines %q, of which a record has several values; a cross needs one of each", cross, name)
	case part.Kind == Cross:
		l.at(at, "cross %q combines %q, which is a cross; name the features of that one instead", cross, name)
	}
}

func (s *Spec) crossable() []string {
	var names []string
	for _, f := range s.Features {
		if f.Categorical() && f.Kind != Cross && f.Separator == "" {
			names = append(names, f.Name)
		}
	}
	return names
}
