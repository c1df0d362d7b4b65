package widedeep_test

import (
	"fmt"
	"math"
	"testing"

	"github.com/penstock-ml/penstock/models"
	"github.com/penstock-ml/penstock/models/modeltest"
	"github.com/penstock-ml/penstock/models/ops"
	"github.com/penstock-ml/penstock/models/plan"
	"gorgonia.org/gorgonia"
)

// plain is the network of configs["wide and deep"] in Gorgonia's plain
// operations: products with dense one-hot matrices, broadcast biases.
type plain struct{ models.Model }

func (plain) Logits(in *models.Inputs) (*gorgonia.Node, error) {
	x := gorgonia.Must(gorgonia.Concat(1, in.Numeric, oneHotTimes(in, "country", "deep/embedding/country")))
	for i := range 3 {
		z := affine(in, x, fmt.Sprintf("deep/hidden_%d/", i+1))
		if i == 0 {
			z = add(z, oneHotTimes(in, "job", "deep/indicator/job"))
			z = add(z, oneHotTimes(in, "school", "deep/indicator/school"))
		}
		x = gorgonia.Must(gorgonia.Rectify(z))
	}
	wide := oneHotTimes(in, "job", "wide/job/weights")
	wide = add(wide, oneHotTimes(in, "job_x_school", "wide/job_x_school/weights"))
	wide = gorgonia.Must(gorgonia.BroadcastAdd(wide, in.Param("wide/bias"), nil, []byte{0}))
	deep := gorgonia.Must(gorgonia.Mul(x, in.Param("deep/logits/weights")))
	return gorgonia.Reshape(add(wide, deep), []int{in.Batch})
}

func affine(in *models.Inputs, x *gorgonia.Node, prefix string) *gorgonia.Node {
	product := gorgonia.Must(gorgonia.Mul(x, in.Param(prefix+"weights")))
	return gorgonia.Must(gorgonia.BroadcastAdd(product, in.Param(prefix+"bias"), nil, []byte{0}))
}

func add(a, b *gorgonia.Node) *gorgonia.Node { return gorgonia.Must(gorgonia.Add(a, b)) }

func oneHotTimes(in *models.Inputs, feature, param string) *gorgonia.Node {
	for i, c := range in.Layout.Categorical {
		if c.Name == feature {
			oneHot := gorgonia.Must(ops.OneHot(in.IDs, []int{i}, []int{c.Size}))
			return gorgonia.Must(gorgonia.Mul(oneHot, in.Param(param)))
		}
	}
	panic("no feature " + feature)
}

// TestPlainGorgonia: the operations of package ops, run by a plan, agree with
// plain ones on Gorgonia's machine up to the order of float32 sums.
func TestPlainGorgonia(t *testing.T) {
	const batch, tolerance = 32, 1e-5
	c := configs["wide and deep"]
	m := newModel(t, c)
	a, err := models.Arrange(m.Params())
	if err != nil {
		t.Fatal(err)
	}
	p := newPlan(t, c, layout, batch, plan.Train)
	weights := make([]float32, a.Total)
	models.Normal(0.2).Fill(weights, 1, "weights")
	p.Bind(weights)
	if err := p.Run(); err != nil {
		t.Fatal(err)
	}
	logits, gradient := modeltest.TapeMachine(t, plain{m}, layout, weights, p.Input())
	compare(t, "logit", p.Logits(), logits, tolerance)
	compare(t, "gradient", p.Dense(), gradient, tolerance)
}

// compare fails where two vectors differ by more than a share of the largest
// element.
func compare(t *testing.T, what string, got, want []float32, tolerance float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%d of %s, want %d", len(got), what, len(want))
	}
	var largest float64
	for _, v := range want {
		largest = max(largest, math.Abs(float64(v)))
	}
	for i := range want {
		if math.Abs(float64(got[i]-want[i])) > tolerance*largest {
			t.Errorf("%s %d is %v, in plain operations %v", what, i, got[i], want[i])
		}
	}
}
