package widedeep

import (
	"fmt"
	"math"

	"github.com/penstock-ml/penstock/models"
	"github.com/penstock-ml/penstock/models/features"
	"github.com/penstock-ml/penstock/models/ops"
	"github.com/penstock-ml/penstock/models/spec"
	"gorgonia.org/gorgonia"
)

// Name is the kind's name in specs.
const Name = "wide_deep"

// Groups of parameters.
const (
	Wide = "wide"
	Deep = "deep"
)

// sparseFloats is the size from which on a table's gradient travels as pairs:
// a batch touches little of it, while all of it would have to be summed.
const sparseFloats = 65_536

func init() { models.Register(Name, Kind{}) }

// Kind is the kind wide_deep. Kinds of one's own may build on it.
type Kind struct{}

// New implements models.Kind.
func (Kind) New(s *spec.Spec, layout *features.Layout) (models.Model, error) {
	config, err := parse(&s.Model, layout)
	if err != nil {
		return nil, err
	}
	m := build(config, layout)
	return m, models.CheckGroups(s, m.params)
}

// A model is the network as a list of layers.
type model struct {
	params     []models.Param
	numeric    []int   // columns of the first layer's numeric inputs
	embeddings []table // its other inputs
	layers     []layer // the last one gives the outputs
	outputs    int     // a row
}

// A layer computes an activation of start + x*weights, where the start is
// the bias plus a row of each table. Names are those of parameters.
type layer struct {
	weights string // "" where there is no x
	bias    string
	tables  []table

	activation string // "" for none
	dropout    float64
	number     int // of a hidden layer, from 1
}

// A table is a parameter whose rows are looked up by columns of ids, of which there are several where a record has
// several values: their rows add up.
type table struct {
	columns []int
	param   string
}

// build lays the network out: the parameters of the wide part first.
func build(config *Config, layout *features.Layout) *model {
	b := builder{model: &model{outputs: layout.Target.Width()}, layout: layout}
	output := b.wide(config.Wide)
	if deep := &config.Deep; deep.hasInputs() {
		width := b.inputs(deep)
		indicators := deep.Indicator
		for i, units := range deep.Hidden {
			prefix := fmt.Sprintf("deep/hidden_%d/", i+1)
			init := models.HeNormal(width + len(indicators))
			hidden := layer{activation: deep.Activation, dropout: deep.Dropout, number: i + 1}
			b.connect(&hidden, prefix, width, indicators, units, init)
			b.layers = append(b.layers, hidden)
			width, indicators = units, nil
		}
		b.connect(&output, "deep/logits/", width, indicators, b.outputs, models.GlorotUniform(width+len(indicators), b.outputs))
	}
	b.layers = append(b.layers, output)
	return b.model
}

// A builder adds parameters to a model.
type builder struct {
	*model
	layout *features.Layout
}

func (b *builder) param(group, name string, init models.Init, shape ...int) string {
	p := models.Param{Name: name, Shape: shape, Group: group, Init: init}
	b.params = append(b.params, p)
	return name
}

// table adds a parameter with a row for each id of a feature.
func (b *builder) table(group, feature, name string, init models.Init, dim int) table {
	columns := categoricalColumns(b.layout, feature)
	size := b.layout.Categorical[columns[0]].Size
	b.param(group, name, init, size, dim)
	b.params[len(b.params)-1].Sparse = size*dim > sparseFloats
	return table{columns, name}
}

// wide starts the output layer with the linear part, if there is one.
func (b *builder) wide(names []string) (output layer) {
	if len(names) == 0 {
		return output
	}
	output.bias = b.param(Wide, "wide/bias", models.Zeros(), b.outputs)
	for _, name := range names {
		output.tables = append(output.tables, b.table(Wide, name, "wide/"+name+"/weights", models.Zeros(), b.outputs))
	}
	return output
}

// inputs adds the numeric and embedded inputs of the deep part and returns
// their number of columns.
func (b *builder) inputs(deep *DeepConfig) (width int) {
	for _, name := range deep.Numeric {
		b.numeric = append(b.numeric, numericColumns(b.layout, name)...)
	}
	width = len(b.numeric)
	for _, e := range deep.Embedding {
		// Each embedded feature starts with the weight of one number.
		init := models.Normal(1 / math.Sqrt(float64(e.Dimension)))
		b.embeddings = append(b.embeddings, b.table(Deep, e.Feature, "deep/embedding/"+e.Feature, init, e.Dimension))
		width += e.Dimension
	}
	return width
}

