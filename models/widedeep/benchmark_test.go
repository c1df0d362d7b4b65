package widedeep_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/penstock-ml/penstock/models"
	"github.com/penstock-ml/penstock/models/alloctest"
	"github.com/penstock-ml/penstock/models/features"
	"github.com/penstock-ml/penstock/models/plan"
	"github.com/penstock-ml/penstock/models/widedeep"
)

// The census walkthrough's features and model.
var (
	censusLayout = &features.Layout{
		Numeric: []string{"age", "education_num", "capital_gain", "capital_loss", "hours_per_week"},
		Categorical: []features.Categorical{
			{Name: "workclass", Size: 10}, {Name: "education", Size: 17}, {Name: "marital_status", Size: 8},
			{Name: "occupation", Size: 16}, {Name: "relationship", Size: 7}, {Name: "race", Size: 6},
			{Name: "gender", Size: 3}, {Name: "native_country", Size: 43}, {Name: "age_buckets", Size: 11},
			{Name: "education_x_occupation", Size: 272}, {Name: "age_x_race_x_occupation", Size: 1056},
			{Name: "country_x_occupation", Size: 688},
		},
	}
	censusConfig = config{
		Wide: []string{
			"gender", "native_country", "education", "occupation", "workclass", "marital_status", "relationship",
			"age_buckets", "education_x_occupation", "age_x_race_x_occupation", "country_x_occupation",
		},
		Deep: deep{
			Numeric:   censusLayout.Numeric,
			Indicator: []string{"workclass", "education", "marital_status", "gender", "relationship", "race"},
			Embedding: []embedding{{"native_country", 8}, {"occupation", 8}},
			Hidden:    []int{100, 70, 50, 34},
		},
	}
)

// arranged makes a model and places its parameters.
func arranged(tb testing.TB, c config, layout *features.Layout) (models.Model, *models.Arrangement) {
	tb.Helper()
	m, err := widedeep.NewModel(newSpec(tb, c), layout)
	if err != nil {
		tb.Fatal(err)
	}
	a, err := models.Arrange(m.Params())
	if err != nil {
		tb.Fatal(err)
	}
	return m, a
}

// newPlan makes a plan with weights and rows in place.
func newPlan(tb testing.TB, c config, layout *features.Layout, batch int, mode plan.Mode) *plan.Plan {
	tb.Helper()
	m, a := arranged(tb, c, layout)
	p, err := plan.Compile(m, a, layout, batch, mode)
	if err != nil {
		tb.Fatal(err)
	}
	p.Bind(a.Initial(1))
	fillRandom(p.Input(), layout)
	return p
}

func fillRandom(rows *features.Rows, layout *features.Layout) {
	random := rand.New(rand.NewPCG(1, 2))
	for i := range rows.Numeric {
		rows.Numeric[i] = float32(random.NormFloat64())
	}
	for i := range rows.IDs {
		rows.IDs[i] = int32(random.IntN(layout.Categorical[i%len(layout.Categorical)].Size))
	}
	for i := range rows.N {
		rows.Labels[i], rows.Weights[i] = float32(random.IntN(2)), 1
	}
}

func benchmark(b *testing.B, c config, layout *features.Layout, mode plan.Mode) {
	for _, batch := range []int{64, 256, 512} {
		b.Run(fmt.Sprint(batch), func(b *testing.B) {
			p := newPlan(b, c, layout, batch, mode)
			b.ReportAllocs()
			for b.Loop() {
				if err := p.Run(); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(batch)*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
		})
	}
}

func BenchmarkTrain(b *testing.B) { benchmark(b, censusConfig, censusLayout, plan.Train) }

func BenchmarkScore(b *testing.B) { benchmark(b, censusConfig, censusLayout, plan.Score) }

// BenchmarkTrainSparse has a wide table of a million rows besides.
func BenchmarkTrainSparse(b *testing.B) {
	layout, c := *censusLayout, censusConfig
	layout.Categorical = append(layout.Categorical[:12:12], features.Categorical{Name: "hashed_cross", Size: 1_000_000})
	c.Wide = append(c.Wide[:11:11], "hashed_cross")
	benchmark(b, c, &layout, plan.Train)
}

func TestRunDoesNotAllocate(t *testing.T) {
	for name, c := range configs {
		for _, mode := range []plan.Mode{plan.Score, plan.Train} {
			p := newPlan(t, c, layout, 64, mode)
			alloctest.None(t, fmt.Sprintf("%s, mode %d", name, mode), 20, func() {
				if err := p.Run(); err != nil {
					t.Fatal(err)
				}
			})
		}
	}
}

func TestGroupsDoNotAllocate(t *testing.T) {
	for name, c := range configs {
		m, a := arranged(t, c, layout)
		g, err := plan.CompileGroups(m, a, layout, 16, 3)
		if err != nil {
			t.Fatal(err)
		}
		g.Bind(a.Initial(1))
		fillRandom(g.Input(), layout)
		run := groupsRun(t, a, g)
		alloctest.None(t, name, 10, run)
	}
}

// groupsRun computes everything once, each time that it is called.
func groupsRun(tb testing.TB, a *models.Arrangement, g *plan.Groups) func() {
	plans, gradients := []*plan.Groups{g}, plan.NewGradients(a)
	gradients.Take(plans)
	values, scratch := make([]float32, gradients.LongestBlock()), make([]float32, gradients.Scratch())
	return func() {
		if err := g.Run(); err != nil {
			tb.Fatal(err)
		}
		if gradients.Take(plans) {
			gradients.Keep(0)
		}
		for group := range g.Groups() {
			for block := range gradients.Blocks() {
				gradients.Reduce(values, block, 0, group, scratch)
			}
			for table := range g.Tables() {
				g.Sparse(group, table)
			}
		}
	}
}

// BenchmarkGroups is what one core does in a step: 4 groups of 64 rows.
func BenchmarkGroups(b *testing.B) {
	wide := censusConfig
	wide.Deep.Hidden = []int{1024, 1024, 512}
	for name, c := range map[string]config{"census": censusConfig, "wide": wide} {
		b.Run(name, func(b *testing.B) {
			m, a := arranged(b, c, censusLayout)
			g, err := plan.CompileGroups(m, a, censusLayout, 64, 4)
			if err != nil {
				b.Fatal(err)
			}
			g.Bind(a.Initial(1))
			fillRandom(g.Input(), censusLayout)
			run := groupsRun(b, a, g)
			for b.Loop() {
				run()
			}
			b.ReportMetric(256*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
		})
	}
}

func BenchmarkCompile(b *testing.B) {
	for b.Loop() {
		newPlan(b, censusConfig, censusLayout, 64, plan.Train)
	}
}
