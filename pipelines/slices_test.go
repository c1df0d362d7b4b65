package pipelines

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/penstock-ml/penstock/models/metrics"
	"github.com/penstock-ml/penstock/runners/runnerstest"
)

// A slice has the figures of a file with its records alone.
func TestSlicesAreThoseOfTheirRecords(t *testing.T) {
	train, eval, _ := censusFiles(t, 2000)
	result := mustTrain(t, censusOptions(t, train, "", 20))
	model := ModelRef{Export: result.Export}
	evaluate := func(o EvaluateOptions) *metrics.Metrics {
		o.Model = model
		m, err := Evaluate(context.Background(), o)
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	text, err := os.ReadFile(eval)
	if err != nil {
		t.Fatal(err)
	}
	whole := evaluate(EvaluateOptions{Files: []string{eval}, Runner: runnerNamed(t, "direct")})
	for _, name := range runnerstest.Names {
		m := evaluate(EvaluateOptions{Files: []string{eval}, Runner: runnerNamed(t, name), SliceBy: []string{"gender", "race"}, RangeBytes: 5000})
		if len(m.Slices) != 2+5 || m.Slices[0].Column != "gender" || m.Slices[2].Column != "race" {
			t.Fatalf("%s: there are %d slices", name, len(m.Slices))
		}
		examples := int64(0)
		for _, slice := range m.Slices {
			examples += slice.Examples
			var lines bytes.Buffer
			for line := range bytes.Lines(text) {
				fields := strings.Split(string(line), ",")
				if column := map[string]int{"gender": 9, "race": 8}[slice.Column]; fields[column] == slice.Value {
					lines.Write(line)
				}
			}
			file := filepath.Join(t.TempDir(), "slice.csv")
			writeFile(t, file, lines.Bytes())
			alone := evaluate(EvaluateOptions{Files: []string{file}, Runner: runnerNamed(t, "direct")})
			if diff := cmp.Diff(alone, slice.Metrics, cmpopts.EquateApprox(1e-14, 0)); diff != "" {
				t.Errorf("%s, %s %s (-alone +slice):\n%s", name, slice.Column, slice.Value, diff)
			}
		}
		if examples != 2*whole.Examples {
			t.Errorf("the slices have %d examples, twice all are %d", examples, 2*whole.Examples)
		}
		m.Slices = nil
		if diff := cmp.Diff(whole, m); diff != "" {
			t.Errorf("%s: slices change the whole:\n%s", name, diff)
		}
	}
	_, err = Evaluate(context.Background(), EvaluateOptions{Model: model, Files: []string{eval}, Runner: runnerNamed(t, "direct"), SliceBy: []string{"gendre"}})
	if err == nil || err.Error() != `--slice-by: there is no column "gendre"; did you mean "gender"?` {
		t.Error(err)
	}
}

// Intervals do not depend on the runner, hold the figure, and are narrower for more examples.
func TestBootstrapIntervals(t *testing.T) {
	train, eval, _ := censusFiles(t, 4000)
	result := mustTrain(t, censusOptions(t, train, "", 20))
	intervals := func(file, runner string) *metrics.Metrics {
		m, err := Evaluate(context.Background(), EvaluateOptions{
			Model: ModelRef{Export: result.Export}, Files: []string{file}, Runner: runnerNamed(t, runner), Bootstrap: 100, RangeBytes: 20_000,
		})
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	few, many := intervals(eval, "direct"), intervals(train, "direct")
	if diff := cmp.Diff(few.Intervals, intervals(eval, "prism").Intervals); diff != "" {
		t.Errorf("(-direct +prism):\n%s", diff)
	}
	for _, figure := range few.Scalars() {
		i, j := few.Intervals[figure.Name], many.Intervals[figure.Name]
		if figure.Name == "calibration_error" {
			continue // of a sample it is larger
		}
		if width := i[1] - i[0]; width > 0.2 {
			t.Errorf("%s: the interval is %v", figure.Name, i)
		}
		if figure.Value < i[0] || figure.Value > i[1] || i[1] == i[0] {
			t.Errorf("%s is %v, its interval %v", figure.Name, figure.Value, i)
		}
		if ratio := (i[1] - i[0]) / (j[1] - j[0]); ratio < 1.2 || ratio > 3.5 { // a quarter of the examples: twice as wide, by chance more or less
			t.Errorf("%s: the interval of %d examples is %v, of %d examples %v", figure.Name, few.Examples, i, many.Examples, j)
		}
	}
}
