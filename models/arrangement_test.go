package models_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/penstock-ml/penstock/models"
)

func TestArrangePlacesDenseThenSparse(t *testing.T) {
	a, err := models.Arrange([]models.Param{
		{Name: "table", Shape: []int{5, 2}, Sparse: true},
		{Name: "weights", Shape: []int{3, 4}},
		{Name: "bias", Shape: []int{4}},
	})
	if err != nil {
		t.Fatal(err)
	}
	var places []string
	for _, p := range a.Params {
		places = append(places, p.Name)
	}
	if want := []string{"weights", "bias", "table"}; !slices.Equal(places, want) {
		t.Errorf("order %v, want %v", places, want)
	}
	if a.Params[0].Offset != 0 || a.Params[1].Offset != 12 || a.Params[2].Offset != 16 {
		t.Errorf("offsets %d, %d, %d, want 0, 12, 16", a.Params[0].Offset, a.Params[1].Offset, a.Params[2].Offset)
	}
	if a.Dense != 16 || a.Total != 26 {
		t.Errorf("dense %d of %d floats, want 16 of 26", a.Dense, a.Total)
	}
}

func TestInSharesTheVector(t *testing.T) {
	a, err := models.Arrange([]models.Param{{Name: "a", Shape: []int{2}}, {Name: "b", Shape: []int{3}}})
	if err != nil {
		t.Fatal(err)
	}
	vector := make([]float32, a.Total)
	a.Params[1].In(vector)[2] = 7
	if want := []float32{0, 0, 0, 0, 7}; !slices.Equal(vector, want) {
		t.Errorf("vector %v, want %v", vector, want)
	}
	if part := a.Params[0].In(vector); cap(part) != 2 {
		t.Errorf("appending to the first parameter would overwrite the second: capacity %d", cap(part))
	}
}

func TestArrangeRefuses(t *testing.T) {
	for want, params := range map[string][]models.Param{
		"no name":              {{Shape: []int{1}}},
		"two parameters":       {{Name: "a", Shape: []int{1}}, {Name: "a", Shape: []int{2}}},
		"no dimensions":        {{Name: "a"}},
		"must be positive":     {{Name: "a", Shape: []int{2, 0}}},
		"must be [rows, dim]":  {{Name: "a", Shape: []int{2}, Sparse: true}},
		`sparse parameter "a"`: {{Name: "a", Shape: []int{2, 3, 4}, Sparse: true}},
	} {
		if _, err := models.Arrange(params); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Arrange(%v) gave %v, want an error with %q", params, err, want)
		}
	}
}
