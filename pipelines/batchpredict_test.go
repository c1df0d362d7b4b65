package pipelines

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/penstock-ml/penstock/models/metrics"
	"github.com/penstock-ml/penstock/models/predictor"
	"github.com/penstock-ml/penstock/models/predictor/predictortest"
	"github.com/penstock-ml/penstock/models/records"
	"github.com/penstock-ml/penstock/runners/runnerstest"
	"github.com/penstock-ml/penstock/storage"
	"github.com/penstock-ml/penstock/transforms"
)

// predictDir runs a batch prediction and returns its result and the files it wrote.
func predictDir(t testing.TB, o BatchPredictOptions) (*BatchPredictResult, map[string]string) {
	t.Helper()
	if o.OutputPath == "" {
		o.OutputPath = t.TempDir()
	}
	result, err := BatchPredict(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	return result, readDir(t, o.OutputPath)
}

func readDir(t testing.TB, dir string) map[string]string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for _, entry := range entries {
		data, err := os.ReadFile(filepath.Join(dir, entry.Name()))
		if err != nil {
			t.Fatal(err)
		}
		files[entry.Name()] = string(data)
	}
	return files
}

// joined is the contents of the shards of one kind in number order.
func joined(files map[string]string, kind string, shards int) string {
	var all strings.Builder
	for i := range shards {
		all.WriteString(files[fmt.Sprintf("prediction.%s-%05d-of-%05d", kind, i, shards)])
	}
	return all.String()
}

// expected is the predictions of records one after the other, as lines.
func expected(t testing.TB, list ...int) string {
	t.Helper()
	p, err := predictor.New(predictortest.Model(t))
	if err != nil {
		t.Fatal(err)
	}
	scorer, err := p.NewScorer(1)
	if err != nil {
		t.Fatal(err)
	}
	var out []byte
	for _, i := range list {
		scorer.Add(predictortest.Fields(i))
		results, err := scorer.Score()
		if err != nil || results[0].Err != nil {
			t.Fatal(err, results)
		}
		out = append(p.AppendJSON(out, results[0].Outputs, results[0].Key), '\n')
	}
	return string(out)
}

func upTo(n int) (list []int) {
	for i := range n {
		list = append(list, i)
	}
	return list
}

func TestBatchPredictIsTheSameEverywhere(t *testing.T) {
	const n = 1500
	dir, model := writeRecords(t, n), exportModel(t)
	o := BatchPredictOptions{Model: model, InputPaths: []string{dir + "/*.csv"}, RangeBytes: 10_000, Runner: runnerNamed(t, "direct")}
	result, want := predictDir(t, o)
	if diff := cmp.Diff(expected(t, upTo(n)...), joined(want, "results", result.Shards)); diff != "" {
		t.Errorf("results (-one by one +batch):\n%s", diff)
	}
	if diff := cmp.Diff(&BatchPredictResult{Records: n, Predictions: n, Shards: 7, ErrorTypes: []transforms.ErrorCount{}}, result); diff != "" {
		t.Errorf("result:\n%s", diff)
	}
	if len(want) != 2*result.Shards+2 {
		t.Errorf("%d files for %d shards", len(want), result.Shards)
	}
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	for _, runner := range runnerstest.Names {
		for _, cores := range []int{1, 5, 20} {
			runtime.GOMAXPROCS(cores)
			o.Runner, o.BatchSize = runnerNamed(t, runner), 1+cores
			_, got := predictDir(t, o)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s on %d cores:\n%s", runner, cores, diff)
			}
		}
	}
}

// badLines are records that have no prediction, with their reasons.
var badLines = []struct{ line, kind, reason string }{
	{"1,2,3", records.FieldCount, "3 fields where 6 columns are expected"},
	{`"x,40,cook,<=50K,Paris,9`, records.Quotes, "its quote is not closed"},
	{"x,forty,cook,<=50K,Paris,9", "column age", `"forty" is not a decimal number`},
	{"x,40,cook,<=50K,Paris,", "column hours", "has no value"},
	{"<\xff>,-40,cook,<=50K,Paris,-3", "column hours", "-3"},
}

// spoil inserts the bad lines among the records and returns where they are.
func spoil(t testing.TB, n int) (data []byte, want []transforms.RecordError) {
	t.Helper()
	line := int64(1)
	for i := range n {
		if i%100 == 50 {
			bad := badLines[i/100%len(badLines)]
			want = append(want, transforms.RecordError{Offset: int64(len(data)), Line: line, Record: strings.ToValidUTF8(bad.line, "\uFFFD"), Error: bad.reason})
			data = append(data, bad.line+"\r\n\n"...) // and an empty line, which is no record
			line += 2
		}
		data = append(data, predictortest.CSV(i, i+1)...)
		line++
	}
	return data, want
}