// connect adds the parameters of a layer of the deep part. The weights of
// one-hot features start like the others: of each feature one input is 1.
func (b *builder) connect(l *layer, prefix string, width int, indicators []string, units int, init models.Init) {
	if width > 0 {
		l.weights = b.param(Deep, prefix+"weights", init, width, units)
	}
	for _, name := range indicators {
		l.tables = append(l.tables, b.table(Deep, name, "deep/indicator/"+name, init, units))
	}
	if l.bias == "" {
		l.bias = b.param(Deep, prefix+"bias", models.Zeros(), units)
	}
}

// Params implements models.Model.
func (m *model) Params() []models.Param { return m.params }

// Logits implements models.Model.
func (m *model) Logits(in *models.Inputs) (*gorgonia.Node, error) {
	x, err := m.firstInputs(in)
	if err != nil {
		return nil, err
	}
	for i := range m.layers {
		if x, err = m.layers[i].apply(in, x); err != nil {
			return nil, err
		}
	}
	if m.outputs > 1 {
		return x, nil
	}
	return ops.Squeeze(x)
}

// firstInputs puts the numbers and embeddings side by side, [batch, width]. It
// returns nil where there are none.
func (m *model) firstInputs(in *models.Inputs) (*gorgonia.Node, error) {
	var parts gorgonia.Nodes
	if len(m.numeric) > 0 {
		numeric, err := ops.Columns(in.Numeric, m.numeric)
		if err != nil {
			return nil, err
		}
		parts = append(parts, numeric)
	}
	embedded, err := m.embed(in)
	if err != nil {
		return nil, err
	}
	parts = append(parts, embedded...)
	switch len(parts) {
	case 0:
		return nil, nil
	case 1:
		return parts[0], nil
	default:
		return ops.Concat(parts...)
	}
}

// embed looks the embeddings up: those of one value together, and of several values their sum.
func (m *model) embed(in *models.Inputs) (parts gorgonia.Nodes, err error) {
	for rest := m.embeddings; len(rest) > 0; {
		n := 1
		for len(rest[0].columns) == 1 && n < len(rest) && len(rest[n].columns) == 1 {
			n++
		}
		columns, tables := nodes(in, rest[:n])
		part, err := ops.Embedding(in.IDs, columns, tables)
		if err == nil && len(rest[0].columns) > 1 {
			part, err = ops.Pool(part, len(rest[0].columns))
		}
		if err != nil {
			return nil, err
		}
		parts, rest = append(parts, part), rest[n:]
	}
	return parts, nil
}

// apply adds the layer to the graph; x is [batch, inputs], or nil.
func (l *layer) apply(in *models.Inputs, x *gorgonia.Node) (start *gorgonia.Node, err error) {
	start = in.Param(l.bias)
	if len(l.tables) > 0 {
		columns, tables := nodes(in, l.tables)
		if start, err = ops.Indicator(start, in.IDs, columns, tables); err != nil {
			return nil, err
		}
	}
	if start, err = l.activate(in, x, start); err != nil {
		return nil, err
	}
	return in.Dropout(start, l.dropout, l.number)
}

// activate adds x*weights, if there is x, and the activation, of which the rectifier is part of the product.
func (l *layer) activate(in *models.Inputs, x, start *gorgonia.Node) (z *gorgonia.Node, err error) {
	z, rectified := start, false
	if l.weights != "" {
		rectified = l.activation == relu
		if z, err = ops.Dense(x, in.Param(l.weights), start, rectified); err != nil {
			return nil, err
		}
	}
	switch {
	case rectified || l.activation == "":
		return z, nil
	case l.activation == relu:
		return ops.ReLU(z)
	default:
		return ops.Activation(l.activation, z)
	}
}

// nodes are the columns and parameters of tables.
func nodes(in *models.Inputs, tables []table) (columns []int, params []*gorgonia.Node) {
	for _, t := range tables {
		for _, column := range t.columns {
			columns = append(columns, column)
			params = append(params, in.Param(t.param))
		}
	}
	return columns, params
}
