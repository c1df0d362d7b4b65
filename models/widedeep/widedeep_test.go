package widedeep_test

import (
	"testing"

	"github.com/penstock-ml/penstock/models"
	"github.com/penstock-ml/penstock/models/features"
	"github.com/penstock-ml/penstock/models/modeltest"
	"github.com/penstock-ml/penstock/models/spec"
	"github.com/penstock-ml/penstock/models/widedeep"
)

// bags has a feature with three values a record beside others.
var bags = &features.Layout{
	Numeric: []string{"age"},
	Categorical: []features.Categorical{
		{Name: "job", Size: 5}, {Name: "tags", Size: 9}, {Name: "tags", Size: 9}, {Name: "tags", Size: 9}, {Name: "school", Size: 4},
		{Name: "words", Size: 70_000}, {Name: "words", Size: 70_000},
	},
}

// Rows of a feature with several values add up, wherever it is used.
func TestConformanceOfSeveralValues(t *testing.T) {
	for name, c := range map[string]config{
		"wide":        {Wide: []string{"job", "tags"}, Deep: deep{Hidden: []int{}}},
		"sparse wide": {Wide: []string{"words", "tags"}, Deep: deep{Hidden: []int{}}},
		"indicator":   {Deep: deep{Indicator: []string{"tags", "job"}, Hidden: []int{6}}},
		"embedding":   {Deep: deep{Embedding: []embedding{{"job", 2}, {"school", 3}, {"tags", 4}, {"words", 2}}, Numeric: []string{"age"}, Hidden: []int{7}, Activation: "tanh"}},
		"all": {Wide: []string{"tags"}, Deep: deep{
			Indicator: []string{"tags"}, Embedding: []embedding{{"tags", 3}}, Hidden: []int{5},
		}},
	} {
		t.Run(name, func(t *testing.T) {
			modeltest.Run(t, func(t *testing.T) (models.Model, *features.Layout) {
				m, err := widedeep.NewModel(newSpec(t, c), bags)
				if err != nil {
					t.Fatal(err)
				}
				return m, bags
			})
		})
	}
}

var layout = &features.Layout{
	Numeric: []string{"age", "hours", "gain"},
	Categorical: []features.Categorical{
		{Name: "job", Size: 15}, {Name: "school", Size: 17}, {Name: "country", Size: 43},
		{Name: "job_x_school", Size: 300}, {Name: "everything", Size: 70_000},
	},
}

type (
	config    = widedeep.Config
	deep      = widedeep.DeepConfig
	embedding = widedeep.EmbeddingConfig
)

var configs = map[string]config{
	"wide only":   {Wide: []string{"job", "school", "job_x_school"}, Deep: deep{Hidden: []int{}}},
	"sparse wide": {Wide: []string{"everything", "job"}, Deep: deep{Numeric: []string{"age"}, Hidden: []int{4}}},
	"deep only": {Deep: deep{
		Numeric:   []string{"gain", "age"},
		Indicator: []string{"school"},
		Embedding: []embedding{{"job", 3}, {"country", 8}},
		Hidden:    []int{20, 9},
	}},
	"wide and deep": {
		Wide: []string{"job", "job_x_school"},
		Deep: deep{
			Numeric:   []string{"age", "hours", "gain"},
			Indicator: []string{"job", "school"},
			Embedding: []embedding{{"country", 8}},
			Hidden:    []int{100, 33, 17},
		},
	},
	"numbers only":     {Deep: deep{Numeric: []string{"age", "hours", "gain"}, Hidden: []int{16}}},
	"indicators only":  {Deep: deep{Indicator: []string{"job", "country"}, Hidden: []int{10, 5}}},
	"embeddings only":  {Deep: deep{Embedding: []embedding{{"job", 4}}, Hidden: []int{6}}},
	"sparse embedding": {Deep: deep{Embedding: []embedding{{"everything", 2}}, Hidden: []int{6}}},
	"no hidden layers": {
		Wide: []string{"school"},
		Deep: deep{
			Numeric:   []string{"age"},
			Indicator: []string{"job"},
			Embedding: []embedding{{"country", 2}},
			Hidden:    []int{},
		},
	},
	"large layers": {Deep: deep{
		Numeric:   []string{"age", "hours"},
		Indicator: []string{"country"},
		Hidden:    []int{512, 256},
	}},
	"tanh":    {Wide: []string{"job"}, Deep: deep{Numeric: []string{"age", "gain"}, Hidden: []int{12, 40}, Activation: "tanh"}},
	"sigmoid": {Deep: deep{Numeric: []string{"age"}, Indicator: []string{"job"}, Hidden: []int{33}, Activation: "sigmoid"}},
	"silu":    {Deep: deep{Indicator: []string{"job"}, Hidden: []int{7, 40}, Activation: "silu"}},
	"linear":  {Deep: deep{Numeric: []string{"age"}, Indicator: []string{"job"}, Hidden: []int{}}},
}

// newSpec makes a spec whose model section is the config.
func newSpec(t testing.TB, c config) *spec.Spec {
	t.Helper()
	section, err := spec.NewSection(widedeep.Name, c)
	if err != nil {
		t.Fatal(err)
	}
	return &spec.Spec{Model: section, Training: spec.Training{Optimizer: map[string]spec.Optimizer{
		widedeep.Wide: {Kind: spec.FTRL}, widedeep.Deep: {Kind: spec.Adam},
	}}}
}

func TestConformance(t *testing.T) {
	for name, c := range configs {
		t.Run(name, func(t *testing.T) {
			modeltest.Run(t, func(t *testing.T) (models.Model, *features.Layout) {
				return newModel(t, c), layout
			})
		})
	}
}

// TestConformanceOfOtherTargets: of more classes, up to as many as make the tables sparse, and of numbers.
func TestConformanceOfOtherTargets(t *testing.T) {
	for name, target := range map[string]features.Target{
		"classes":      {Outputs: 3, Loss: spec.LogLoss},
		"many classes": {Outputs: 300, Loss: spec.LogLoss},
		"number":       {Loss: spec.SquaredError},
		"huber":        {Loss: spec.Huber},
	} {
		other := *layout
		other.Target = target
		for _, c := range []string{"wide only", "wide and deep", "no hidden layers"} {
			t.Run(name+", "+c, func(t *testing.T) {
				modeltest.Run(t, func(t *testing.T) (models.Model, *features.Layout) {
					m, err := widedeep.NewModel(newSpec(t, configs[c]), &other)
					if err != nil {
						t.Fatal(err)
					}
					return m, &other
				})
			})
		}
	}
}

func newModel(t testing.TB, c config) models.Model {
	t.Helper()
	m, err := widedeep.NewModel(newSpec(t, c), layout)
	if err != nil {
		t.Fatal(err)
	}
	return m
}
