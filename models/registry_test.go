package models_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/penstock-ml/penstock/models"
	"github.com/penstock-ml/penstock/models/features"
	"github.com/penstock-ml/penstock/models/spec"
	"gorgonia.org/gorgonia"
)

// constant is a kind whose models give the logit of one parameter.
type constant struct{}

func (constant) New(*spec.Spec, *features.Layout) (models.Model, error) { return constant{}, nil }

func (constant) Params() []models.Param {
	return []models.Param{{Name: "bias", Shape: []int{1}, Group: "all"}}
}

func (constant) Logits(in *models.Inputs) (*gorgonia.Node, error) { return in.Param("bias"), nil }

func TestRegistry(t *testing.T) {
	models.Register("constant", constant{})
	if !slices.Contains(models.Kinds(), "constant") {
		t.Errorf("kinds %v lack the one just registered", models.Kinds())
	}
	m, err := models.New(&spec.Spec{Model: spec.Section{Kind: "constant"}}, &features.Fitted{})
	if err != nil || len(m.Params()) != 1 {
		t.Errorf("New gave %v, %v", m, err)
	}
	defer func() {
		if recover() == nil {
			t.Error("registering a name twice did not panic")
		}
	}()
	models.Register("constant", constant{})
}

const misspelt = `version: 1
name: census
data: {columns: [age, income]}
label: {column: income}
features:
  - {name: age, kind: numeric}
model:
  kind: wide_depp
`

func TestNewNamesTheLineOfAnUnknownKind(t *testing.T) {
	s, err := spec.Parse("model.yaml", []byte(misspelt))
	if err != nil {
		t.Fatal(err)
	}
	_, err = models.New(s, &features.Fitted{})
	if want := `model.yaml:8:9: model.kind "wide_depp" is not known`; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("New gave %v, want an error with %q", err, want)
	}
}

func TestCheckGroups(t *testing.T) {
	s := &spec.Spec{}
	params := constant{}.Params()
	if err := models.CheckGroups(s, params); err == nil || !strings.Contains(err.Error(), "training.optimizer.all") {
		t.Errorf("CheckGroups gave %v, want an error that names training.optimizer.all", err)
	}
	s.Training.Optimizer = map[string]spec.Optimizer{"all": {Kind: spec.SGD}}
	if err := models.CheckGroups(s, params); err != nil {
		t.Errorf("CheckGroups gave %v", err)
	}
}
