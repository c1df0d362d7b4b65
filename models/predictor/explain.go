package predictor

import (
	"fmt"
	"math"
	"slices"

	"github.com/penstock-ml/penstock/models/features"
	"github.com/penstock-ml/penstock/models/plan"
)

// Explanation tells what each feature of a record contributes to its prediction, by
// integrated gradients (arXiv 1703.01365) from a typical record, see
// [features.Typical]: the contributions add up to the value less the baseline.
// Values are, of two classes, the logit; of more the logit of the one that is
// predicted; of a number the number.
type Explanation struct {
	Value         float64   // of the record
	Baseline      float64   // of the typical record
	Contributions []float64 // in the order of the spec's features

	name string // of the baseline in JSON
}

const (
	explainPoints = 64   // at a time
	mostPoints    = 8192 // of the line between two records
	// explainTolerance is how far the sum should be from the difference of the logits at most, as part of it or absolute
	// where it is less than 1, and lastTolerance how far it may be after mostPoints. What is left is spread over the
	// contributions in proportion to their sizes.
	explainTolerance = 1e-3
	lastTolerance    = 2e-2
)

// Explainer explains records. It belongs to one goroutine.
type Explainer struct {
	predictor *Predictor
	scorer    *Scorer
	path      *plan.Path
	typical   features.Rows
	baseline  []float32 // outputs
	rows      features.Rows
}

// NewExplainer makes an explainer.
func (p *Predictor) NewExplainer() (*Explainer, error) {
	scorer, err := p.NewScorer(1)
	if err != nil {
		return nil, err
	}
	e := &Explainer{predictor: p, scorer: scorer}
	if e.path, err = plan.CompilePath(p.model, p.arrangement, scorer.encoder.Layout(), explainPoints); err != nil {
		return nil, err
	}
	e.path.Bind(p.weights)
	if err := scorer.encoder.AppendTypical(&e.typical, p.spec, p.fitted); err != nil {
		return nil, fmt.Errorf("the typical record cannot be encoded: %w", err)
	}
	scorer.begin()
	scorer.rows = e.typical
	outputs, err := scorer.run()
	if err != nil {
		return nil, err
	}
	e.baseline = slices.Clone(outputs)
	scorer.rows = features.Rows{}
	return e, nil
}

// Explain explains a record, of which outputs are what the scorer said. Its fields are as for [Scorer.Add].
func (e *Explainer) Explain(fields [][]byte, outputs []float32) (*Explanation, error) {
	fields, err := e.scorer.complete(fields)
	if err != nil {
		return nil, err
	}
	e.rows.Reset()
	if err := e.scorer.encoder.AppendUnlabelled(&e.rows, fields); err != nil {
		return nil, err
	}
	of := e.predictor.form.explained(outputs)
	want := float64(outputs[of.output]) - float64(e.baseline[of.output])
	for n := 4 * explainPoints; ; n *= 2 {
		numbers, ids, err := e.path.Integrate(&e.typical, &e.rows, of.output, n)
		if err != nil {
			return nil, err
		}
		contributions := e.inOrder(numbers, ids)
		rest := want - sum(contributions)
		tolerance := explainTolerance
		if n >= mostPoints {
			tolerance = lastTolerance
		}
		if math.Abs(rest) <= tolerance*max(1, math.Abs(want)) {
			spread(contributions, rest)
			return e.explanation(of, outputs, contributions), nil
		}
		if n >= mostPoints {
			return nil, fmt.Errorf("the contributions add up to %g and not to %g, though %d points were used: the network is too far from smooth to be explained", want-rest, want, n)
		}
	}
}

// explanation reads the numbers as the subject says.
func (e *Explainer) explanation(of subject, outputs []float32, contributions []float64) *Explanation {
	value := func(z float32) float64 { return of.offset + float64(of.scale*float64(z)) }
	for i := range contributions {
		contributions[i] *= of.scale
	}
	return &Explanation{value(outputs[of.output]), value(e.baseline[of.output]), contributions, of.name}
}

// inOrder brings contributions from the order of the layout into that of the spec.
func (e *Explainer) inOrder(numbers, ids []float64) (all []float64) {
	names, words := e.scorer.encoder.Layout().Numeric, e.scorer.encoder.Layout().Categorical
	for i := range e.predictor.spec.Features {
		f := &e.predictor.spec.Features[i]
		of := 0.0 // of all the numbers or values that the feature has
		for f.Categorical() && len(words) > 0 && words[0].Name == f.Name {
			of += ids[0]
			words, ids = words[1:], ids[1:]
		}
		for len(names) > 0 && names[0] == f.Name {
			of += numbers[0]
			names, numbers = names[1:], numbers[1:]
		}
		all = append(all, of)
	}
	return all
}

func sum(x []float64) (s float64) {
	for _, v := range x {
		s += v
	}
	return s
}

// spread adds an amount to numbers in proportion to their sizes.
func spread(x []float64, amount float64) {
	size := 0.0
	for _, v := range x {
		size += math.Abs(v)
	}
	if size == 0 {
		return
	}
	for i, v := range x {
		x[i] += amount * math.Abs(v) / size
	}
}

// AppendExplained appends the prediction of a record with its explanation, a last
// member of the object that [Predictor.AppendJSON] writes:
//
//	"explanation":{"baseline_logit":z,"contributions":{"age":c,...}}
//
// or, of a number, with "baseline_prediction". Its numbers have the digits of a float32.
func (p *Predictor) AppendExplained(dst []byte, outputs []float32, key []byte, x *Explanation) []byte {
	dst = p.AppendJSON(dst, outputs, key)
	dst = AppendString(append(dst[:len(dst)-1], `,"explanation":{`...), []byte(x.name))
	dst = appendFloat(append(dst, ':'), float64(float32(x.Baseline)), 32)
	dst = append(dst, `,"contributions":{`...)
	for i, c := range x.Contributions {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = AppendString(dst, []byte(p.spec.Features[i].Name))
		dst = append(dst, ':')
		dst = appendFloat(dst, float64(float32(c)), 32)
	}
	return append(dst, "}}}"...)
}
