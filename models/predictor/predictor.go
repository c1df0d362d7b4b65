package predictor

import (
	"context"
	"fmt"
	"slices"

	"github.com/penstock-ml/penstock/models"
	"github.com/penstock-ml/penstock/models/features"
	"github.com/penstock-ml/penstock/models/saved"
	"github.com/penstock-ml/penstock/models/spec"
)

// Predictor is a model that is ready to predict. It is immutable.
type Predictor struct {
	spec        *spec.Spec
	fitted      *features.Fitted
	model       models.Model
	arrangement *models.Arrangement
	weights     []float32 // in the arrangement's order
	form        form
}

// New makes the predictor of a model and keeps its parts, which must not change
// from then on. Tensors that are no parameter of the model, such as the slots of
// an optimizer, are ignored.
func New(m *saved.Model) (*Predictor, error) {
	model, err := models.New(m.Spec, m.Features)
	if err != nil {
		return nil, err
	}
	arrangement, err := models.Arrange(model.Params())
	if err != nil {
		return nil, err
	}
	weights, err := arrange(arrangement, m.Weights)
	if err != nil {
		return nil, err
	}
	return &Predictor{
		spec:        m.Spec,
		fitted:      m.Features,
		model:       model,
		arrangement: arrangement,
		weights:     weights,
		form:        newForm(&m.Features.Label),
	}, nil
}

// Load reads the model that path stands for: an export, or a job directory, whose
// newest export it takes.
func Load(ctx context.Context, path string) (*Predictor, error) {
	dir, err := saved.Locate(ctx, path)
	if err != nil {
		return nil, err
	}
	m, err := saved.ReadExport(ctx, dir)
	if err != nil {
		return nil, err
	}
	p, err := New(m)
	if err != nil {
		return nil, fmt.Errorf("the model in %s cannot be used: %w", dir, err)
	}
	return p, nil
}

// Spec returns the model's spec, which is not to be changed.
func (p *Predictor) Spec() *spec.Spec { return p.spec }

// arrange copies each parameter's tensor to its place.
func arrange(a *models.Arrangement, tensors []saved.Tensor) ([]float32, error) {
	byName := make(map[string]*saved.Tensor, len(tensors))
	for i := range tensors {
		byName[tensors[i].Name] = &tensors[i]
	}
	weights := make([]float32, a.Total)
	for i := range a.Params {
		param := &a.Params[i]
		tensor, ok := byName[param.Name]
		if !ok {
			return nil, fmt.Errorf("there are no weights for the parameter %q", param.Name)
		}
		if !slices.Equal(tensor.Shape, param.Shape) {
			return nil, fmt.Errorf("the weights of the parameter %q have the shape %v instead of %v", param.Name, tensor.Shape, param.Shape)
		}
		copy(param.In(weights), tensor.Data)
	}
	return weights, nil
}
