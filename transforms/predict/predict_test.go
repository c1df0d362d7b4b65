package predict_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/core/graph/window"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/register"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/transforms/stats"

	"github.com/penstock-ml/penstock/models/predictor"
	"github.com/penstock-ml/penstock/models/predictor/predictortest"
	"github.com/penstock-ml/penstock/models/registry"
	"github.com/penstock-ml/penstock/models/saved"
	"github.com/penstock-ml/penstock/runners"
	"github.com/penstock-ml/penstock/transforms/predict"
)

func init() {
	beam.RegisterDoFn(reflect.TypeFor[WriteFn]())
	register.Function1x0((&WriteFn{}).ProcessElement)
	register.Function1x1(jsonOf)
	register.Function1x1(reasonOf)
	register.Function2x1(countOf)
}

// WriteFn appends lines to a file. Tests read it afterwards.
type WriteFn struct{ File string }

// ProcessElement appends a line.
func (f *WriteFn) ProcessElement(line string) {
	file, err := os.OpenFile(f.File, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o666)
	if err != nil {
		panic(err)
	}
	fmt.Fprintln(file, line)
	file.Close()
}

func jsonOf(p predict.Prediction) string { return p.Answer.Class + " " + p.JSON }
func reasonOf(f predict.Failure) string  { return f.Record + " " + f.Type + ": " + f.Error }

// run builds a pipeline, runs it and returns the lines that it wrote to files of these names, sorted.
func run(t testing.TB, runner string, build func(s beam.Scope, file func(name string) string), names ...string) map[string][]string {
	t.Helper()
	r, err := runners.Get(runner)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	file := func(name string) string { return filepath.Join(dir, name) }
	p, s := beam.NewPipelineWithRoot()
	build(s, file)
	execute, err := r.Prepare(p)
	if err == nil {
		err = execute(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
	lines := map[string][]string{}
	for _, name := range names {
		data, err := os.ReadFile(file(name))
		if err != nil {
			t.Fatal(err)
		}
		lines[name] = strings.Split(strings.TrimSpace(string(data)), "\n")
		slices.Sort(lines[name])
	}
	return lines
}

func export(t testing.TB) string {
	t.Helper()
	dir, _, err := saved.WriteExport(context.Background(), t.TempDir(), "toy", time.Unix(1000, 0), predictortest.Model(t))
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestRecords(t *testing.T) {
	dir := export(t)
	model, err := predict.Find(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	model.DataFormat = "csv"
	want := expected(t, 20)
	for _, runner := range []string{"direct", "prism"} {
		got := run(t, runner, func(s beam.Scope, file func(string) string) {
			var lines []string
			for i := range 20 {
				lines = append(lines, strings.Join(predictortest.Record(i), ","))
			}
			lines = append(lines, "one,field", `row,old,clerk,,Rome,3`)
			predictions, failures := predict.Records(s, model, beam.CreateList(s, lines))
			beam.ParDo0(s, &WriteFn{file("predictions")}, beam.ParDo(s, jsonOf, predictions))
			beam.ParDo0(s, &WriteFn{file("failures")}, beam.ParDo(s, reasonOf, failures))
		}, "predictions", "failures")
		if !slices.Equal(got["predictions"], want) {
			t.Errorf("%s: %v\nwant %v", runner, got["predictions"], want)
		}
		f := got["failures"]
		if len(f) != 2 || !strings.HasPrefix(f[0], "one,field field count: 2 fields where 6 columns are expected") || !strings.HasPrefix(f[1], "row,old,clerk,,Rome,3 column age: ") {
			t.Errorf("%s: the failures are %q", runner, f)
		}
	}
}

// expected are the lines that jsonOf makes of the first n records.
func expected(t *testing.T, n int) (lines []string) {
	p, err := predictor.New(predictortest.Model(t))
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range predictortest.Predictions(t, p, 0, n) {
		var parsed struct{ Classes []string }
		if err := json.Unmarshal([]byte(text), &parsed); err != nil {
			t.Fatal(err)
		}
		lines = append(lines, parsed.Classes[0]+" "+text)
	}
	slices.Sort(lines)
	return lines
}

func countOf(key string, count int) string { return fmt.Sprintf("%s %d", key, count) }

// Predictions stay in the windows of their records.
func TestRecordsKeepTheirWindows(t *testing.T) {
	model := predict.Model{Export: export(t)}
	got := run(t, "prism", func(s beam.Scope, file func(string) string) {
		records := beam.ParDo(s, stamp, beam.CreateList(s, []int{0, 1, 2, 3, 4, 5}))
		windowed := beam.WindowInto(s, window.NewFixedWindows(2*time.Second), records)
		predictions, _ := predict.Records(s, model, windowed)
		counts := stats.Count(s, beam.ParDo(s, constant, predictions))
		beam.ParDo0(s, &WriteFn{file("counts")}, beam.ParDo(s, countOf, beam.WindowInto(s, window.NewGlobalWindows(), counts)))
	}, "counts")
	if want := []string{"all 2", "all 2", "all 2"}; !slices.Equal(got["counts"], want) {
		t.Errorf("the counts by window are %v, want %v", got["counts"], want)
	}
}

func init() {
	register.Function1x2(stamp)
	register.Function1x1(constant)
}

// stamp makes the i-th record, of i seconds.
func stamp(i int) (beam.EventTime, []byte) {
	r := predictortest.Record(i)
	return beam.EventTime(1000 * i), fmt.Appendf(nil, `{"age":%s,"city":%q,"hours":%s}`, r[1], r[4], r[5])
}

func constant(predict.Prediction) string { return "all" }

func TestFindVersion(t *testing.T) {
	r := registry.Open(t.TempDir())
	if _, err := r.Create(t.Context(), registry.Info{Name: "toy"}); err != nil {
		t.Fatal(err)
	}
	v, err := r.Deploy(t.Context(), registry.Deployment{Name: "toy", Export: export(t)})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"toy", v.Ref().String()} {
		if m, err := predict.FindVersion(t.Context(), r.Dir(), name); err != nil || !strings.HasSuffix(m.Export, "/versions/v1") {
			t.Errorf("%s is %v, %v", name, m, err)
		}
	}
	for _, name := range []string{"toy@v2", "../toy", "other"} {
		if m, err := predict.FindVersion(t.Context(), r.Dir(), name); err == nil {
			t.Errorf("%s is %v", name, m)
		}
	}
}

func TestRecordsOfOtherTypesArePanics(t *testing.T) {
	defer func() {
		if r := recover(); r == nil || !strings.Contains(fmt.Sprint(r), "make them []byte or string") {
			t.Errorf("the panic is %v", r)
		}
	}()
	_, s := beam.NewPipelineWithRoot()
	predict.Records(s, predict.Model{}, beam.CreateList(s, []int{1}))
}
