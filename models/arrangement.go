package models

import (
	"errors"
	"fmt"
)

// A Param is one named tensor of float32 weights.
type Param struct {
	// Name is unique in the model and stable between versions: it names the
	// tensor in weights.safetensors. Slashes group it, as in
	// "deep/hidden_1/weights".
	Name string
	// Shape has at least one dimension, each positive.
	Shape []int
	// Group chooses the optimizer: training.optimizer.<group> of the spec.
	Group string
	// Init fills the parameter at step 0.
	Init Init
	// Sparse parameters are tables of shape [rows, dim] of which a batch
	// touches few rows: their gradients travel as (row, values) pairs.
	Sparse bool
}

// Size is the number of floats of the parameter.
func (p *Param) Size() int {
	size := 1
	for _, dim := range p.Shape {
		size *= dim
	}
	return size
}

func (p *Param) check() error {
	if p.Name == "" {
		return errors.New("models.Arrange: a parameter has no name")
	}
	if len(p.Shape) == 0 {
		return fmt.Errorf("models.Arrange: parameter %q has no dimensions: give a scalar the shape [1]", p.Name)
	}
	for _, dim := range p.Shape {
		if dim <= 0 {
			return fmt.Errorf("models.Arrange: parameter %q has shape %v: every dimension must be positive", p.Name, p.Shape)
		}
	}
	if p.Sparse && len(p.Shape) != 2 {
		return fmt.Errorf("models.Arrange: sparse parameter %q has shape %v: it must be [rows, dim]", p.Name, p.Shape)
	}
	return nil
}

// A Placed is a parameter with its place in the weight vector.
type Placed struct {
	Param
	Offset int // of its first float
}

// In returns the parameter's part of a vector of the arrangement, row-major
// in the parameter's shape. It shares the vector's memory.
func (p *Placed) In(vector []float32) []float32 {
	end := p.Offset + p.Size()
	return vector[p.Offset:end:end]
}

// An Arrangement lays the parameters of a model out in one vector of floats:
// the dense ones first, then the sparse ones, each in the model's order, with
// nothing between them.
type Arrangement struct {
	Params []Placed
	Dense  int // floats of the dense parameters, [0, Dense)
	Total  int // floats of all parameters
}

// Arrange places parameters. It fails on a name given twice and on a shape
// that no tensor has.
func Arrange(params []Param) (*Arrangement, error) {
	seen := make(map[string]bool, len(params))
	for i := range params {
		p := &params[i]
		if err := p.check(); err != nil {
			return nil, err
		}
		if seen[p.Name] {
			return nil, fmt.Errorf("models.Arrange: two parameters are named %q", p.Name)
		}
		seen[p.Name] = true
	}
	a := &Arrangement{Params: make([]Placed, 0, len(params))}
	a.place(params, false)
	a.Dense = a.Total
	a.place(params, true)
	return a, nil
}

func (a *Arrangement) place(params []Param, sparse bool) {
	for _, p := range params {
		if p.Sparse == sparse {
			a.Params = append(a.Params, Placed{Param: p, Offset: a.Total})
			a.Total += p.Size()
		}
	}
}

// Initial returns a new weight vector, filled as the parameters ask.
func (a *Arrangement) Initial(seed int64) []float32 {
	weights := make([]float32, a.Total)
	for i := range a.Params {
		p := &a.Params[i]
		p.Init.Fill(p.In(weights), seed, p.Name)
	}
	return weights
}
