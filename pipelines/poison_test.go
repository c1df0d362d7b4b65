package pipelines

import (
	"bytes"
	"context"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"gorgonia.org/gorgonia"

	"github.com/penstock-ml/penstock/models"
	"github.com/penstock-ml/penstock/models/features"
	"github.com/penstock-ml/penstock/models/ops"
	"github.com/penstock-ml/penstock/models/saved"
	"github.com/penstock-ml/penstock/models/spec"
	"github.com/penstock-ml/penstock/models/widedeep"
)

// One record makes its shard's gradient NaN once an epoch: in 3 of 999 rounds. The shard is left out
// of those rounds, with a warning, and the model is as good as without the record.
func TestAPoisonedShardIsLeftOut(t *testing.T) {
	train, eval, _ := censusFiles(t, 333*512)
	options := func() (TrainOptions, *[]string) {
		warnings := &[]string{}
		o := censusOptions(t, train, eval, 0)
		o.Spec = rawEducation(t)
		o.Spec.Training.Epochs, o.CheckpointEvery, o.MaxBadRounds = 3, 400, 3
		o.Observer.Warn = func(sentence string) { *warnings = append(*warnings, sentence) }
		return o, warnings
	}
	o, warnings := options()
	healthy := mustTrain(t, o)
	if len(*warnings) > 0 {
		t.Fatalf("without poison there are the warnings %q", *warnings)
	}
	poisonRecord(t, train, 70_000)

	o, warnings = options()
	poisoned := mustTrain(t, o)
	if poisoned.Steps != 999 || len(*warnings) != 3 {
		t.Fatalf("%d steps with the warnings %q, want 999 and three", poisoned.Steps, *warnings)
	}
	for _, w := range *warnings {
		if !strings.Contains(w, "shard 3 was left out") || !strings.Contains(w, "not finite") {
			t.Errorf("the warning is %q, want one that names shard 3 and why", w)
		}
	}
	if d := math.Abs(*poisoned.Metrics.AUC - *healthy.Metrics.AUC); d > 0.002 {
		t.Errorf("the AUC is %.4f with poison and %.4f without", *poisoned.Metrics.AUC, *healthy.Metrics.AUC)
	}
	t.Logf("AUC %.4f with poison and %.4f without", *poisoned.Metrics.AUC, *healthy.Metrics.AUC)

	o, _ = options()
	o.MaxBadRounds = 1
	_, err := Train(context.Background(), o)
	if err == nil || !strings.Contains(err.Error(), "--max-bad-rounds allows 1") {
		t.Fatalf("with two bad rounds, of which one is allowed, the run ended with %v", err)
	}
	checkpoint, _, err := saved.LatestCheckpoint(context.Background(), o.JobDir)
	if err != nil || checkpoint == nil || checkpoint.Step != 400 {
		t.Errorf("the run left the checkpoint %v, error %v, want that of step 400", checkpoint, err)
	}
	// The count goes on where the checkpoint's ended.
	o.Spec, o.Resume = rawEducation(t), true
	o.Spec.Training.Epochs = 3
	if _, err := Train(context.Background(), o); err == nil || !strings.Contains(err.Error(), "in 2 rounds") {
		t.Errorf("the resumed run ended with %v, want an error after two bad rounds", err)
	}
}

// rawEducation is census.yaml with a number that nothing bounds, for a model of the kind fragile.
func rawEducation(t *testing.T) *spec.Spec {
	t.Helper()
	path := filepath.Join("..", "testdata", "census.yaml")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	text = bytes.Replace(text, []byte("name: education_num, kind: numeric, transform: [zscore]"), []byte("name: education_num, kind: numeric"), 1)
	text = bytes.Replace(text, []byte("kind: wide_deep"), []byte("kind: fragile"), 1)
	s, err := spec.Parse(path, text)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func init() { models.Register("fragile", fragileKind{}) }

// fragileKind is the kind wide_deep, except that too much education makes a logit NaN.
type fragileKind struct{}

func (fragileKind) New(s *spec.Spec, layout *features.Layout) (models.Model, error) {
	m, err := widedeep.Kind{}.New(s, layout)
	return fragile{m, slices.Index(layout.Numeric, "education_num")}, err
}

type fragile struct {
	models.Model
	column int
}

// Logits adds the square of the column less itself: nothing, or infinity less infinity.
func (f fragile) Logits(in *models.Inputs) (*gorgonia.Node, error) {
	logits, err := f.Model.Logits(in)
	if err != nil {
		return nil, err
	}
	column, err := ops.Columns(in.Numeric, []int{f.column})
	if err != nil {
		return nil, err
	}
	square := gorgonia.Must(gorgonia.Square(gorgonia.Must(gorgonia.Reshape(column, logits.Shape()))))
	return gorgonia.Add(logits, gorgonia.Must(gorgonia.Sub(square, square)))
}

// poisonRecord gives a record of a census file a number whose square leaves float32.
func poisonRecord(t *testing.T, file string, record int) {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	lines := bytes.SplitAfter(data, []byte("\n"))
	fields := bytes.Split(lines[record], []byte(","))
	fields[4] = []byte("1e20")
	lines[record] = bytes.Join(fields, []byte(","))
	writeFile(t, file, bytes.Join(lines, nil))
}
