package fm

import (
	"github.com/penstock-ml/penstock/models"
	"github.com/penstock-ml/penstock/models/features"
	"github.com/penstock-ml/penstock/models/ops"
	"github.com/penstock-ml/penstock/models/spec"
	"gorgonia.org/gorgonia"
)

// Name is the kind's name in specs.
const Name = "factorization_machine"

// Group is the one group of parameters: training.optimizer.factors.
const Group = "factors"

func init() { models.Register(Name, kind{}) }

type kind struct{}

// A Config is the model section of a spec.
type Config struct {
	Dimension int `yaml:"dimension"`
}

// New implements models.Kind.
func (kind) New(s *spec.Spec, layout *features.Layout) (models.Model, error) {
	config := Config{Dimension: 8}
	if err := s.Model.Decode(&config); err != nil {
		return nil, err
	}
	if config.Dimension < 1 {
		return nil, s.Model.Errorf([]string{"dimension"}, "dimension is %d: it must be at least 1", config.Dimension)
	}
	m := &machine{layout: layout, dimension: config.Dimension}
	return m, models.CheckGroups(s, m.Params())
}

// A machine is a factorization machine over all columns of a layout.
type machine struct {
	layout    *features.Layout
	dimension int
}

// inputs is the width of an encoded row.
func (m *machine) inputs() int {
	n := len(m.layout.Numeric)
	for _, c := range m.layout.Categorical {
		n += c.Size
	}
	return n
}

// Params implements models.Model.
func (m *machine) Params() []models.Param {
	return []models.Param{
		{Name: "bias", Shape: []int{1, 1}, Group: Group},
		{Name: "weights", Shape: []int{m.inputs(), 1}, Group: Group},
		{Name: "factors", Shape: []int{m.inputs(), m.dimension}, Group: Group, Init: models.Normal(0.01)},
	}
}

// Logits implements models.Model. The shapes follow from the layout, so no
// operation here can fail: hence Must.
func (m *machine) Logits(in *models.Inputs) (*gorgonia.Node, error) {
	x := m.encode(in)
	linear := gorgonia.Must(gorgonia.Mul(x, in.Param("weights")))
	linear = gorgonia.Must(gorgonia.BroadcastAdd(linear, in.Param("bias"), nil, []byte{0}))
	linear = gorgonia.Must(gorgonia.Reshape(linear, []int{in.Batch}))
	return gorgonia.Add(linear, pairs(x, in.Param("factors")))
}

// encode makes the rows one matrix [batch, inputs].
func (m *machine) encode(in *models.Inputs) *gorgonia.Node {
	if in.IDs == nil {
		return in.Numeric
	}
	var columns, sizes []int
	for i, c := range m.layout.Categorical {
		columns = append(columns, i)
		sizes = append(sizes, c.Size)
	}
	oneHot := gorgonia.Must(ops.OneHot(in.IDs, columns, sizes))
	if in.Numeric == nil {
		return oneHot
	}
	return gorgonia.Must(gorgonia.Concat(1, in.Numeric, oneHot))
}

// pairs is the sum over all pairs of inputs, [batch].
func pairs(x, factors *gorgonia.Node) *gorgonia.Node {
	sums := gorgonia.Must(gorgonia.Mul(x, factors))
	squareOfSum := gorgonia.Must(gorgonia.Square(sums))
	sumOfSquares := gorgonia.Must(gorgonia.Mul(
		gorgonia.Must(gorgonia.Square(x)),
		gorgonia.Must(gorgonia.Square(factors))))
	difference := gorgonia.Must(gorgonia.Sub(squareOfSum, sumOfSquares))
	half := gorgonia.NewConstant(float32(0.5))
	return gorgonia.Must(gorgonia.Mul(half, gorgonia.Must(gorgonia.Sum(difference, 1))))
}
