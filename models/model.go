package models

import (
	"fmt"

	"github.com/penstock-ml/penstock/models/features"
	"github.com/penstock-ml/penstock/models/ops"
	"github.com/penstock-ml/penstock/models/spec"
	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// A Model is a network and its parameters. Both methods may be called many
// times and must give the same each time; a Model holds no weights.
type Model interface {
	// Params lists the parameters in a fixed order.
	Params() []Param
	// Logits adds the network to in.Graph and returns its outputs, float32
	// [batch], or [batch, outputs] where the layout's Target asks for more
	// than one: the log-odds of the second of two classes, logits of more,
	// or a number in deviations from its mean. Every parameter must have an
	// effect on them. Those of a row may depend on that row alone.
	Logits(in *Inputs) (*gorgonia.Node, error)
}

// A Kind makes models of one sort from specs.
type Kind interface {
	// New checks the model section of a spec and builds its model for rows
	// of the given layout. Errors carry the line and column of the spec. It
	// also checks that every group of parameters has an optimizer, for
	// which there is [CheckGroups].
	New(s *spec.Spec, layout *features.Layout) (Model, error)
}

// Inputs are the nodes that a network starts from.
type Inputs struct {
	Graph   *gorgonia.ExprGraph
	Batch   int // rows
	Layout  *features.Layout
	Numeric *gorgonia.Node // float32 [batch, numerics], nil when there are none
	IDs     *gorgonia.Node // int32 [batch, categoricals], nil when there are none
	Keys    *gorgonia.Node // int32 [batch, 1], of random numbers; nil but in training

	params map[string]*gorgonia.Node
}

// NewInputs makes a graph with one node for each input and each parameter.
func NewInputs(params []Param, layout *features.Layout, batch int) *Inputs {
	in := &Inputs{
		Graph:  gorgonia.NewGraph(),
		Batch:  batch,
		Layout: layout,
		params: make(map[string]*gorgonia.Node, len(params)),
	}
	if n := len(layout.Numeric); n > 0 {
		in.Numeric = newNode(in.Graph, tensor.Float32, "input:numeric", batch, n)
	}
	if n := len(layout.Categorical); n > 0 {
		in.IDs = newNode(in.Graph, tensor.Int32, "input:ids", batch, n)
	}
	for _, p := range params {
		in.params[p.Name] = newNode(in.Graph, tensor.Float32, "param:"+p.Name, p.Shape...)
	}
	return in
}

// Train adds what a network may have in training alone: keys for [Inputs.Dropout].
func (in *Inputs) Train() { in.Keys = newNode(in.Graph, tensor.Int32, "input:keys", in.Batch, 1) }

// Dropout returns x with a share of its elements set to zero and the others scaled,
// in training, and x itself elsewhere; see [ops.Dropout].
func (in *Inputs) Dropout(x *gorgonia.Node, rate float64, layer int) (*gorgonia.Node, error) {
	if in.Keys == nil || rate == 0 {
		return x, nil
	}
	return ops.Dropout(x, in.Keys, rate, layer)
}

// Gorgonia tells input nodes apart by name, hence the prefixes.
func newNode(g *gorgonia.ExprGraph, of tensor.Dtype, name string, shape ...int) *gorgonia.Node {
	return gorgonia.NewTensor(g, of, len(shape), gorgonia.WithShape(shape...), gorgonia.WithName(name))
}

// Param returns the node of a parameter, in the parameter's shape. It panics
// when the model's Params do not list the name.
func (in *Inputs) Param(name string) *gorgonia.Node {
	node, ok := in.params[name]
	if !ok {
		panic(fmt.Sprintf("models: the model asks for the parameter %q, which its Params do not list", name))
	}
	return node
}
