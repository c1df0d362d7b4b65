package transforms

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/penstock-ml/penstock/models/features"
	"github.com/penstock-ml/penstock/models/predictor"
	"github.com/penstock-ml/penstock/models/predictor/predictortest"
	"github.com/penstock-ml/penstock/models/records"
	"github.com/penstock-ml/penstock/models/saved"
	"github.com/penstock-ml/penstock/storage"
)

func toyExport(t testing.TB) ModelRef {
	t.Helper()
	dir, _, err := saved.WriteExport(context.Background(), t.TempDir(), "toy", time.Unix(1000, 0), predictortest.Model(t))
	if err != nil {
		t.Fatal(err)
	}
	return ModelRef{Export: dir}
}

func TestAProcessReadsAModelOnce(t *testing.T) {
	ctx, model := context.Background(), toyExport(t)
	defer model.Release()
	first, err := model.Predictor(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := model.Predictor(ctx); again != first || err != nil {
		t.Errorf("asked again: another model, %v", err)
	}
	for range keptModels {
		other := toyExport(t)
		defer other.Release()
		if _, err := other.Predictor(ctx); err != nil {
			t.Fatal(err)
		}
	}
	if later, err := model.Predictor(ctx); later == first || err != nil {
		t.Errorf("after %d others the model is still kept, %v", keptModels, err)
	}
	if n := len(modelCache.list); n > keptModels {
		t.Errorf("%d models are kept", n)
	}
}

// A model that cannot be read now may be there later.
func TestAFailureToReadAModelIsNotKept(t *testing.T) {
	ctx, model := context.Background(), toyExport(t)
	defer model.Release()
	hidden := model.Export + ".hidden"
	if err := os.Rename(model.Export, hidden); err != nil {
		t.Fatal(err)
	}
	if _, err := model.Predictor(ctx); !errors.Is(err, saved.ErrNotCommitted) || !strings.Contains(err.Error(), model.Export) {
		t.Errorf("without its directory: %v", err)
	}
	if err := os.Rename(hidden, model.Export); err != nil {
		t.Fatal(err)
	}
	if _, err := model.Predictor(ctx); err != nil {
		t.Errorf("with its directory: %v", err)
	}
}

func TestOutcomesComeInOrder(t *testing.T) {
	f := &MergeOutcomesFn{}
	whole := f.CreateAccumulator()
	for _, i := range rand.Perm(10) {
		part := &Outcome{Ranges: []RangeOutcome{{Index: i, File: []string{"a", "b"}[i/6], Lines: int64(10 + i), Types: map[string]int64{"quotes": 1}}}}
		data, err := encodeOutcome(part)
		if err != nil {
			t.Fatal(err)
		}
		decoded, err := decodeOutcome(data)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(part, decoded); diff != "" {
			t.Errorf("coder:\n%s", diff)
		}
		whole = f.AddInput(whole, decoded)
	}
	want := map[int]int64{0: 0, 1: 10, 2: 21, 3: 33, 4: 46, 5: 60, 6: 0, 7: 16, 8: 33, 9: 51}
	if diff := cmp.Diff(want, whole.linesBefore()); diff != "" {
		t.Errorf("lines before each range:\n%s", diff)
	}
}

// predictOnce runs the two stages on a file with a bad last record, cut into ranges.
func predictOnce(t *testing.T, output string) (whole *Outcome, files PredictionFiles) {
	t.Helper()
	ctx := context.Background()
	input := storage.Join(t.TempDir(), "in.csv")
	data := append(predictortest.CSV(0, 100), "bad\n"...)
	if err := os.WriteFile(input, data, 0o666); err != nil {
		t.Fatal(err)
	}
	model := toyExport(t)
	p, err := model.Predictor(ctx)
	if err != nil {
		t.Fatal(err)
	}
	format, err := p.Format("")
	if err != nil {
		t.Fatal(err)
	}
	ranges := records.Split([]storage.Info{{Path: input, Size: int64(len(data))}}, format, 1000)
	files = PredictionFiles{Dir: output, Shards: len(ranges)}
	f := &PredictFn{Predictions: Predictions{Model: model, Format: format, Output: files}}
	if err := f.Setup(ctx); err != nil {
		t.Fatal(err)
	}
	whole, err = f.ProcessElement(ctx, RangeGroup{Ranges: ranges})
	if err != nil {
		t.Fatal(err)
	}
	return whole, files
}

func contents(t *testing.T, dir string) string {
	t.Helper()
	infos, err := storage.List(context.Background(), dir)
	if err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	for _, info := range infos {
		data, err := os.ReadFile(info.Path)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&all, "%s\n%s", storage.Base(info.Path), data)
	}
	return all.String()
}

// A runner may do any element again, also after the stage that follows it.
func TestStagesOfPredictionMayRunTwice(t *testing.T) {
	ctx, dir := context.Background(), t.TempDir()
	whole, files := predictOnce(t, dir)
	number := &NumberErrorsFn{Output: files}
	finish := &WriteSummaryFn{Output: files}
	var first string
	for attempt := range 2 {
		n, err := number.ProcessElement(ctx, whole, whole)
		if n != 1 || err != nil {
			t.Fatalf("attempt %d: %d errors written, %v", attempt, n, err)
		}
		got := contents(t, dir)
		if attempt == 1 && got != first {
			t.Errorf("numbered again:\n%s", cmp.Diff(first, got))
		}
		first = got
	}
	if !strings.Contains(first, `"line":101,"record":"bad"`) {
		t.Errorf("numbered:\n%s", first)
	}
	for range 2 {
		one := []int{1}
		err := finish.ProcessElement(ctx, whole, func(n *int) bool {
			if len(one) == 0 {
				return false
			}
			*n, one = one[0], nil
			return true
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if got := contents(t, dir); strings.Contains(got, "partial") || !strings.Contains(got, "prediction.summary.json") {
		t.Errorf("at the end:\n%s", got)
	}
}

func TestSummaryHoldsTheCountsToAccount(t *testing.T) {
	good := func() *Outcome {
		return &Outcome{Ranges: []RangeOutcome{{Index: 0, Records: 5, Predictions: 4, Errors: 1}, {Index: 1, Records: 2, Predictions: 2}}}
	}
	f := &WriteSummaryFn{Output: PredictionFiles{Shards: 2}}
	if _, err := f.sum(good(), 1); err != nil {
		t.Fatal(err)
	}
	for name, spoil := range map[string]func(o *Outcome) (written int64){
		"a prediction is missing": func(o *Outcome) int64 { o.Ranges[0].Predictions--; return 1 },
		"an error is not written": func(*Outcome) int64 { return 0 },
		"a range is missing":      func(o *Outcome) int64 { o.Ranges = o.Ranges[:1]; return 1 },
		"a range is there twice":  func(o *Outcome) int64 { o.Ranges[1] = o.Ranges[0]; return 2 },
	} {
		o := good()
		if s, err := f.sum(o, spoil(o)); err == nil {
			t.Errorf("%s, and the summary is %+v", name, s)
		}
	}
}

func TestErrorTypes(t *testing.T) {
	for want, err := range map[string]error{
		"quotes":     &records.RecordError{Type: records.Quotes, Reason: "a reason"},
		"column age": fmt.Errorf("wrapped: %w", &features.ColumnError{Column: "age", Value: "x"}),
		"not finite": predictor.ErrNotFinite,
		"other":      errors.New("another"),
	} {
		if got := ErrorType(err); got != want {
			t.Errorf("%v is of type %q, want %q", err, got, want)
		}
	}
}
