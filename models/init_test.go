package models_test

import (
	"math"
	"slices"
	"testing"

	"github.com/penstock-ml/penstock/models"
)

func fill(init models.Init, n int, seed int64, name string) []float32 {
	values := make([]float32, n)
	init.Fill(values, seed, name)
	return values
}

func TestInitDependsOnSeedAndNameAlone(t *testing.T) {
	init := models.Normal(1)
	values := fill(init, 100, 7, "a")
	if !slices.Equal(values, fill(init, 100, 7, "a")) {
		t.Error("the same seed and name gave other values")
	}
	if !slices.Equal(values[:50], fill(init, 50, 7, "a")) {
		t.Error("the values depend on the parameter's size")
	}
	if slices.Equal(values, fill(init, 100, 8, "a")) {
		t.Error("another seed gave the same values")
	}
	if slices.Equal(values, fill(init, 100, 7, "b")) {
		t.Error("another name gave the same values")
	}
}

func TestInitMoments(t *testing.T) {
	for name, test := range map[string]struct {
		init      models.Init
		deviation float64
		bound     float64
	}{
		"normal":  {models.Normal(0.5), 0.5, 3},
		"he":      {models.HeNormal(50), 0.2, 1.2},
		"uniform": {models.Uniform(3), math.Sqrt(3), 3},
		"glorot":  {models.GlorotUniform(30, 24), 1 / math.Sqrt(27), 1.0 / 3},
	} {
		const n = 100_000
		var sum, squares float64
		for _, v := range fill(test.init, n, 1, name) {
			if math.Abs(float64(v)) > test.bound+1e-7 {
				t.Fatalf("%s: %v is beyond %v", name, v, test.bound)
			}
			sum += float64(v)
			squares += float64(v) * float64(v)
		}
		if mean := sum / n; math.Abs(mean) > 0.02*test.deviation {
			t.Errorf("%s: mean %v, want about 0", name, mean)
		}
		if deviation := math.Sqrt(squares / n); math.Abs(deviation/test.deviation-1) > 0.01 {
			t.Errorf("%s: deviation %v, want about %v", name, deviation, test.deviation)
		}
	}
}

func TestZerosOverwrites(t *testing.T) {
	values := []float32{1, 2}
	models.Zeros().Fill(values, 1, "a")
	if !slices.Equal(values, []float32{0, 0}) {
		t.Errorf("Zeros left %v", values)
	}
}

// The first values of a stream are part of every run's identity: a change
// here changes the weights of every model.
func TestInitBits(t *testing.T) {
	got := fill(models.Normal(1), 3, 42, "deep/hidden_1/weights")
	var bits []uint32
	for _, v := range got {
		bits = append(bits, math.Float32bits(v))
	}
	if want := []uint32{0x3eb03259, 0x3eb93bda, 0xbcd6199b}; !slices.Equal(bits, want) {
		t.Errorf("bits %#x, want %#x (%v)", bits, want, got)
	}
}