func TestBatchPredictAccountsForBadRecords(t *testing.T) {
	const n = 1000
	data, want := spoil(t, n)
	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	z.Write(data)
	z.Close()
	dir, model := t.TempDir(), exportModel(t)
	writeFile(t, filepath.Join(dir, "a.csv"), data)
	writeFile(t, filepath.Join(dir, "b.csv.gz"), zipped.Bytes())
	writeFile(t, filepath.Join(dir, "c.csv"), nil)
	var first map[string]string
	for _, runner := range runnerstest.Names {
		result, files := predictDir(t, BatchPredictOptions{
			Model: model, InputPaths: []string{dir + "/*", dir + "/a.csv"}, RangeBytes: 5000, Runner: runnerNamed(t, runner),
		})
		if result.Records != 2*(n+10) || result.Predictions != 2*n || result.Errors != 20 {
			t.Errorf("%s: %+v", runner, result)
		}
		if diff := cmp.Diff(expected(t, append(upTo(n), upTo(n)...)...), joined(files, "results", result.Shards)); diff != "" {
			t.Errorf("%s: results:\n%s", runner, diff)
		}
		checkErrors(t, joined(files, "errors", result.Shards), dir, want)
		const stats = `{"type":"column hours","count":8}
{"type":"column age","count":4}
{"type":"field count","count":4}
{"type":"quotes","count":4}
`
		if diff := cmp.Diff(stats, files["prediction.errors_stats"]); diff != "" {
			t.Errorf("%s: prediction.errors_stats:\n%s", runner, diff)
		}
		if first == nil {
			first = files
		}
		if diff := cmp.Diff(first, files); diff != "" {
			t.Errorf("%s:\n%s", runner, diff)
		}
	}
}

// checkErrors compares the errors of a.csv and b.csv.gz, which have the same content.
func checkErrors(t *testing.T, lines, dir string, want []transforms.RecordError) {
	t.Helper()
	decoder := json.NewDecoder(strings.NewReader(lines))
	for i := range 2 * len(want) {
		var got transforms.RecordError
		if err := decoder.Decode(&got); err != nil {
			t.Fatal(err)
		}
		e := want[i%len(want)]
		e.File = filepath.Join(dir, []string{"a.csv", "b.csv.gz"}[i/len(want)])
		if !strings.Contains(got.Error, e.Error) {
			t.Errorf("error %d: %s, want %s", i, got.Error, e.Error)
		}
		e.Error = got.Error
		if diff := cmp.Diff(e, got); diff != "" {
			t.Errorf("error %d:\n%s", i, diff)
		}
	}
	if decoder.More() {
		t.Errorf("more than %d errors", 2*len(want))
	}
}

func TestPrintedLogitsGiveTheMetrics(t *testing.T) {
	const n = 500
	dir, model := writeRecords(t, n), exportModel(t)
	files := []string{dir + "/*.csv"}
	result, written := predictDir(t, BatchPredictOptions{Model: model, InputPaths: files, Runner: runnerNamed(t, "direct")})
	decoder := json.NewDecoder(strings.NewReader(joined(written, "results", result.Shards)))
	figures := metrics.NewFigures(metrics.Task{Classes: 2})
	var curve metrics.Curve
	for i := range n {
		var p struct{ Logits []float32 }
		if err := decoder.Decode(&p); err != nil {
			t.Fatal(err)
		}
		label := float32(0)
		if predictortest.Record(i)[3] == ">50K" {
			label = 1
		}
		if err := errors.Join(figures.Add(p.Logits, label, 1), curve.Add(p.Logits[0], label, 1)); err != nil {
			t.Fatal(err)
		}
	}
	whole, err := curve.Figures()
	if err != nil {
		t.Fatal(err)
	}
	want, err := figures.Metrics(whole)
	if err != nil {
		t.Fatal(err)
	}
	got, err := Evaluate(context.Background(), EvaluateOptions{Model: model, Files: files, Runner: runnerNamed(t, "prism")})
	if diff := cmp.Diff(want, got, cmpopts.EquateApprox(1e-14, 0)); err != nil || diff != "" { // precisions add up in another order
		t.Errorf("(-printed logits +evaluation): %v\n%s", err, diff)
	}
}

func TestBatchPredictReadsOtherForms(t *testing.T) {
	const n = 300
	model := exportModel(t)
	var bare, objects bytes.Buffer
	for i := range n {
		r := predictortest.Record(i)
		fmt.Fprintf(&bare, "%s,%s,%s,%s,%s\n", r[0], r[1], r[2], r[4], r[5])
		fmt.Fprintf(&objects, `{"city":%q,"id":%q,"age":%s,"job":%q,"hours":%s}`+"\n", r[4], r[0], r[1], r[2], r[5])
	}
	for _, test := range []struct {
		name, format string
		data         []byte
	}{
		{"labelled.csv", "", predictortest.CSV(0, n)},
		{"bare.csv", "", bare.Bytes()},
		{"objects.jsonl", records.JSONL, objects.Bytes()},
	} {
		path := filepath.Join(t.TempDir(), test.name)
		writeFile(t, path, test.data)
		result, files := predictDir(t, BatchPredictOptions{
			Model: model, InputPaths: []string{path}, DataFormat: test.format, RangeBytes: 3000, Runner: runnerNamed(t, "direct"),
		})
		if diff := cmp.Diff(expected(t, upTo(n)...), joined(files, "results", result.Shards)); diff != "" {
			t.Errorf("%s:\n%s", test.name, diff)
		}
	}
}

