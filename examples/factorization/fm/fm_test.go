package fm

import (
	"math"
	"strings"
	"testing"

	"github.com/penstock-ml/penstock/models"
	"github.com/penstock-ml/penstock/models/features"
	"github.com/penstock-ml/penstock/models/modeltest"
	"github.com/penstock-ml/penstock/models/plan"
	"github.com/penstock-ml/penstock/models/spec"
)

var layouts = map[string]*features.Layout{
	"both":        {Numeric: []string{"a", "b"}, Categorical: []features.Categorical{{Name: "c", Size: 5}, {Name: "d", Size: 3}}},
	"numbers":     {Numeric: []string{"a", "b", "c"}},
	"categorical": {Categorical: []features.Categorical{{Name: "c", Size: 4}, {Name: "d", Size: 6}}},
}

func newModel(t *testing.T, dimension int, layout *features.Layout) (models.Model, error) {
	t.Helper()
	section, err := spec.NewSection(Name, Config{Dimension: dimension})
	if err != nil {
		t.Fatal(err)
	}
	return kind{}.New(&spec.Spec{Model: section, Training: spec.Training{
		Optimizer: map[string]spec.Optimizer{Group: {Kind: spec.Adam}},
	}}, layout)
}

func TestConformance(t *testing.T) {
	for name, layout := range layouts {
		t.Run(name, func(t *testing.T) {
			modeltest.Run(t, func(t *testing.T) (models.Model, *features.Layout) {
				m, err := newModel(t, 4, layout)
				if err != nil {
					t.Fatal(err)
				}
				return m, layout
			})
		})
	}
}

func TestNewRefuses(t *testing.T) {
	if _, err := newModel(t, 0, layouts["both"]); err == nil || !strings.Contains(err.Error(), "dimension is 0") {
		t.Errorf("a dimension of 0 gave %v", err)
	}
}

// TestLogit compares with the definition, a sum over all pairs.
func TestLogit(t *testing.T) {
	layout := layouts["both"]
	m, err := newModel(t, 3, layout)
	if err != nil {
		t.Fatal(err)
	}
	a, err := models.Arrange(m.Params())
	if err != nil {
		t.Fatal(err)
	}
	weights := make([]float32, a.Total)
	models.Normal(1).Fill(weights, 1, "weights")
	p, err := plan.Compile(m, a, layout, 1, plan.Score)
	if err != nil {
		t.Fatal(err)
	}
	p.Bind(weights)
	copy(p.Input().Numeric, []float32{0.5, -2})
	copy(p.Input().IDs, []int32{3, 1})
	if err := p.Run(); err != nil {
		t.Fatal(err)
	}
	x := []float64{0.5, -2, 0, 0, 0, 1, 0, 0, 1, 0} // numbers, one of 5, one of 3
	want := definition(x, weights[0], a.Params[1].In(weights), a.Params[2].In(weights))
	if got := float64(p.Logits()[0]); math.Abs(got-want) > 1e-5 {
		t.Errorf("logit %v, by the definition %v", got, want)
	}
}

func definition(x []float64, bias float32, w, v []float32) float64 {
	dim := len(v) / len(x)
	sum := float64(bias)
	for i := range x {
		sum += float64(w[i]) * x[i]
		for j := range i {
			for f := range dim {
				sum += float64(v[i*dim+f]) * float64(v[j*dim+f]) * x[i] * x[j]
			}
		}
	}
	return sum
}
