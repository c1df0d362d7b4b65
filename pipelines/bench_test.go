package pipelines

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/penstock-ml/penstock/models/records"
	"github.com/penstock-ml/penstock/storage"
)

// The benchmarks of whole jobs read generated census records: these are many enough for the fixed cost of a job not to
// count.
const benchmarkRecords = 1_000_000

// describe returns what storage knows of a file.
func describe(b *testing.B, path string) storage.Info {
	b.Helper()
	info, err := storage.Stat(context.Background(), path)
	if err != nil {
		b.Fatal(err)
	}
	return info
}

func reportRows(b *testing.B, rows int64) {
	b.ReportMetric(float64(rows)/b.Elapsed().Seconds(), "rows/s")
}

// benchmarkModel trains for a few steps: the time that a model takes does not depend on its weights.
func benchmarkModel(b *testing.B) ModelRef {
	b.Helper()
	train, _, _ := censusFiles(b, 32_000)
	return ModelRef{Export: mustTrain(b, censusOptions(b, train, "", 10)).Export}
}

// censusJSON writes the records of a CSV file as JSON lines.
func censusJSON(b *testing.B, file string) string {
	b.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		b.Fatal(err)
	}
	format := censusSpec(b).Format()
	var lines bytes.Buffer
	for scanner := records.NewScanner(bytes.NewReader(data), format, file); scanner.Scan(); {
		separator := "{"
		for i, field := range scanner.Record().Fields {
			fmt.Fprintf(&lines, "%s%q:%q", separator, format.Columns[i], field)
			separator = ","
		}
		lines.WriteString("}\n")
	}
	path := strings.TrimSuffix(file, ".csv") + ".jsonl"
	writeFile(b, path, lines.Bytes())
	return path
}

func BenchmarkAnalyze(b *testing.B) {
	train, _, _ := censusFiles(b, benchmarkRecords)
	info, s, dir := describe(b, train), censusSpec(b), b.TempDir()
	b.SetBytes(info.Size)
	for b.Loop() {
		if _, _, err := analyze(context.Background(), TrainOptions{Runner: runnerNamed(b, "direct"), Spec: s, JobDir: dir}, []storage.Info{info}, false); err != nil {
			b.Fatal(err)
		}
	}
	reportRows(b, int64(b.N)*benchmarkRecords)
}

func BenchmarkIdentify(b *testing.B) {
	train, _, _ := censusFiles(b, benchmarkRecords)
	info := describe(b, train)
	b.SetBytes(info.Size)
	for b.Loop() {
		if _, err := identify(context.Background(), []storage.Info{info}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkEvaluate(b *testing.B) {
	model := benchmarkModel(b)
	file, _, _ := censusFiles(b, benchmarkRecords)
	b.SetBytes(describe(b, file).Size)
	rows := int64(0)
	for b.Loop() {
		m, err := Evaluate(context.Background(), EvaluateOptions{Model: model, Files: []string{file}, Runner: runnerNamed(b, "direct")})
		if err != nil {
			b.Fatal(err)
		}
		rows += m.Examples
	}
	reportRows(b, rows)
}

func BenchmarkBatchPredict(b *testing.B) {
	model := benchmarkModel(b)
	file, _, _ := censusFiles(b, benchmarkRecords)
	inputs := map[string]string{records.CSV: file, records.JSONL: censusJSON(b, file)}
	for _, kind := range []string{records.CSV, records.JSONL} {
		b.Run(kind, func(b *testing.B) {
			b.SetBytes(describe(b, inputs[kind]).Size)
			rows := int64(0)
			for b.Loop() {
				result, err := BatchPredict(context.Background(), BatchPredictOptions{
					Model: model, InputPaths: []string{inputs[kind]}, DataFormat: kind, OutputPath: b.TempDir(), Runner: runnerNamed(b, "direct"),
				})
				if err != nil {
					b.Fatal(err)
				}
				rows += result.Predictions
			}
			reportRows(b, rows)
		})
	}
}
