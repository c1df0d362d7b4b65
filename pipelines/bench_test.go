package pipelines

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/penstock-ml/penstock/models"
	"github.com/penstock-ml/penstock/models/features"
	"github.com/penstock-ml/penstock/models/records"
	"github.com/penstock-ml/penstock/models/saved"
	"github.com/penstock-ml/penstock/models/spec"
)

// censusData is the training file of the census, which the repository does not ship.
func censusData(t testing.TB) []byte {
	t.Helper()
	dir := os.Getenv("CENSUS_DIR")
	if dir == "" {
		dir = "../../shared/data/census"
	}
	data, err := os.ReadFile(filepath.Join(dir, "adult.data.csv"))
	if errors.Is(err, fs.ErrNotExist) {
		t.Skipf("the census data is not in %s; set CENSUS_DIR to the directory of adult.data.csv", dir)
	}
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// censusModel exports the model of the walkthrough with the weights it would begin with: as fast as a trained one.
func censusModel(t testing.TB, data []byte) ModelRef {
	t.Helper()
	text, err := os.ReadFile("../testdata/census.yaml")
	if err != nil {
		t.Fatal(err)
	}
	s, err := spec.Parse("census.yaml", text)
	if err != nil {
		t.Fatal(err)
	}
	statistics := features.NewStatistics(s)
	for scanner := records.NewScanner(bytes.NewReader(data), s.Format(), "census"); scanner.Scan(); {
		if err := statistics.Add(scanner.Record().Fields); err != nil {
			t.Fatal(err)
		}
	}
	m := &saved.Model{Spec: s}
	if m.Features, err = statistics.Fit(s); err != nil {
		t.Fatal(err)
	}
	model, err := models.New(s, m.Features)
	if err != nil {
		t.Fatal(err)
	}
	arrangement, err := models.Arrange(model.Params())
	if err != nil {
		t.Fatal(err)
	}
	weights := arrangement.Initial(1)
	for i := range arrangement.Params {
		p := &arrangement.Params[i]
		m.Weights = append(m.Weights, saved.Tensor{Name: p.Name, Shape: p.Shape, Data: p.In(weights)})
	}
	dir, _, err := saved.WriteExport(context.Background(), t.TempDir(), "census", time.Unix(1000, 0), m)
	if err != nil {
		t.Fatal(err)
	}
	return ModelRef{Export: dir}
}

const benchmarkCopies = 30 // of the census: a million rows

func BenchmarkBatchPredict(b *testing.B) {
	data := censusData(b)
	model := censusModel(b, data)
	input := filepath.Join(b.TempDir(), "census.csv")
	writeFile(b, input, bytes.Repeat(data, benchmarkCopies))
	rows := 0
	for b.Loop() {
		result, err := BatchPredict(context.Background(), BatchPredictOptions{
			Model: model, InputPaths: []string{input}, OutputPath: b.TempDir(), Runner: runnerNamed(b, "direct"),
		})
		if err != nil {
			b.Fatal(err)
		}
		rows += int(result.Predictions)
	}
	b.ReportMetric(float64(rows)/b.Elapsed().Seconds(), "rows/s")
}

func BenchmarkEvaluate(b *testing.B) {
	data := censusData(b)
	model := censusModel(b, data)
	input := filepath.Join(b.TempDir(), "census.csv")
	writeFile(b, input, data)
	rows := 0
	for b.Loop() {
		m, err := Evaluate(context.Background(), EvaluateOptions{Model: model, Files: []string{input}, Runner: runnerNamed(b, "direct")})
		if err != nil {
			b.Fatal(err)
		}
		rows += int(m.Examples)
	}
	b.ReportMetric(float64(rows)/b.Elapsed().Seconds(), "rows/s")
}
