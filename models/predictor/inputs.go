package predictor

import (
	"slices"

	"github.com/penstock-ml/penstock/models/features"
	"github.com/penstock-ml/penstock/models/spec"
)

// Input describes a column that instances may have, for people and programs that make some.
type Input struct {
	Name string `json:"name"`
	// Type is "number" or "string", or "any" for a column that no feature reads.
	Type     string   `json:"type"`
	Required bool     `json:"required"`         // training saw it in every record
	Example  string   `json:"example"`          // a typical value, empty where none is known
	Values   []string `json:"values,omitempty"` // words of the vocabulary, where they are few
}

// fewWords is up to how many words an Input lists.
const fewWords = 100

// Inputs lists the columns of instances, in the order of the spec's data.columns and without the label's.
func (p *Predictor) Inputs() []Input {
	var inputs []Input
	typical := features.Typical(p.spec, p.fitted)
	for i, column := range p.spec.Data.Columns {
		if column != p.spec.Label.Column {
			input := Input{Name: column, Type: "any", Example: typical[i]}
			p.describe(&input)
			inputs = append(inputs, input)
		}
	}
	return inputs
}

// describe adds what the features of a column know of it.
func (p *Predictor) describe(input *Input) {
	if input.Name == p.spec.Key {
		input.Type = "string"
	}
	for i := range p.spec.Features {
		f, fitted := &p.spec.Features[i], &p.fitted.Features[i]
		if f.Column != input.Name || f.Kind == spec.Cross {
			continue
		}
		input.Required = input.Required || fitted.Missing == 0
		if f.Kind == spec.Numeric || f.Kind == spec.Bucketize {
			input.Type = "number"
		} else if input.Type != "number" {
			input.Type = "string"
		}
		if words := fitted.Vocabulary; len(words) <= fewWords && words != nil {
			input.Values = slices.Clone(words)
		}
	}
}
