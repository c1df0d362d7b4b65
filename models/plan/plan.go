package plan

import (
	"errors"
	"fmt"

	"github.com/penstock-ml/penstock/models"
	"github.com/penstock-ml/penstock/models/features"
	"github.com/penstock-ml/penstock/models/ops"
)

// Mode says what a plan computes.
type Mode int

// The modes of a plan.
const (
	Score Mode = iota // logits
	Train             // logits, losses and gradients
)

// A Plan computes a model for batches of a fixed number of rows.
type Plan struct {
	layout *features.Layout
	input  features.Rows
	steps  []step
	params []parameter
	logits *ops.Buffer
	losses []float32
	dense  []float32
	sparse []*sparseGradient
	pairs  []SparseGradient
	bound  bool
}

// A parameter is a place where weights are bound.
type parameter struct {
	models.Placed
	value *value
}

// Input is the memory from which Run reads: N is the batch and stays so. The
// caller overwrites the elements of the slices; a batch that is not full is
// padded with rows of weight 0 and any valid ids. Score ignores labels and
// weights.
func (p *Plan) Input() *features.Rows { return &p.input }

// Bind makes Run use a vector of weights in the arrangement's order. It is
// kept by reference and must not change during Run.
func (p *Plan) Bind(weights []float32) {
	for i := range p.params {
		param := &p.params[i]
		param.value.bind(param.In(weights))
	}
	p.bound = true
}

// Run computes what the plan's mode asks for. It fails on ids outside the
// layout's sizes and where an operation that is not Penstock's fails.
func (p *Plan) Run() error {
	if !p.bound {
		return errors.New("plan.Run: no weights are bound: call Bind first")
	}
	if err := p.checkIDs(); err != nil {
		return err
	}
	for _, s := range p.steps {
		if err := s.run(); err != nil {
			return err
		}
	}
	for i, s := range p.sparse {
		p.pairs[i] = s.collect(0)
	}
	return nil
}

// checkIDs keeps an id that is out of range from reaching other memory.
func (p *Plan) checkIDs() error {
	columns := p.layout.Categorical
	for c := range columns {
		size := uint32(columns[c].Size)
		for i := c; i < len(p.input.IDs); i += len(columns) {
			if id := p.input.IDs[i]; uint32(id) >= size {
				return fmt.Errorf("plan.Run: row %d of the batch has id %d in column %q: it must be in [0, %d)",
					i/len(columns), id, columns[c].Name, size)
			}
		}
	}
	return nil
}

// Logits are the network's outputs, [batch] or [batch, outputs] without gaps, valid until the next Run.
func (p *Plan) Logits() []float32 { return p.logits.F32 }

// Losses are the weighted losses of the rows in nats, [batch], valid until the
// next Run; nil in Score mode.
func (p *Plan) Losses() []float32 { return p.losses }

// Dense is the gradient of the sum of the weighted losses with respect to the
// dense parameters, laid out as they are, [arrangement.Dense]; valid until the
// next Run; nil in Score mode.
func (p *Plan) Dense() []float32 { return p.dense }

// Sparse is the gradient with respect to the sparse parameters, in the
// arrangement's order; valid until the next Run; empty in Score mode.
func (p *Plan) Sparse() []SparseGradient { return p.pairs }
