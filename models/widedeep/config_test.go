package widedeep_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/penstock-ml/penstock/models/spec"
	"github.com/penstock-ml/penstock/models/widedeep"
)

const specStart = `version: 1
name: census
data: {columns: [age, hours, gain, job, school, country, income]}
label: {column: income}
features:
  - {name: age, kind: numeric}
  - {name: hours, kind: numeric}
  - {name: gain, kind: numeric}
  - {name: job, kind: vocabulary}
  - {name: school, kind: vocabulary}
  - {name: country, kind: vocabulary}
training:
  optimizer: {wide: {kind: ftrl}, deep: {kind: adam}}
model:
  kind: wide_deep
`

func TestErrorsHavePositions(t *testing.T) {
	for _, test := range []struct{ section, want string }{
		{"  deep: {hidden: [8]}\n", `model.yaml:15:3: the model has no inputs`},
		{"  wide: [job, age]\n", `model.yaml:16:15: feature "age" is numeric`},
		{"  wide: [job, job]\n", `model.yaml:16:15: feature "job" is listed twice`},
		{"  wide: [jobs]\n", `model.yaml:16:10: there is no feature "jobs"`},
		{"  deep: {numeric: [age, school]}\n", `model.yaml:16:25: feature "school" is categorical`},
		{"  deep: {numeric: [years]}\n", `model.yaml:16:20: there is no feature "years"`},
		{"  deep: {indicator: [school, school]}\n", `model.yaml:16:30: feature "school" is listed twice`},
		{"  deep:\n    embedding: [{feature: gain, dimension: 2}]\n", `model.yaml:17:27: feature "gain" is numeric`},
		{"  deep:\n    embedding: [{feature: job, dimension: 0}]\n", `model.yaml:17:43: the embedding of "job" has dimension 0`},
		{"  deep:\n    embedding: [{feature: job, dimension: 1}, {feature: job, dimension: 2}]\n", `model.yaml:17:47: feature "job" is embedded twice`},
		{"  deep: {numeric: [age], hidden: [8, 0]}\n", `model.yaml:16:38: a hidden layer has 0 units`},
		{"  deep: {numeric: [age], activation: swish}\n", `model.yaml:16:38: activation "swish" is not known`},
		{"  deep: {numeric: [age], dropout: 1}\n", `model.yaml:16:35: dropout is 1: it must be at least 0 and below 1`},
		{"  wide: [job]\n  deeep: {}\n", `model.yaml:17:3: `},
	} {
		s, err := spec.Parse("model.yaml", []byte(specStart+test.section))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := widedeep.NewModel(s, layout); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s gave %v, want an error with %q", test.section, err, test.want)
		}
	}
}

func TestEveryGroupNeedsAnOptimizer(t *testing.T) {
	s := newSpec(t, configs["wide and deep"])
	delete(s.Training.Optimizer, widedeep.Deep)
	if _, err := widedeep.NewModel(s, layout); err == nil || !strings.Contains(err.Error(), "training.optimizer.deep") {
		t.Errorf("a deep part without an optimizer gave %v", err)
	}
	s = newSpec(t, configs["wide only"])
	delete(s.Training.Optimizer, widedeep.Deep)
	if _, err := widedeep.NewModel(s, layout); err != nil {
		t.Errorf("a wide model without a deep optimizer gave %v", err)
	}
}

func TestHiddenLayersByDefault(t *testing.T) {
	s, err := spec.Parse("model.yaml", []byte(specStart+"  deep: {numeric: [age]}\n"))
	if err != nil {
		t.Fatal(err)
	}
	m, err := widedeep.NewModel(s, layout)
	if err != nil {
		t.Fatal(err)
	}
	var units []int
	for _, p := range m.Params() {
		if strings.HasSuffix(p.Name, "/bias") {
			units = append(units, p.Shape[0])
		}
	}
	if want := []int{100, 70, 50, 34, 1}; !slices.Equal(units, want) {
		t.Errorf("layers of %v units, want %v", units, want)
	}
}

func TestParameters(t *testing.T) {
	m := newModel(t, configs["wide and deep"])
	var names []string
	for _, p := range m.Params() {
		names = append(names, p.Name)
		if want := strings.SplitN(p.Name, "/", 2)[0]; p.Group != want {
			t.Errorf("parameter %q is in group %q, want %q", p.Name, p.Group, want)
		}
	}
	want := []string{
		"wide/bias", "wide/job/weights", "wide/job_x_school/weights",
		"deep/embedding/country",
		"deep/hidden_1/weights", "deep/indicator/job", "deep/indicator/school", "deep/hidden_1/bias",
		"deep/hidden_2/weights", "deep/hidden_2/bias",
		"deep/hidden_3/weights", "deep/hidden_3/bias",
		"deep/logits/weights",
	}
	if !slices.Equal(names, want) {
		t.Errorf("parameters %v, want %v", names, want)
	}
}

func TestLargeTablesAreSparse(t *testing.T) {
	for _, p := range newModel(t, configs["sparse wide"]).Params() {
		if want := p.Name == "wide/everything/weights"; p.Sparse != want {
			t.Errorf("parameter %q: sparse is %t, want %t", p.Name, p.Sparse, want)
		}
	}
}
