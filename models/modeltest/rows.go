package modeltest

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/penstock-ml/penstock/models/features"
	"github.com/penstock-ml/penstock/models/ops"
	"github.com/penstock-ml/penstock/models/plan"
)

// randomRows are rows with standard normal numbers, uniform ids, labels of
// all classes or normal ones and weights between 0.5 and 2.
func randomRows(layout *features.Layout, n int, seed uint64) *features.Rows {
	random := rand.New(rand.NewPCG(seed, 0))
	rows := &features.Rows{N: n}
	for range n {
		for range layout.Numeric {
			rows.Numeric = append(rows.Numeric, float32(random.NormFloat64()))
		}
		for _, c := range layout.Categorical {
			rows.IDs = append(rows.IDs, int32(random.IntN(c.Size)))
		}
		rows.Labels = append(rows.Labels, randomLabel(layout.Target, random))
		rows.Weights = append(rows.Weights, float32(0.5+1.5*random.Float64()))
	}
	return rows
}

func randomLabel(target features.Target, random *rand.Rand) float32 {
	if target.Loss == ops.SquaredError || target.Loss == ops.Huber {
		return float32(2 * random.NormFloat64())
	}
	return float32(random.IntN(max(2, target.Outputs)))
}

// fill makes dst hold the rows from a position on, and again from the first.
func fill(dst, rows *features.Rows, from int) {
	for i := range dst.N {
		copyRows(dst, i, rows, (from+i)%rows.N, 1)
	}
}

// copyRows copies n rows from src at j to dst at i.
func copyRows(dst *features.Rows, i int, src *features.Rows, j, n int) {
	copyPart(dst.Numeric, i, src.Numeric, j, n, len(src.Numeric)/src.N)
	copyPart(dst.IDs, i, src.IDs, j, n, len(src.IDs)/src.N)
	copyPart(dst.Labels, i, src.Labels, j, n, 1)
	copyPart(dst.Weights, i, src.Weights, j, n, 1)
}

func copyPart[T any](dst []T, i int, src []T, j, n, width int) {
	copy(dst[i*width:(i+n)*width], src[j*width:(j+n)*width])
}

// gradient is a plan's gradient as one vector in the arrangement's order.
func (s *subject) gradient(p *plan.Plan) []float32 {
	vector := make([]float32, s.arrangement.Total)
	copy(vector, p.Dense())
	for _, pairs := range p.Sparse() {
		s.addPairs(vector, pairs)
	}
	return vector
}

// addPairs puts the gradient of a sparse parameter into a vector of zeros.
func (s *subject) addPairs(vector []float32, pairs plan.SparseGradient) {
	param := &s.arrangement.Params[pairs.Param]
	table, dim := param.In(vector), param.Shape[1]
	for i, row := range pairs.Rows {
		copy(table[int(row)*dim:][:dim], pairs.Values[i*dim:])
	}
}

func compareGradients(t *testing.T, s *subject, a, b *plan.Plan) {
	t.Helper()
	first, second := s.gradient(a), s.gradient(b)
	if i := differ(first, second); i >= 0 {
		t.Errorf("float %d has gradient %v, then %v", i, first[i], second[i])
	}
}

// differ is the first place where two vectors have other bits, or -1. Zeros
// are equal whatever their sign.
func differ(a, b []float32) int {
	if len(a) != len(b) {
		return min(len(a), len(b))
	}
	for i := range a {
		if math.Float32bits(a[i]) != math.Float32bits(b[i]) && (a[i] != 0 || b[i] != 0) {
			return i
		}
	}
	return -1
}

func largest(x []float32) float64 {
	var most float64
	for _, v := range x {
		most = max(most, math.Abs(float64(v)))
	}
	return most
}
