package plan

import (
	"errors"
	"fmt"

	"github.com/penstock-ml/penstock/models"
	"github.com/penstock-ml/penstock/models/features"
	"github.com/penstock-ml/penstock/models/ops"
	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// A Path is a plan for gradients of the logit along the straight line between two
// rows, as integrated gradients (arXiv 1703.01365) need them. Ids are no numbers
// that a line could go along; what the network gathers by them is, and is a sum of
// one part for each column of ids.
//
// A Path belongs to one goroutine at a time.
type Path struct {
	points  int
	ends    *Plan // what is gathered: for the first row, and for it with each of the second's ids in place of its own
	line    *Plan // the rest of the network
	gathers []gathered

	seed    *ops.Buffer // the gradient that is begun with: 1 for the output that is explained
	numeric *ops.Buffer // the gradient, nil where the network reads no numbers
}

// ErrNoPath is of networks that have no path: it is not known how what they make of ids comes about.
var ErrNoPath = errors.New("the network cannot be explained")

// gathered is the output of one operation that reads ids.
type gathered struct {
	ends     *ops.Buffer // [1 + columns of ids, width]
	line     *ops.Buffer // [points, width], nil where no gradient depends on it
	gradient *ops.Buffer // [points, width]
}

// CompilePath makes the path of a model, with gradients at so many points at a
// time. The arrangement and layout are as for [Compile].
func CompilePath(m models.Model, a *models.Arrangement, layout *features.Layout, points int) (*Path, error) {
	p := &Path{points: points}
	ends, err := newCut(m, a, layout, 1+len(layout.Categorical))
	if err != nil {
		return nil, fmt.Errorf("plan.CompilePath: %w", err)
	}
	line, err := newCut(m, a, layout, points)
	if err != nil {
		return nil, fmt.Errorf("plan.CompilePath: %w", err)
	}
	if p.ends, err = ends.compile(a, ends.gathers); err != nil {
		return nil, fmt.Errorf("plan.CompilePath: %w", err)
	}
	gradients, err := line.gradients()
	if err != nil {
		return nil, fmt.Errorf("plan.CompilePath: %w", err)
	}
	line.giveAll(line.gathers)
	p.seed = &ops.Buffer{F32: make([]float32, line.logits.Shape().TotalSize())}
	line.memory = p.seed
	if p.line, err = line.compile(a, gradients); err != nil {
		return nil, fmt.Errorf("plan.CompilePath: %w", err)
	}
	for i, n := range line.gathers {
		g := gathered{ends: ends.values[ends.gathers[i]].buffer, gradient: line.values[gradients[i]].buffer}
		if v := line.values[n]; v != nil {
			g.line = v.buffer
		}
		p.gathers = append(p.gathers, g)
	}
	if len(gradients) > len(line.gathers) {
		p.numeric = line.values[gradients[len(gradients)-1]].buffer
	}
	return p, nil
}

// A cut is a graph whose operations that read ids are known.
type cut struct {
	*compiler
	gathers []*gorgonia.Node
	seed    *gorgonia.Node // of the shape of the logits
	memory  *ops.Buffer    // of the seed
}

func newCut(m models.Model, a *models.Arrangement, layout *features.Layout, batch int) (*cut, error) {
	g, err := newGraph(m, a, layout, batch, Score)
	if err != nil {
		return nil, err
	}
	c := &cut{compiler: &compiler{graph: g, values: map[*gorgonia.Node]*value{}}}
	reached := ancestors(g.logits)
	for _, n := range g.Graph.AllNodes() {
		if !reached[n] || g.IDs == nil || !reads(n, g.IDs) {
			continue
		}
		if kernelOf(n) == nil {
			return nil, fmt.Errorf("%w: operation %v reads ids and is not one of package ops", ErrNoPath, n.Op())
		}
		c.gathers = append(c.gathers, n)
	}
	return c, nil
}

func reads(n, operand *gorgonia.Node) bool {
	for _, o := range operands(n) {
		if o == operand {
			return true
		}
	}
	return false
}

// gradients are those of the logits with respect to what is gathered and, last, to the numbers, if they have an effect.
func (c *cut) gradients() (gorgonia.Nodes, error) {
	building.Lock()
	defer building.Unlock()
	wrt := append(gorgonia.Nodes{}, c.gathers...)
	if c.Numeric != nil && ancestors(c.logits)[c.Numeric] {
		wrt = append(wrt, c.Numeric)
	}
	if len(wrt) == 0 {
		return nil, errors.New("the network has no inputs")
	}
	shape := c.logits.Shape()
	c.seed = gorgonia.NewTensor(c.Graph, tensor.Float32, len(shape), gorgonia.WithShape(shape...), gorgonia.WithName("input:seed"))
	// Each output depends on its own row alone, so the gradient of their sum has those of all rows.
	return gorgonia.Backpropagate(gorgonia.Nodes{c.logits}, gorgonia.Nodes{c.seed}, wrt)
}

// giveAll has nodes given and not computed.
func (c *cut) giveAll(nodes []*gorgonia.Node) {
	c.cut = map[*gorgonia.Node]bool{}
	for _, n := range nodes {
		c.cut[n] = true
	}
}

// compile makes a plan of what the results need.
func (c *cut) compile(a *models.Arrangement, results []*gorgonia.Node) (*Plan, error) {
	c.plan = &Plan{layout: c.Layout}
	c.collect(results)
	c.fuse()
	if c.seed != nil {
		c.give(c.seed, c.memory)
	}
	if err := c.placeLeaves(a); err != nil {
		return nil, err
	}
	c.placeComputed()
	if err := c.emit(Score); err != nil {
		return nil, err
	}
	return c.plan, nil
}

// Bind makes the path use a vector of weights, as [Plan.Bind] does.
func (p *Path) Bind(weights []float32) {
	p.ends.Bind(weights)
	p.line.Bind(weights)
}

// Integrate returns what each input contributes to the difference of an output
// of two rows, each of one record: the gradient's mean over n points of the line
// between them, a multiple of the points that were compiled for, times the
// difference. numbers and ids are by column of the layout.
func (p *Path) Integrate(from, to *features.Rows, output, n int) (numbers, ids []float64, err error) {
	numbers, ids = make([]float64, len(from.Numeric)), make([]float64, len(from.IDs))
	p.fillEnds(from, to)
	p.fillSeed(output)
	if err := p.ends.Run(); err != nil {
		return nil, nil, err
	}
	for first := 0; first < n; first += p.points {
		p.fillLine(from, to, first, n)
		if err := p.line.Run(); err != nil {
			return nil, nil, err
		}
		p.add(from, to, numbers, ids)
	}
	for _, sums := range [][]float64{numbers, ids} {
		for i := range sums {
			sums[i] /= float64(n)
		}
	}
	return numbers, ids, nil
}

func (p *Path) fillEnds(from, to *features.Rows) {
	in, k := p.ends.Input(), len(from.IDs)
	for row := range k + 1 {
		copy(in.IDs[row*k:], from.IDs)
		if row > 0 {
			in.IDs[row*k+row-1] = to.IDs[row-1]
		}
	}
}

func (p *Path) fillSeed(output int) {
	width := len(p.seed.F32) / p.points
	clear(p.seed.F32)
	for i := output; i < len(p.seed.F32); i += width {
		p.seed.F32[i] = 1
	}
}

// fillLine puts the points of a stretch of the line into the plan's input.
func (p *Path) fillLine(from, to *features.Rows, first, n int) {
	in, k := p.line.Input(), len(from.Numeric)
	for point := range p.points {
		t := (float32(first+point) + 0.5) / float32(n)
		for i, x := range from.Numeric {
			in.Numeric[point*k+i] = x + t*(to.Numeric[i]-x)
		}
		for _, g := range p.gathers {
			if g.line == nil {
				continue
			}
			out, base := g.line.Row(point), g.ends.Row(0)
			copy(out, base)
			for row := 1; row < g.ends.Rows(); row++ {
				for i, x := range g.ends.Row(row) {
					out[i] += t * (x - base[i])
				}
			}
		}
	}
}

// add adds the gradients of a stretch, times the differences.
func (p *Path) add(from, to *features.Rows, numbers, ids []float64) {
	for point := range p.points {
		if p.numeric != nil {
			for i, g := range p.numeric.Row(point) {
				numbers[i] += float64(g) * float64(to.Numeric[i]-from.Numeric[i])
			}
		}
		for _, gathered := range p.gathers {
			base := gathered.ends.Row(0)
			for row := 1; row < gathered.ends.Rows(); row++ {
				other := gathered.ends.Row(row)
				for i, g := range gathered.gradient.Row(point) {
					ids[row-1] += float64(g) * float64(other[i]-base[i])
				}
			}
		}
	}
}
