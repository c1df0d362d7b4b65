package modeltest

import (
	"math"
	"slices"
	"sync"
	"testing"

	"github.com/penstock-ml/penstock/models"
	"github.com/penstock-ml/penstock/models/features"
	"github.com/penstock-ml/penstock/models/plan"
)

// New makes the model under test and the layout of its rows.
type New func(t *testing.T) (models.Model, *features.Layout)

// Run checks a model: that its parameters are well formed and start the same
// each time, that its plan agrees with Gorgonia's TapeMachine bit by bit and
// with finite differences, that a row's logit does not depend on the batch
// around it, and that what inputs contribute to it adds up.
func Run(t *testing.T, newModel New) {
	s := newSubject(t, newModel)
	for _, check := range []struct {
		name string
		run  func(t *testing.T, s *subject)
	}{
		{"parameters", checkParameters},
		{"results", checkResults},
		{"oracle", checkOracle},
		{"finite differences", checkFiniteDifferences},
		{"padding", checkPadding},
		{"sums", checkSums},
		{"row independence", checkRowIndependence},
		{"score equals train", checkScoreEqualsTrain},
		{"determinism", checkDeterminism},
		{"sparse equals dense", checkSparseEqualsDense},
		{"groups", checkGroups},
		{"path", checkPath},
	} {
		t.Run(check.name, func(t *testing.T) { check.run(t, s) })
	}
}

// A subject is a model with weights to test it at. Checks do not change it.
type subject struct {
	model       models.Model
	layout      *features.Layout
	arrangement *models.Arrangement
	weights     []float32
}

func newSubject(t *testing.T, newModel New) *subject {
	t.Helper()
	m, layout := newModel(t)
	a, err := models.Arrange(m.Params())
	if err != nil {
		t.Fatal(err)
	}
	s := &subject{m, layout, a, a.Initial(1)}
	// Away from 0 all gradients have something to say.
	noise := make([]float32, a.Total)
	models.Normal(0.2).Fill(noise, 2, "noise")
	for i := range s.weights {
		s.weights[i] += noise[i]
	}
	return s
}

func (s *subject) plan(t *testing.T, batch int, mode plan.Mode) *plan.Plan {
	t.Helper()
	p, err := plan.Compile(s.model, s.arrangement, s.layout, batch, mode)
	if err != nil {
		t.Fatal(err)
	}
	p.Bind(s.weights)
	return p
}

// run fills a plan with rows [from, from+batch) and runs it.
func run(t *testing.T, p *plan.Plan, rows *features.Rows, from int) *plan.Plan {
	t.Helper()
	fill(p.Input(), rows, from)
	if err := p.Run(); err != nil {
		t.Fatal(err)
	}
	return p
}

// train runs a new plan over all rows.
func (s *subject) train(t *testing.T, rows *features.Rows) *plan.Plan {
	t.Helper()
	return run(t, s.plan(t, rows.N, plan.Train), rows, 0)
}

func checkParameters(t *testing.T, s *subject) {
	params := s.model.Params()
	if len(params) == 0 {
		t.Fatal("the model has no parameters")
	}
	for _, p := range params {
		if p.Group == "" {
			t.Errorf("parameter %q has no group", p.Name)
		}
	}
	first, second := s.arrangement.Initial(3), s.arrangement.Initial(3)
	if i := differ(first, second); i >= 0 {
		t.Errorf("float %d starts at %v, then at %v, with the same seed", i, first[i], second[i])
	}
}

func checkResults(t *testing.T, s *subject) {
	const batch = 12
	p := s.train(t, randomRows(s.layout, batch, 1))
	if len(p.Logits()) != batch*s.layout.Target.Width() || len(p.Losses()) != batch || len(p.Dense()) != s.arrangement.Dense {
		t.Fatalf("%d logits, %d losses, %d dense gradients: want %d, %d, %d",
			len(p.Logits()), len(p.Losses()), len(p.Dense()), batch, batch, s.arrangement.Dense)
	}
	for _, values := range [][]float32{p.Logits(), p.Losses(), p.Dense()} {
		for i, v := range values {
			if math.IsNaN(float64(v)) || math.IsInf(float64(v), 0) {
				t.Fatalf("result %d is %v", i, v)
			}
		}
	}
	for _, pairs := range p.Sparse() {
		shape := s.arrangement.Params[pairs.Param].Shape
		if len(pairs.Values) != len(pairs.Rows)*shape[1] {
			t.Errorf("%d rows of %d floats have %d values", len(pairs.Rows), shape[1], len(pairs.Values))
		}
		if !slices.IsSorted(pairs.Rows) || len(slices.Compact(slices.Clone(pairs.Rows))) != len(pairs.Rows) {
			t.Errorf("rows %v are not ascending and unique", pairs.Rows)
		}
	}
}

