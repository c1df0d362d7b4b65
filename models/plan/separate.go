package plan

import (
	"github.com/penstock-ml/penstock/models"
	"github.com/penstock-ml/penstock/models/features"
)

// separate runs a plan for one group after the other and keeps what it gives.
type separate struct {
	groups int
	input  features.Rows
	losses []float32
	dense  [][]float32        // by group
	sparse [][]SparseGradient // by group and table
}

func newSeparate(p *Plan, groups int) *separate {
	one := p.Input()
	s := &separate{groups: groups, losses: make([]float32, groups*one.N)}
	s.input = features.Rows{
		N:       groups * one.N,
		Numeric: make([]float32, groups*len(one.Numeric)),
		IDs:     make([]int32, groups*len(one.IDs)),
		Labels:  make([]float32, groups*len(one.Labels)),
		Weights: make([]float32, groups*len(one.Weights)),
		Keys:    make([]int32, groups*len(one.Keys)),
	}
	for range groups {
		s.dense = append(s.dense, make([]float32, len(p.Dense())))
		s.sparse = append(s.sparse, make([]SparseGradient, len(p.Sparse())))
	}
	return s
}

func (s *separate) run(p *Plan) error {
	for group := range s.groups {
		fill(p.Input(), &s.input, group)
		if err := p.Run(); err != nil {
			return err
		}
		copy(s.losses[group*p.input.N:], p.Losses())
		copy(s.dense[group], p.Dense())
		for i, g := range p.Sparse() {
			kept := &s.sparse[group][i]
			kept.Param = g.Param
			kept.Rows = append(kept.Rows[:0], g.Rows...)
			kept.Values = append(kept.Values[:0], g.Values...)
		}
	}
	return nil
}

// copy sets out to a part of a group's gradient of one parameter.
func (s *separate) copy(out []float32, group int, of *models.Placed, p *part) {
	width, n := of.Size()/of.Shape[0], p.columns.Len()
	gradient := of.In(s.dense[group])
	for row := p.rows.From; row < p.rows.To; row++ {
		copy(out[:n], gradient[row*width+p.columns.From:])
		out = out[n:]
	}
}

// fill copies a group's rows.
func fill(dst, src *features.Rows, group int) {
	copyGroup(dst.Numeric, src.Numeric, group)
	copyGroup(dst.IDs, src.IDs, group)
	copyGroup(dst.Labels, src.Labels, group)
	copyGroup(dst.Weights, src.Weights, group)
	copyGroup(dst.Keys, src.Keys, group)
}

func copyGroup[T any](dst, src []T, group int) { copy(dst, src[group*len(dst):]) }
