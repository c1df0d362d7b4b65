package widedeep

import (
	"slices"
	"strconv"
	"strings"

	"github.com/penstock-ml/penstock/models/features"
	"github.com/penstock-ml/penstock/models/ops"
	"github.com/penstock-ml/penstock/models/spec"
)

// A Config is the model section of a spec.
type Config struct {
	Wide []string   `yaml:"wide,omitempty"` // categorical features
	Deep DeepConfig `yaml:"deep,omitempty"`
}

// A DeepConfig says what the deep part is made of. Without inputs there is none.
type DeepConfig struct {
	Numeric    []string          `yaml:"numeric,omitempty"`
	Indicator  []string          `yaml:"indicator,omitempty"` // categorical features, one-hot
	Embedding  []EmbeddingConfig `yaml:"embedding,omitempty"`
	Hidden     []int             `yaml:"hidden"`               // units of the hidden layers, from the inputs on
	Activation string            `yaml:"activation,omitempty"` // of the hidden layers: relu, tanh, sigmoid or silu
	Dropout    float64           `yaml:"dropout,omitempty"`    // share of the hidden units that a step does without
}

// An EmbeddingConfig is one embedded feature.
type EmbeddingConfig struct {
	Feature   string `yaml:"feature"`   // categorical
	Dimension int    `yaml:"dimension"` // floats an id
}

// The hidden layers where the section does not say: those of the census
// walkthrough of Cloud ML Engine.
var defaultHidden = []int{100, 70, 50, 34}

const relu = "relu"

// parse reads and checks the section.
func parse(section *spec.Section, layout *features.Layout) (*Config, error) {
	config := &Config{Deep: DeepConfig{Hidden: slices.Clone(defaultHidden), Activation: relu}}
	if err := section.Decode(config); err != nil {
		return nil, err
	}
	c := checker{section, layout}
	if err := c.check(config); err != nil {
		return nil, err
	}
	return config, nil
}

// A checker finds the first thing that is wrong with a section.
type checker struct {
	*spec.Section
	layout *features.Layout
}

func (c *checker) check(config *Config) error {
	deep := &config.Deep
	if len(config.Wide) == 0 && !deep.hasInputs() {
		return c.Errorf(nil, "the model has no inputs: list features under wide, or under deep as numeric, indicator or embedding")
	}
	if err := c.checkNames(config.Wide, c.categorical, "wide"); err != nil {
		return err
	}
	if err := c.checkNames(deep.Numeric, c.numeric, "deep", "numeric"); err != nil {
		return err
	}
	if err := c.checkNames(deep.Indicator, c.categorical, "deep", "indicator"); err != nil {
		return err
	}
	if err := c.checkEmbeddings(deep.Embedding); err != nil {
		return err
	}
	return c.checkLayers(deep)
}

func (d *DeepConfig) hasInputs() bool {
	return len(d.Numeric)+len(d.Indicator)+len(d.Embedding) > 0
}

// checkNames fails on names that a lookup does not find, or that come twice.
func (c *checker) checkNames(names []string, check func(name string, path []string) error, list ...string) error {
	for i, name := range names {
		path := at(list, i)
		if slices.Contains(names[:i], name) {
			return c.Errorf(path, "feature %q is listed twice: remove one", name)
		}
		if err := check(name, path); err != nil {
			return err
		}
	}
	return nil
}

// at is the path of a list's element and of what is in it.
func at(list []string, i int, field ...string) []string {
	return append(append(slices.Clone(list), strconv.Itoa(i)), field...)
}

func (c *checker) categorical(name string, path []string) error {
	switch {
	case len(categoricalColumns(c.layout, name)) > 0:
		return nil
	case slices.Contains(c.layout.Numeric, name):
		return c.Errorf(path, "feature %q is numeric, and a categorical one is needed here: add a bucketize feature of its column", name)
	default:
		return c.Errorf(path, "there is no feature %q: add it to features", name)
	}
}

func (c *checker) numeric(name string, path []string) error {
	switch {
	case slices.Contains(c.layout.Numeric, name):
		return nil
	case len(categoricalColumns(c.layout, name)) > 0:
		return c.Errorf(path, "feature %q is categorical, and a numeric one is needed here: list it under indicator or embedding", name)
	default:
		return c.Errorf(path, "there is no feature %q: add it to features", name)
	}
}

func (c *checker) checkEmbeddings(embeddings []EmbeddingConfig) error {
	list := []string{"deep", "embedding"}
	var names []string
	for i, e := range embeddings {
		if slices.Contains(names, e.Feature) {
			return c.Errorf(at(list, i), "feature %q is embedded twice: remove one", e.Feature)
		}
		names = append(names, e.Feature)
		if err := c.categorical(e.Feature, at(list, i, "feature")); err != nil {
			return err
		}
		if e.Dimension < 1 {
			return c.Errorf(at(list, i, "dimension"), "the embedding of %q has dimension %d: give it at least 1", e.Feature, e.Dimension)
		}
	}
	return nil
}

func (c *checker) checkLayers(deep *DeepConfig) error {
	for i, units := range deep.Hidden {
		if units < 1 {
			return c.Errorf(at([]string{"deep", "hidden"}, i), "a hidden layer has %d units: give it at least 1", units)
		}
	}
	if known := []string{relu, ops.Tanh, ops.Sigmoid, ops.SiLU}; !slices.Contains(known, deep.Activation) {
		return c.Errorf([]string{"deep", "activation"}, "activation %q is not known: use %s", deep.Activation, strings.Join(known, ", "))
	}
	if deep.Dropout < 0 || deep.Dropout >= 1 {
		return c.Errorf([]string{"deep", "dropout"}, "dropout is %v: it must be at least 0 and below 1", deep.Dropout)
	}
	return nil
}

// categoricalColumns are the columns of a feature among the ids: one, or as many as a record may have values of it.
func categoricalColumns(layout *features.Layout, name string) (columns []int) {
	for i, c := range layout.Categorical {
		if c.Name == name {
			columns = append(columns, i)
		}
	}
	return columns
}

// numericColumns are the columns of a feature among the numbers: one, or as many as it has intervals.
func numericColumns(layout *features.Layout, name string) (columns []int) {
	for i, of := range layout.Numeric {
		if of == name {
			columns = append(columns, i)
		}
	}
	return columns
}
