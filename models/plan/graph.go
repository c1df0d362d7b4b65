package plan

import (
	"cmp"
	"fmt"
	"slices"
	"sync"

	"github.com/penstock-ml/penstock/models"
	"github.com/penstock-ml/penstock/models/features"
	"github.com/penstock-ml/penstock/models/ops"
	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// building is held while a graph is built: Gorgonia's constants are shared by
// all graphs and change when they are added to one.
var building sync.Mutex

// A graph is a model with its loss and gradients.
type graph struct {
	*models.Inputs
	labels, weights *gorgonia.Node
	logits          *gorgonia.Node
	gradients       []*gorgonia.Node // in the arrangement's order; nil in Score mode
}

// newGraph builds the graph of a model, differentiated in Train mode.
func newGraph(m models.Model, a *models.Arrangement, layout *features.Layout, batch int, mode Mode) (*graph, error) {
	building.Lock()
	defer building.Unlock()
	g := &graph{Inputs: models.NewInputs(m.Params(), layout, batch)}
	if mode == Train {
		g.Train()
	}
	var err error
	if g.logits, err = m.Logits(g.Inputs); err != nil {
		return nil, err
	}
	if shape, want := g.logits.Shape(), outputShape(layout, batch); !shape.Eq(want) || g.logits.Dims() != len(want) {
		return nil, fmt.Errorf("the network's outputs have shape %v, where the label needs %v: this kind of model may not be made for such labels", shape, want)
	}
	g.labels = g.newVector("input:labels")
	g.weights = g.newVector("input:weights")
	if mode == Train {
		err = g.differentiate(a)
	}
	return g, err
}

// outputShape is that of a network's outputs: of one a row they are a vector.
func outputShape(layout *features.Layout, batch int) tensor.Shape {
	if width := layout.Target.Width(); width > 1 {
		return tensor.Shape{batch, width}
	}
	return tensor.Shape{batch}
}

func (g *graph) newVector(name string) *gorgonia.Node {
	return gorgonia.NewVector(g.Graph, tensor.Float32, gorgonia.WithShape(g.Batch), gorgonia.WithName(name))
}

// differentiate adds the loss and its gradients.
func (g *graph) differentiate(a *models.Arrangement) error {
	cost, err := ops.Loss(cmp.Or(g.Layout.Target.Loss, ops.LogLoss), g.logits, g.labels, g.weights)
	if err != nil {
		return err
	}
	reached := ancestors(g.logits)
	params := make(gorgonia.Nodes, len(a.Params))
	for i, p := range a.Params {
		params[i] = g.Param(p.Name)
		if !reached[params[i]] {
			return fmt.Errorf("parameter %q has no effect on the logits: use it or leave it out of Params", p.Name)
		}
	}
	if g.gradients, err = gorgonia.Grad(cost, params...); err != nil {
		return fmt.Errorf("cannot differentiate the network: %w", err)
	}
	return nil
}

// ancestors are the nodes that the given ones are computed from, and they
// themselves.
func ancestors(nodes ...*gorgonia.Node) map[*gorgonia.Node]bool {
	return closure(operands, nodes)
}

func closure(operands func(*gorgonia.Node) []*gorgonia.Node, nodes []*gorgonia.Node) map[*gorgonia.Node]bool {
	seen := map[*gorgonia.Node]bool{}
	nodes = slices.Clone(nodes) // the caller's are left alone
	for len(nodes) > 0 {
		n := nodes[len(nodes)-1]
		nodes = nodes[:len(nodes)-1]
		if !seen[n] {
			seen[n] = true
			nodes = append(nodes, operands(n)...)
		}
	}
	return seen
}
