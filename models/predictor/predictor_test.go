package predictor_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/penstock-ml/penstock/models/alloctest"
	"github.com/penstock-ml/penstock/models/features"
	"github.com/penstock-ml/penstock/models/predictor"
	"github.com/penstock-ml/penstock/models/predictor/predictortest"
	"github.com/penstock-ml/penstock/models/records"
	"github.com/penstock-ml/penstock/models/saved"
	"github.com/penstock-ml/penstock/storage"
)

func newPredictor(t testing.TB) *predictor.Predictor {
	t.Helper()
	p, err := predictor.New(predictortest.Model(t))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func newScorer(t testing.TB, p *predictor.Predictor, batch int) *predictor.Scorer {
	t.Helper()
	s, err := p.NewScorer(batch)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// score predicts records in batches: JSON, or the error.
func score(t testing.TB, p *predictor.Predictor, batch int, list [][][]byte) []string {
	t.Helper()
	s := newScorer(t, p, batch)
	var out []string
	flush := func() {
		results, err := s.Score()
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range results {
			if r.Err != nil {
				out = append(out, r.Err.Error())
			} else {
				out = append(out, string(p.AppendJSON(nil, r.Outputs, r.Key)))
			}
		}
	}
	for _, fields := range list {
		if s.Add(fields); s.Full() {
			flush()
		}
	}
	flush()
	return out
}

func manyFields(n int) [][][]byte {
	var list [][][]byte
	for i := range n {
		list = append(list, predictortest.Fields(i))
	}
	return list
}

func TestDigitsDependOnTheRecordAlone(t *testing.T) {
	p := newPredictor(t)
	const n = 600
	list := manyFields(n)
	want := score(t, p, 0, list)
	for i, got := range want {
		if !strings.HasPrefix(got, fmt.Sprintf(`{"key":"row-%d","class_ids":[`, i)) {
			t.Fatalf("record %d: %s", i, got)
		}
	}
	for _, batch := range []int{1, 7, 8, 9, 64, 1024} {
		if diff := cmp.Diff(want, score(t, p, batch, list)); diff != "" {
			t.Errorf("batches of %d (-256 +%d):\n%s", batch, batch, diff)
		}
	}
	for i := range list { // other neighbours, other positions
		list[i] = predictortest.Fields((i*7 + 3) % n)
	}
	for i, got := range score(t, p, 0, list) {
		if got != want[(i*7+3)%n] {
			t.Errorf("record %d at position %d: %s instead of %s", (i*7+3)%n, i, got, want[(i*7+3)%n])
		}
	}
}

func TestBadRecordsLeaveTheirNeighboursAlone(t *testing.T) {
	p := newPredictor(t)
	list := manyFields(20)
	want := score(t, p, 0, list)
	list[3][1] = []byte("forty")
	list[9][5] = nil
	list[10] = list[10][:4]
	want[3] = `column age: "forty" is not a decimal number; correct it, or list it in data.missing if it stands for no value`
	want[9] = "column hours has no value, and every record of the training data had one; give it a value"
	want[10] = "4 fields where 6 columns are expected, or one less without the label"
	for _, batch := range []int{1, 4, 256} {
		if diff := cmp.Diff(want, score(t, p, batch, list)); diff != "" {
			t.Errorf("batches of %d:\n%s", batch, diff)
		}
	}
}

func TestResultsKeepStepWithRejectedRecords(t *testing.T) {
	p := newPredictor(t)
	s := newScorer(t, p, 3)
	reason := errors.New("cannot be read")
	s.Add(predictortest.Fields(0))
	s.Reject(reason)
	s.Add(predictortest.Fields(1))
	if !s.Full() || s.Len() != 3 {
		t.Errorf("3 records of 3: Len %d, Full %t", s.Len(), s.Full())
	}
	results, err := s.Score()
	if err != nil || len(results) != 3 || results[1].Err != reason || string(results[2].Key) != "row-1" {
		t.Errorf("got %v, %v", results, err)
	}
	if again, err := s.Score(); len(again) != 0 || err != nil || s.Len() != 0 {
		t.Errorf("an empty batch gives %v, %v", again, err)
	}
}

func TestLabels(t *testing.T) {
	s := newScorer(t, newPredictor(t), 0)
	want := map[string]float32{"<=50K": 0, ">50K": 1}
	for i := range 50 {
		s.AddLabelled(predictortest.Fields(i))
	}
	bad := predictortest.Fields(50)
	bad[3] = []byte("rich")
	s.AddLabelled(bad)
	results, err := s.Score()
	if err != nil {
		t.Fatal(err)
	}
	unlabelled := score(t, newPredictor(t), 0, manyFields(50))
	for i, r := range results[:50] {
		if r.Err != nil || r.Label != want[predictortest.Record(i)[3]] {
			t.Errorf("record %d of class %s: %+v", i, predictortest.Record(i)[3], r)
		}
		if got := string(newPredictor(t).AppendJSON(nil, r.Outputs, r.Key)); got != unlabelled[i] {
			t.Errorf("record %d: %s with its label, %s without", i, got, unlabelled[i])
		}
	}
	var column *features.ColumnError
	if !errors.As(results[50].Err, &column) || column.Column != "label" {
		t.Errorf("an unknown class: %v", results[50].Err)
	}
}

func TestOutputThatIsNoNumber(t *testing.T) {
	m := predictortest.Model(t)
	for i := range m.Weights {
		m.Weights[i].Data[0] = float32(math.Inf(1))
	}
	p, err := predictor.New(m)
	if err != nil {
		t.Fatal(err)
	}
	if got := score(t, p, 0, manyFields(1)); got[0] != predictor.ErrNotFinite.Error() {
		t.Errorf("infinite weights: %s", got)
	}
}

func TestNewChecksTheWeights(t *testing.T) {
	m := predictortest.Model(t)
	m.Weights = append(m.Weights, saved.Tensor{Name: "wide/bias/slot_0", Shape: []int{1}, Data: []float32{1}})
	if _, err := predictor.New(m); err != nil {
		t.Errorf("an optimizer's slot: %v", err)
	}
	last := m.Weights[0]
	m.Weights[0].Shape = append([]int{1}, last.Shape...)
	if _, err := predictor.New(m); err == nil || !strings.Contains(err.Error(), "shape") {
		t.Errorf("another shape: %v", err)
	}
	m.Weights = m.Weights[1:]
	if _, err := predictor.New(m); err == nil || !strings.Contains(err.Error(), last.Name) {
		t.Errorf("a parameter without weights: %v", err)
	}
}

func TestLoad(t *testing.T) {
	ctx, dir := context.Background(), t.TempDir()
	if _, _, err := saved.WriteExport(ctx, dir, "toy", time.Unix(1000, 0), predictortest.Model(t)); err != nil {
		t.Fatal(err)
	}
	p, err := predictor.Load(ctx, dir)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(score(t, newPredictor(t), 0, manyFields(20)), score(t, p, 0, manyFields(20))); diff != "" {
		t.Errorf("exported and loaded:\n%s", diff)
	}
	if _, err := predictor.Load(ctx, t.TempDir()); err == nil {
		t.Error("an empty directory was loaded")
	}
}

// predictStream predicts what Instances reads.
func predictStream(t *testing.T, kind, text string) []string {
	t.Helper()
	p := newPredictor(t)
	in, err := p.Instances(strings.NewReader(text), kind, "standard input")
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	s := newScorer(t, p, 1)
	for in.Scan() {
		if record := in.Record(); record.Err != nil {
			s.Reject(record.Err)
		} else {
			s.Add(record.Fields)
		}
		results, err := s.Score()
		if err != nil {
			t.Fatal(err)
		}
		if results[0].Err != nil {
			out = append(out, results[0].Err.Error())
		} else {
			out = append(out, string(p.AppendJSON(nil, results[0].Outputs, results[0].Key)))
		}
	}
	if in.Err() != nil {
		t.Fatal(in.Err())
	}
	return out
}

func TestFormatsGiveTheSameBytes(t *testing.T) {
	const n = 20
	var labelled, bare, object strings.Builder
	for i := range n {
		r := predictortest.Record(i)
		labelled.WriteString(strings.Join(r, ",") + "\n")
		bare.WriteString(strings.Join(append(r[:3:3], r[4:]...), ",") + "\n")
		fmt.Fprintf(&object, `{"hours": %s, "city": %q, "id": %q, "age": %s, "job": %q}`+"\n", r[5], r[4], r[0], r[1], r[2])
	}
	want := score(t, newPredictor(t), 0, manyFields(n))
	for name, got := range map[string][]string{
		"text":                   predictStream(t, records.CSV, labelled.String()),
		"text without the label": predictStream(t, records.CSV, bare.String()),
		"JSON":                   predictStream(t, records.JSONL, object.String()),
	} {
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s:\n%s", name, diff)
		}
	}
}

func TestTextInstancesAreAllAlike(t *testing.T) {
	const wrong = "6 columns are expected, or one less without the label"
	got := predictStream(t, records.CSV, "1,2\n1,40,cook,Paris,9\n1,40,cook,<=50K,Paris,9\n2,40,cook,Paris,9\n")
	for i, want := range []string{"2 fields where " + wrong, "{", "6 fields where " + wrong, "{"} {
		if !strings.HasPrefix(got[i], want) {
			t.Errorf("instance %d: %s", i, got[i])
		}
	}
}

func TestFileFormat(t *testing.T) {
	ctx, p := context.Background(), newPredictor(t)
	all, bare := p.Spec().Data.Columns, []string{"id", "age", "job", "city", "hours"}
	for _, test := range []struct {
		name, content string
		header        bool
		want          []string
	}{
		{"all columns", "1,40,cook,no,Paris,9\n", false, all},
		{"no label", "1,40,cook,Paris,9\n", false, bare},
		{"too few", "1,40\n", false, all},
		{"nothing", "", false, all},
		{"empty lines", "\n\n", false, all},
		{"a header", "id,age,job,label,city,hours\n", true, all},
		{"a header without the label", "id, age ,job,city,hours\n", true, bare},
		{"a header of other columns", "id,age,job,town,hours\n", true, all},
	} {
		path := storage.Join(t.TempDir(), "data.csv")
		if err := os.WriteFile(path, []byte(test.content), 0o666); err != nil {
			t.Fatal(err)
		}
		format, err := p.Format("")
		if err != nil {
			t.Fatal(err)
		}
		format.Header = test.header
		r := records.Split([]storage.Info{{Path: path, Size: int64(len(test.content))}}, format, 0)[0]
		got, err := p.FileFormat(ctx, format, r)
		if diff := cmp.Diff(test.want, got.Columns); err != nil || diff != "" {
			t.Errorf("%s: %v\n%s", test.name, err, diff)
		}
	}
	if _, err := p.Format("xml"); err == nil {
		t.Error("the format xml was accepted")
	}
}

func TestScoringDoesNotAllocate(t *testing.T) {
	p := newPredictor(t)
	s := newScorer(t, p, 64)
	list := manyFields(64)
	var out []byte
	run := func() {
		for _, fields := range list {
			s.Add(fields)
		}
		results, err := s.Score()
		if err != nil {
			t.Fatal(err)
		}
		out = out[:0]
		for _, r := range results {
			out = p.AppendJSON(out, r.Outputs, r.Key)
		}
	}
	alloctest.None(t, "a batch", 20, run)
}

func TestPool(t *testing.T) {
	pool := predictor.NewPool(newPredictor(t), 4)
	first, err := pool.Get()
	if err != nil {
		t.Fatal(err)
	}
	first.Add(predictortest.Fields(0))
	pool.Put(first)
	again, err := pool.Get()
	if err != nil || again != first || again.Len() != 0 {
		t.Errorf("Get gives %p after Put of %p, with %d records, %v", again, first, again.Len(), err)
	}
}

// BenchmarkScore encodes and scores the records of the small model in batches.
func BenchmarkScore(b *testing.B) {
	list := manyFields(predictor.DefaultBatch)
	s := newScorer(b, newPredictor(b), 0)
	b.ReportAllocs()
	for b.Loop() {
		for _, fields := range list {
			s.Add(fields)
		}
		if _, err := s.Score(); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N*len(list))/b.Elapsed().Seconds(), "rows/s")
}
