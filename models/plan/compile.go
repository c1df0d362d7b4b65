package plan

import (
	"fmt"
	"slices"

	"github.com/penstock-ml/penstock/models"
	"github.com/penstock-ml/penstock/models/features"
	"github.com/penstock-ml/penstock/models/ops"
	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// Compile makes the plan of a model for batches of the given number of rows.
// The arrangement is that of the model's parameters, the layout that of the
// rows which Input will hold.
func Compile(m models.Model, a *models.Arrangement, layout *features.Layout, batch int, mode Mode) (*Plan, error) {
	if batch < 1 {
		return nil, fmt.Errorf("plan.Compile: the batch has %d rows: it must have at least 1", batch)
	}
	g, err := newGraph(m, a, layout, batch, mode)
	if err != nil {
		return nil, fmt.Errorf("plan.Compile: %w", err)
	}
	c := &compiler{graph: g, values: map[*gorgonia.Node]*value{}}
	p, err := c.compile(a, mode)
	if err != nil {
		return nil, fmt.Errorf("plan.Compile: %w", err)
	}
	return p, nil
}

// A compiler turns a graph into a plan, in the order of its methods.
type compiler struct {
	*graph
	order  []*value // what is given or computed, operands first
	values map[*gorgonia.Node]*value
	terms  [][]tableTerm // of the sparse parameters' gradients
	plan   *Plan
	spread bool                    // only kernels read what is computed
	cut    map[*gorgonia.Node]bool // are given, though they are operations
}

func (c *compiler) compile(a *models.Arrangement, mode Mode) (*Plan, error) {
	if err := c.begin(a); err != nil {
		return nil, err
	}
	late := c.placeGradients(a)
	c.spread = c.kernelsAlone()
	c.placeComputed()
	if err := c.emit(mode); err != nil {
		return nil, err
	}
	for _, g := range late {
		c.plan.steps = append(c.plan.steps, &copyStep{g.memory, g.value.buffer})
	}
	c.plan.sparse = c.sparse(a, c.Batch)
	c.plan.pairs = make([]SparseGradient, len(c.plan.sparse))
	c.plan.logits = c.values[c.logits].buffer
	return c.plan, nil
}

// begin finds what has to be computed and places what is given.
func (c *compiler) begin(a *models.Arrangement) error {
	c.plan = &Plan{layout: c.Layout}
	results, err := c.results(a)
	if err != nil {
		return err
	}
	c.collect(results)
	c.fuse()
	return c.placeLeaves(a)
}

// kernelsAlone tells whether no operation reads values as Gorgonia's tensors, which have no gaps between rows.
func (c *compiler) kernelsAlone() bool {
	for _, v := range c.order {
		if v.foreign() != nil {
			return false
		}
	}
	return true
}

// results are the nodes that the plan is for: the logits, the gradients of
// dense parameters, and what those of sparse parameters are gathered from.
func (c *compiler) results(a *models.Arrangement) (nodes []*gorgonia.Node, err error) {
	nodes = append(nodes, c.logits)
	for i, gradient := range c.gradients {
		if !a.Params[i].Sparse {
			nodes = append(nodes, gradient)
			continue
		}
		terms, err := tableTerms(gradient, &a.Params[i])
		if err != nil {
			return nil, err
		}
		c.terms = append(c.terms, terms)
		for _, t := range terms {
			nodes = append(nodes, t.gradient, t.ids)
		}
	}
	return nodes, nil
}

// collect makes values of the results and of all that they are computed from.
// A graph lists its nodes in the order in which they were added, so operands
// come first.
func (c *compiler) collect(results []*gorgonia.Node) {
	reached := c.ancestors(results...)
	for _, n := range c.Graph.AllNodes() {
		if !reached[n] {
			continue
		}
		v := &value{node: n, given: c.cut[n]}
		if !v.given {
			v.kernel = kernelOf(n)
		}
		for _, operand := range c.operands(n) {
			in := c.values[operand]
			in.uses++
			v.in = append(v.in, in)
		}
		c.values[n] = v
		c.order = append(c.order, v)
	}
	for _, n := range results {
		c.values[n].uses++
	}
}

// operands are the nodes that a node is computed from in this plan.
func (c *compiler) operands(n *gorgonia.Node) []*gorgonia.Node {
	if c.cut[n] {
		return nil
	}
	return operands(n)
}

// ancestors are the nodes that the given ones are computed from in this plan, and
// they themselves.
func (c *compiler) ancestors(nodes ...*gorgonia.Node) map[*gorgonia.Node]bool {
	return closure(c.operands, nodes)
}

// fuse lets the product that is an input gradient do what its only user does
// with it, instead of writing to memory what is not wanted.
func (c *compiler) fuse() {
	for _, v := range c.order {
		if len(v.in) == 0 {
			continue
		}
		product := v.in[0]
		if k, ok := product.kernel.(*ops.InputGradientKernel); !ok || *k != (ops.InputGradientKernel{}) || product.uses > 1 {
			continue
		}
		if k := fused(v.kernel); k != nil {
			v.kernel, v.in = k, slices.Concat(product.in, v.in[1:])
			product.fused = true
		}
	}
}

// fused is an input gradient that ends with what its user would do: the mask of
// the rectifier below, or the choice of those inputs that need a gradient. It is
// nil for others.
func fused(user kernelForm) *ops.InputGradientKernel {
	switch k := user.(type) {
	case *ops.ReLUGradientKernel:
		return &ops.InputGradientKernel{Masked: true}
	case *ops.ColumnsKernel:
		if inputs, ok := k.Range(); ok {
			return &ops.InputGradientKernel{Inputs: inputs}
		}
	}
	return nil
}

// placeLeaves gives inputs, parameters and constants their memory.
func (c *compiler) placeLeaves(a *models.Arrangement) error {
	c.plan.input = features.Rows{
		N:       c.Batch,
		Numeric: make([]float32, c.Batch*len(c.Layout.Numeric)),
		IDs:     make([]int32, c.Batch*len(c.Layout.Categorical)),
		Labels:  make([]float32, c.Batch),
		Weights: make([]float32, c.Batch),
	}
	if c.Keys != nil {
		c.plan.input.Keys = make([]int32, c.Batch)
		c.give(c.Keys, &ops.Buffer{I32: c.plan.input.Keys})
	}
	input := &c.plan.input
	c.give(c.Numeric, &ops.Buffer{F32: input.Numeric})
	c.give(c.IDs, &ops.Buffer{I32: input.IDs})
	c.give(c.labels, &ops.Buffer{F32: input.Labels})
	c.give(c.weights, &ops.Buffer{F32: input.Weights})
	for _, p := range a.Params {
		c.give(c.Param(p.Name), &ops.Buffer{F32: make([]float32, p.Size())})
		if v := c.values[c.Param(p.Name)]; v != nil {
			c.plan.params = append(c.plan.params, parameter{p, v})
		}
	}
	return c.placeConstants()
}

// give sets the memory of a leaf, if the plan reads it.
func (c *compiler) give(n *gorgonia.Node, b *ops.Buffer) {
	if v := c.values[n]; n != nil && v != nil {
		b.Shape = n.Shape()
		v.buffer = b
	}
}

// placeConstants copies the constants that are part of the graph.
func (c *compiler) placeConstants() error {
	for _, v := range c.order {
		switch {
		case !v.leaf() || v.buffer != nil:
		case v.given:
			v.buffer = v.newBuffer(false)
		case v.node.Value() == nil:
			return fmt.Errorf("the network has an input %v that nothing fills", v.node)
		default:
			v.tensor = v.node.Value()
			if buffer, err := ops.FromValue(v.tensor); err == nil {
				v.buffer = buffer
			}
		}
	}
	return nil
}

// A lateGradient is copied to its place after all else.
type lateGradient struct {
	memory []float32
	value  *value
}

// placeGradients gives the gradients of dense parameters their parts of the
// gradient vector as memory. It returns those for which that cannot be: leaves,
// and gradients of a second parameter.
func (c *compiler) placeGradients(a *models.Arrangement) (late []lateGradient) {
	if c.gradients != nil {
		c.plan.dense = make([]float32, a.Dense)
	}
	for i, n := range c.gradients {
		p := &a.Params[i]
		if p.Sparse {
			continue
		}
		v, memory := c.values[n], p.In(c.plan.dense)
		if v.buffer != nil || v.leaf() {
			late = append(late, lateGradient{memory, v})
			continue
		}
		v.buffer = &ops.Buffer{Shape: n.Shape(), F32: memory}
	}
	return late
}

// placeComputed gives what is computed its memory.
func (c *compiler) placeComputed() {
	for _, v := range c.order {
		if v.buffer != nil || v.leaf() || v.fused || v.role == reduced {
			continue
		}
		operand := v.overwrites()
		switch {
		case v.node == c.logits && len(v.node.Shape()) > 1: // its rows have no gaps: the plan's user reads them
			v.buffer = v.newBuffer(false)
		case operand != nil:
			v.buffer = operand.Over(v.node.Shape())
		default:
			v.buffer = v.newBuffer(c.spread)
		}
	}
}

// overwrites is the memory of an operand that the value can take over: one that
// is computed, of the same size, and that nobody else reads.
func (v *value) overwrites() *ops.Buffer {
	k, ok := v.kernel.(ops.Overwriter)
	if !ok {
		return nil
	}
	operand := v.in[k.Overwrites()]
	if operand.leaf() || operand.uses > 1 || operand.node.Shape().TotalSize() != v.node.Shape().TotalSize() {
		return nil
	}
	return operand.buffer
}

// emit writes the list of steps.
func (c *compiler) emit(mode Mode) error {
	for _, v := range c.order {
		if v.leaf() || v.fused || v.role == reduced {
			continue
		}
		s, err := c.step(v, mode)
		if err != nil {
			return fmt.Errorf("operation %v: %w", v.node.Op(), err)
		}
		c.plan.steps = append(c.plan.steps, s)
	}
	return nil
}

func (c *compiler) step(v *value, mode Mode) (step, error) {
	if v.kernel != nil {
		return c.kernelStep(v)
	}
	if op, ok := v.foreign().(gorgonia.TrainModeOp); ok { // such as dropout
		if err := op.SetTraining(mode == Train); err != nil {
			return nil, err
		}
	}
	return c.foreignStep(v), nil
}

func (c *compiler) kernelStep(v *value) (*kernelStep, error) {
	s := &kernelStep{kernel: v.kernel, out: v.buffer}
	var shapes []tensor.Shape
	for i, in := range v.in {
		if in.buffer == nil {
			return nil, fmt.Errorf("operand %d is of type %v: it must be float32 or int32", i, in.node.Dtype())
		}
		s.in = append(s.in, in.buffer)
		shapes = append(shapes, in.buffer.Shape)
	}
	if k, ok := v.kernel.(ops.Scratcher); ok {
		s.scratch = make([]float32, k.Scratch(shapes))
	}
	if _, loss := v.kernel.(*ops.LossGradientKernel); loss {
		c.plan.losses = s.scratch
	}
	return s, nil
}

func (c *compiler) foreignStep(v *value) *foreignStep {
	for _, in := range v.in {
		if in.tensor == nil && in.foreign() == nil && !in.node.IsScalar() {
			in.tensor = in.buffer.Value()
		}
	}
	return &foreignStep{op: v.foreign(), out: v, in: v.in, args: make([]gorgonia.Value, len(v.in))}
}
