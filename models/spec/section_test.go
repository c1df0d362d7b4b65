package spec

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// tower is what a kind of model may decode its section into.
type tower struct {
	Inputs     []string           `yaml:"inputs"`
	Hidden     []int              `yaml:"hidden"`
	Activation string             `yaml:"activation"`
	Dropout    float64            `yaml:"dropout"`
	Bias       bool               `yaml:"bias"`
	Scale      map[string]float32 `yaml:"scale"`
	Embedding  []embedding        `yaml:"embedding"`
}

type embedding struct {
	Feature   string `yaml:"feature"`
	Dimension int    `yaml:"dimension"`
}

func withModel(model string) string {
	return strings.ReplaceAll(minimal, "model: {kind: k}", model)
}

func TestSectionDecode(t *testing.T) {
	s := parse(t, withModel(`
model:
  kind: k
  inputs: [x]
  hidden: [8, 4]
  bias: true
  scale: {x: 0.5}
  embedding: [{feature: x, dimension: 2}]
`))
	got := tower{Activation: "relu"}
	if err := s.Model.Decode(&got); err != nil {
		t.Fatal(err)
	}
	want := tower{
		Inputs:     []string{"x"},
		Hidden:     []int{8, 4},
		Activation: "relu",
		Bias:       true,
		Scale:      map[string]float32{"x": 0.5},
		Embedding:  []embedding{{"x", 2}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatal(diff)
	}
}

func TestSectionDecodeIsStrict(t *testing.T) {
	s := parse(t, withModel(`model:
  kind: k
  hiden: [8]
  dropout: high
  embedding: [{feature: x, dimensions: 2}, {kind: x}]
`))
	err := s.Model.Decode(new(tower))
	want := `m.yaml:7:3: unknown key "hiden" in model; did you mean "hidden"?
m.yaml:8:12: model.dropout must be a decimal number, not "high"
m.yaml:9:28: unknown key "dimensions" in model.embedding[0]; did you mean "dimension"?
m.yaml:9:45: unknown key "kind" in model.embedding[1]; the keys there are feature, dimension`
	if err == nil || err.Error() != want {
		t.Fatalf("got\n%v\nwant\n%s", err, want)
	}
	if err := s.Model.Decode(tower{}); err == nil || !strings.Contains(err.Error(), "pass a pointer to a struct") {
		t.Fatalf("got %v", err)
	}
}

func TestSectionErrorf(t *testing.T) {
	s := parse(t, withModel("model: {kind: k, deep: {hidden: [8, 0]}}"))
	if got, want := s.Model.Errorf([]string{"deep", "hidden", "1"}, "too small").Error(), "m.yaml:5:37: too small"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got, want := s.Model.Errorf([]string{"deep", "activation"}, "missing").Error(), "m.yaml:5:24: missing"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestNewSection(t *testing.T) {
	want := tower{Hidden: []int{3}, Activation: "yes", Embedding: []embedding{{"x", 2}}}
	made, err := NewSection("k", want)
	if err != nil {
		t.Fatal(err)
	}
	s := parse(t, minimal)
	s.Model = made
	written, err := s.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	read := parse(t, string(written))
	for _, section := range []Section{made, read.Model} {
		var got tower
		if err := section.Decode(&got); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatal(diff)
		}
	}
	if empty, err := NewSection("k", nil); err != nil || empty.Decode(new(tower)) != nil || empty.Errorf(nil, "bad").Error() != "bad" {
		t.Fatalf("an empty section: %v", err)
	}
}

func TestSectionEqual(t *testing.T) {
	section := func(model string) Section { return parse(t, withModel(model)).Model }
	a := section("model: {kind: k, a: 1, b: {c: [x, y], d: '1'}}")
	for model, want := range map[string]bool{
		"model: {b: {d: \"1\", c: [x, 'y']}, a: 1, kind: k}": true,
		"model: {kind: k, a: 1, b: {c: [x, y], d: 1}}":       false,
		"model: {kind: k, a: 1, b: {c: [y, x], d: '1'}}":     false,
		"model: {kind: l, a: 1, b: {c: [x, y], d: '1'}}":     false,
		"model: {kind: k, a: 1}":                             false,
	} {
		if got := a.Equal(section(model)); got != want {
			t.Errorf("%s: got %v, want %v", model, got, want)
		}
	}
}