func TestBatchPredictOverwrites(t *testing.T) {
	dir, model := writeRecords(t, 100), exportModel(t)
	o := BatchPredictOptions{
		Model: model, InputPaths: []string{dir + "/*.csv"}, OutputPath: t.TempDir(), RangeBytes: 1000, Runner: runnerNamed(t, "direct"),
	}
	predictDir(t, o)
	writeFile(t, filepath.Join(o.OutputPath, "prediction.notes.txt"), []byte("mine"))
	if _, err := BatchPredict(context.Background(), o); err == nil || !strings.Contains(err.Error(), "--overwrite") {
		t.Errorf("without --overwrite: %v", err)
	}
	o.Overwrite, o.RangeBytes = true, 0
	_, files := predictDir(t, o)
	if len(files) != 2+2+1 || files["prediction.notes.txt"] != "mine" {
		t.Errorf("with --overwrite there are %d files", len(files))
	}
	o.InputPaths = append(o.InputPaths, o.OutputPath+"/prediction.results-*")
	if _, err := BatchPredict(context.Background(), o); err == nil || !strings.Contains(err.Error(), "is input") {
		t.Errorf("input in the output path: %v", err)
	}
	if diff := cmp.Diff(files, readDir(t, o.OutputPath)); diff != "" {
		t.Errorf("a refused run changed the output:\n%s", diff)
	}
}

func TestBatchPredictReportsProgress(t *testing.T) {
	const n = 1000
	dir := writeRecords(t, n)
	for _, runner := range runnerstest.Names {
		var last BatchPredictProgress
		_, err := BatchPredict(context.Background(), BatchPredictOptions{
			Model: exportModel(t), InputPaths: []string{dir + "/*.csv"}, OutputPath: t.TempDir(), RangeBytes: 5000, Runner: runnerNamed(t, runner),
			Progress: func(p BatchPredictProgress) {
				if p.Records < last.Records || p.Bytes < last.Bytes {
					t.Errorf("%+v after %+v", p, last)
				}
				last = p
			},
		})
		size := int64(len(predictortest.CSV(0, n)))
		if want := (BatchPredictProgress{n, size, size}); err != nil || last != want {
			t.Errorf("%s: the last is %+v, want %+v; %v", runner, last, want, err)
		}
	}
}

func TestBatchPredictStops(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	o := BatchPredictOptions{
		Model: exportModel(t), InputPaths: []string{writeRecords(t, 1000) + "/*.csv"}, OutputPath: t.TempDir(), BatchSize: 1, Runner: runnerNamed(t, "direct"),
		Progress: func(BatchPredictProgress) { cancel() },
	}
	if _, err := BatchPredict(ctx, o); !errors.Is(err, context.Canceled) {
		t.Errorf("a cancelled run returns %v", err)
	}
	if files := readDir(t, o.OutputPath); files["prediction.summary.json"] != "" {
		t.Error("a cancelled run has a summary")
	}
}

func TestBatchPredictRefusesWrongOptions(t *testing.T) {
	dir, model := writeRecords(t, 1), exportModel(t)
	for want, o := range map[string]BatchPredictOptions{
		"--input-paths": {Model: model, InputPaths: []string{dir + "/*.json"}},
		"--data-format": {Model: model, InputPaths: []string{dir + "/*.csv"}, DataFormat: "xml"},
		"--batch-size":  {Model: model, InputPaths: []string{dir + "/*.csv"}, BatchSize: -1},
		dir:             {Model: ModelRef{Export: dir}, InputPaths: []string{dir + "/*.csv"}},
	} {
		o.OutputPath, o.Runner = t.TempDir(), runnerNamed(t, "direct")
		if _, err := BatchPredict(context.Background(), o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want one about %s", err, want)
		}
	}
}

// What workers elsewhere have done shows in the files that are finished.
func TestProgressOfWorkersElsewhere(t *testing.T) {
	var last BatchPredictProgress
	w := &batchWatch{progress: func(p BatchPredictProgress) { last = p }, sizes: map[string]int64{"a": 10, "b": 20, "c": 5}}
	w.raise(BatchPredictProgress{Bytes: w.finished([]storage.Info{{Path: "b"}, {Path: "a"}, {Path: "other"}})})
	w.raise(BatchPredictProgress{Bytes: 20}) // an older look
	if last.Bytes != 30 {
		t.Errorf("%d bytes are reported, want 30", last.Bytes)
	}
	w.add(transforms.Progress{Records: 1, Bytes: 5})
	if last.Bytes != 35 || last.Records != 1 {
		t.Errorf("then %+v", last)
	}
}
