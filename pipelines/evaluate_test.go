package pipelines

import (
	"context"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/penstock-ml/penstock/models/alloctest"
	"github.com/penstock-ml/penstock/models/metrics"
	"github.com/penstock-ml/penstock/models/predictor"
	"github.com/penstock-ml/penstock/models/predictor/predictortest"
	"github.com/penstock-ml/penstock/models/saved"
	"github.com/penstock-ml/penstock/runners/runnerstest"
	"github.com/penstock-ml/penstock/storage"
	"github.com/penstock-ml/penstock/transforms"
)

// exportModel writes the small model of tests.
func exportModel(t testing.TB) ModelRef {
	t.Helper()
	dir, _, err := saved.WriteExport(context.Background(), t.TempDir(), "toy", time.Unix(1000, 0), predictortest.Model(t))
	if err != nil {
		t.Fatal(err)
	}
	return ModelRef{Export: dir}
}

func writeFile(t testing.TB, path string, data []byte) {
	t.Helper()
	if err := os.WriteFile(path, data, 0o666); err != nil {
		t.Fatal(err)
	}
}

// writeRecords writes the first n records in files of 700.
func writeRecords(t testing.TB, n int) (dir string) {
	t.Helper()
	dir = t.TempDir()
	for i := 0; i < n; i += 700 {
		writeFile(t, filepath.Join(dir, fmt.Sprintf("part-%03d.csv", i/700)), predictortest.CSV(i, min(i+700, n)))
	}
	return dir
}

func TestEvaluateIsExact(t *testing.T) {
	const n = 2000
	dir, model := writeRecords(t, n), exportModel(t)
	want := bruteForce(t, n)
	var first *metrics.Metrics
	for _, runner := range runnerstest.Names {
		for _, rangeBytes := range []int64{0, 5000, 1 << 20} {
			temp := t.TempDir()
			got, err := Evaluate(context.Background(), EvaluateOptions{
				Model: model, Files: []string{dir + "/*.csv"}, Runner: runnerNamed(t, runner), RangeBytes: rangeBytes, TempDir: temp,
			})
			if err != nil {
				t.Fatalf("%s: %v", runner, err)
			}
			if first == nil {
				first = got
				want.compare(t, got)
			}
			if diff := cmp.Diff(first, got); diff != "" {
				t.Errorf("%s with ranges of %d bytes:\n%s", runner, rangeBytes, diff)
			}
			if left, _ := os.ReadDir(temp); len(left) > 0 {
				t.Errorf("%s left %v behind", runner, left)
			}
		}
	}
}

// example is one record with what the model says.
type example struct {
	logit    float64
	positive bool
}

type examples []example

// bruteForce scores the first n records one after the other.
func bruteForce(t *testing.T, n int) examples {
	t.Helper()
	p, err := predictor.New(predictortest.Model(t))
	if err != nil {
		t.Fatal(err)
	}
	scorer, err := p.NewScorer(1)
	if err != nil {
		t.Fatal(err)
	}
	var list examples
	for i := range n {
		scorer.Add(predictortest.Fields(i))
		results, err := scorer.Score()
		if err != nil || results[0].Err != nil {
			t.Fatal(err, results)
		}
		list = append(list, example{float64(results[0].Outputs[0]), predictortest.Record(i)[3] == ">50K"})
	}
	return list
}

// compare computes the metrics by their definitions.
func (list examples) compare(t *testing.T, got *metrics.Metrics) {
	t.Helper()
	var loss, correct, pairs, ranked float64
	for _, e := range list {
		sign := -1.0
		if e.positive {
			sign = 1
		}
		loss += math.Log1p(math.Exp(-sign * e.logit))
		if (e.logit > 0) == e.positive {
			correct++
		}
		for _, f := range list {
			if !e.positive || f.positive {
				continue
			}
			pairs++
			switch {
			case e.logit > f.logit:
				ranked++
			case e.logit == f.logit:
				ranked += 0.5
			}
		}
	}
	n := float64(len(list))
	for _, figure := range []struct {
		name      string
		got, want float64
	}{
		{"examples", float64(got.Examples), n},
		{"loss", got.Loss, loss / n},
		{"accuracy", got.Accuracy, correct / n},
		{"AUC", *got.AUC, ranked / pairs},
	} {
		if math.Abs(figure.got-figure.want) > 1e-9 {
			t.Errorf("%s: %v, by definition %v", figure.name, figure.got, figure.want)
		}
	}
}