// checkPadding: rows of weight 0 leave no trace, whatever is in them.
func checkPadding(t *testing.T, s *subject) {
	const batch, used = 16, 11
	rows, others := randomRows(s.layout, batch, 2), randomRows(s.layout, batch, 3)
	copyRows(others, 0, rows, 0, used)
	clear(rows.Weights[used:])
	clear(others.Weights[used:])
	first, second := s.train(t, rows), s.train(t, others)
	compareGradients(t, s, first, second)
	for i, loss := range first.Losses()[used:] {
		if loss != 0 {
			t.Errorf("padding row %d has loss %v", i, loss)
		}
	}
}

// checkSums: gradients are sums over the rows, not means.
func checkSums(t *testing.T, s *subject) {
	const half = 8
	rows := randomRows(s.layout, 2*half, 4)
	whole := s.gradient(s.train(t, rows))
	p := s.plan(t, half, plan.Train)
	parts := s.gradient(run(t, p, rows, 0))
	for i, v := range s.gradient(run(t, p, rows, half)) {
		parts[i] += v
	}
	largest := largest(whole)
	for i := range whole {
		if math.Abs(float64(whole[i]-parts[i])) > 1e-5*largest {
			t.Fatalf("float %d has gradient %v over all rows, %v as the sum of two halves", i, whole[i], parts[i])
		}
	}
}

// checkRowIndependence: a row's logit has the same bits at any position of a
// batch of any size.
func checkRowIndependence(t *testing.T, s *subject) {
	const n = 40
	rows := randomRows(s.layout, n, 5)
	single := s.plan(t, 1, plan.Score)
	var want [][]float32
	for i := range n {
		want = append(want, slices.Clone(run(t, single, rows, i).Logits()))
	}
	for _, batch := range []int{2, 3, 8, 17, 64, 1024} {
		p := s.plan(t, batch, plan.Score)
		for _, from := range []int{0, 13} {
			got := run(t, p, rows, from).Logits()
			for i := range batch {
				width := len(got) / batch
				if row := (from + i) % n; differ(got[i*width:][:width], want[row]) >= 0 {
					t.Fatalf("row %d has outputs %v at position %d of %d, %v alone", row, got[i*width:][:width], i, batch, want[row])
				}
			}
		}
	}
}

func checkScoreEqualsTrain(t *testing.T, s *subject) {
	rows := randomRows(s.layout, 33, 6)
	score := run(t, s.plan(t, rows.N, plan.Score), rows, 0).Logits()
	train := s.train(t, rows).Logits()
	if i := differ(score, train); i >= 0 {
		t.Errorf("row %d has logit %v when scored, %v in training", i, score[i], train[i])
	}
}

// checkDeterminism runs plans at the same time, and one of them again.
func checkDeterminism(t *testing.T, s *subject) {
	rows := randomRows(s.layout, 24, 7)
	plans := make([]*plan.Plan, 4)
	errs := make([]error, len(plans))
	var done sync.WaitGroup
	for i := range plans {
		done.Go(func() {
			p, err := plan.Compile(s.model, s.arrangement, s.layout, rows.N, plan.Train)
			if err == nil {
				p.Bind(s.weights)
				fill(p.Input(), rows, 0)
				err = p.Run()
			}
			plans[i], errs[i] = p, err
		})
	}
	done.Wait()
	for i := range plans {
		if errs[i] != nil {
			t.Fatal(errs[i])
		}
		compareGradients(t, s, plans[0], plans[i])
	}
	before := slices.Clone(plans[0].Logits())
	again := run(t, plans[0], rows, 0)
	if i := differ(before, again.Logits()); i >= 0 {
		t.Errorf("row %d has logit %v, then %v", i, before[i], again.Logits()[i])
	}
	compareGradients(t, s, again, plans[1])
}

// dense is a model without sparse parameters.
type dense struct{ models.Model }

func (m dense) Params() []models.Param {
	params := slices.Clone(m.Model.Params())
	for i := range params {
		params[i].Sparse = false
	}
	return params
}

// checkSparseEqualsDense: pairs hold the bits that a dense gradient would.
func checkSparseEqualsDense(t *testing.T, s *subject) {
	if s.arrangement.Dense == s.arrangement.Total {
		t.Skip("the model has no sparse parameters")
	}
	rows := randomRows(s.layout, 50, 8)
	copyRows(rows, 40, rows, 0, 5) // some ids come several times
	got := s.gradient(s.train(t, rows))

	all, err := models.Arrange(dense{s.model}.Params())
	if err != nil {
		t.Fatal(err)
	}
	other := &subject{dense{s.model}, s.layout, all, make([]float32, all.Total)}
	s.exchange(other, s.weights, other.weights)
	want := make([]float32, s.arrangement.Total)
	other.exchange(s, other.gradient(other.train(t, rows)), want)
	if i := differ(got, want); i >= 0 {
		t.Errorf("float %d has gradient %v as pairs, %v densely", i, got[i], want[i])
	}
}

// exchange copies a vector from one arrangement of the parameters to another.
func (s *subject) exchange(to *subject, src, dst []float32) {
	for _, from := range s.arrangement.Params {
		for _, p := range to.arrangement.Params {
			if p.Name == from.Name {
				copy(p.In(dst), from.In(src))
			}
		}
	}
}