func TestEvaluateACheckpoint(t *testing.T) {
	ctx, jobDir := context.Background(), t.TempDir()
	m := predictortest.Model(t)
	data, err := m.Spec.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	writeFile(t, transforms.SpecPath(jobDir), data)
	if err := saved.WriteFeatures(ctx, transforms.FeaturesDir(jobDir), m.Features); err != nil {
		t.Fatal(err)
	}
	slot := saved.Tensor{Name: m.Weights[0].Name + "/slot_0", Shape: []int{1}, Data: []float32{5}}
	if err := saved.WriteCheckpoint(ctx, jobDir, &saved.Checkpoint{Step: 7, Tensors: append(m.Weights, slot), Meta: []byte("{}")}); err != nil {
		t.Fatal(err)
	}
	files := []string{writeRecords(t, 300) + "/*.csv"}
	for _, runner := range runnerstest.Names {
		got, err := Evaluate(ctx, EvaluateOptions{Model: ModelRef{JobDir: jobDir, Step: 7}, Files: files, Runner: runnerNamed(t, runner)})
		if err != nil {
			t.Fatal(err)
		}
		want, err := Evaluate(ctx, EvaluateOptions{Model: exportModel(t), Files: files, Runner: runnerNamed(t, runner)})
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%s (-export +checkpoint): %v\n%s", runner, err, diff)
		}
	}
	files2, err := storage.List(ctx, jobDir)
	if err != nil || slices.ContainsFunc(files2, func(i storage.Info) bool { return strings.Contains(i.Path, "evaluation-") }) {
		t.Errorf("the job directory holds %v, %v", files2, err)
	}
}

func TestEvaluateNamesTheBadRecord(t *testing.T) {
	dir, model := writeRecords(t, 300), exportModel(t)
	bad := filepath.Join(dir, "bad.csv")
	for _, test := range []struct{ line, want string }{
		{"x,40,cook,rich,Paris,9", `:301: column label: "rich" is not a class`},
		{"x,forty,cook,<=50K,Paris,9", `:301: column age: "forty" is not a decimal number`},
		{"x,40,cook", `:301: 3 fields where 6 columns are expected`},
		{"", "there are no examples to evaluate"},
	} {
		content := append(predictortest.CSV(0, 300), test.line+"\n"...)
		if test.line == "" {
			content = nil
		}
		writeFile(t, bad, content)
		for _, runner := range runnerstest.Names {
			if runner != "direct" && alloctest.UnderRaceDetector() {
				continue // Beam's worker closes the channel on which answers to a failed bundle may still be sent
			}
			_, err := Evaluate(context.Background(), EvaluateOptions{
				Model: model, Files: []string{bad}, Runner: runnerNamed(t, runner), RangeBytes: 1000,
			})
			want := test.want
			if test.line != "" {
				want = bad + want
			}
			if err == nil || !strings.HasPrefix(err.Error(), want) {
				t.Errorf("%s: %v, want %s...", runner, err, want)
			}
		}
	}
}

func TestEvaluateWithoutFilesOrModel(t *testing.T) {
	o := EvaluateOptions{Model: exportModel(t), Files: []string{t.TempDir() + "/*.csv"}, Runner: runnerNamed(t, "direct")}
	if _, err := Evaluate(context.Background(), o); err == nil || !strings.Contains(err.Error(), "--eval-files") {
		t.Errorf("no files: %v", err)
	}
	o.Model = ModelRef{Export: t.TempDir()}
	if _, err := Evaluate(context.Background(), o); err == nil || !strings.Contains(err.Error(), o.Model.Export) {
		t.Errorf("no model: %v", err)
	}
}
