package saved

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/penstock-ml/penstock/models/features"
	"github.com/penstock-ml/penstock/models/spec"
	"github.com/penstock-ml/penstock/storage"
)

const specText = `version: 1
name: small
data: {columns: [age, work, income]}
label: {column: income}
features:
  - {name: age, kind: numeric, transform: [zscore]}
  - {name: work, kind: vocabulary}
model:
  kind: wide_deep
  wide: [work]
  deep: {numeric: [age], hidden: [4]}
training:
  optimizer:
    wide: {kind: sgd, learning_rate: 0.1}
    deep: {kind: adam, learning_rate: 0.01}
`

var exportTime = time.Unix(1_700_000_000, 999)

func model(t testing.TB, weight float32) *Model {
	t.Helper()
	s, err := spec.Parse("model.yaml", []byte(specText))
	if err != nil {
		t.Fatal(err)
	}
	statistics := features.NewStatistics(s)
	for _, record := range [][]string{{"20", "Private", "<=50K"}, {"50", "Sales", ">50K"}, {"31", "Private", ">50K"}} {
		var fields [][]byte
		for _, field := range record {
			fields = append(fields, []byte(field))
		}
		if err := statistics.Add(fields); err != nil {
			t.Fatal(err)
		}
	}
	fitted, err := statistics.Fit(s)
	if err != nil {
		t.Fatal(err)
	}
	return &Model{Spec: s, Features: fitted, Weights: []Tensor{{"bias", []int{1}, []float32{weight}}, {"wide", []int{2, 1}, []float32{1, 2}}}}
}

func export(t testing.TB, job, name string, at time.Time, m *Model) string {
	t.Helper()
	dir, _, err := WriteExport(t.Context(), job, name, at, m)
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestExportRoundTrip(t *testing.T) {
	onBoth(t, func(t *testing.T, job string) {
		m := model(t, 3)
		dir, digest, err := WriteExport(t.Context(), job, "final", exportTime, m)
		if err != nil {
			t.Fatal(err)
		}
		if want := storage.Join(job, "export/final/1700000000"); dir != want {
			t.Errorf("the export is in %s, want %s", dir, want)
		}
		if want := Digest(read(t, storage.Join(dir, "weights.safetensors"))); digest != want {
			t.Errorf("the hash of the weights is %s, want %s", digest, want)
		}
		got, err := ReadExport(t.Context(), dir)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(m.Weights, got.Weights); diff != "" {
			t.Errorf("the weights differ (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(m.Features, got.Features); diff != "" {
			t.Errorf("the features differ (-want +got):\n%s", diff)
		}
		want, err := m.Spec.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		data, err := got.Spec.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), string(data)); diff != "" {
			t.Errorf("the spec differs (-want +got):\n%s", diff)
		}
	})
}

// TestExportedFeaturesStandAlone reads the features of an export as a directory
// of their own.
func TestExportedFeaturesStandAlone(t *testing.T) {
	m := model(t, 3)
	dir := export(t, t.TempDir(), "final", exportTime, m)
	got, err := ReadFeatures(t.Context(), storage.Join(dir, "features"))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(m.Features, got); diff != "" {
		t.Errorf("the features differ (-want +got):\n%s", diff)
	}
}

func TestExportTakesTheNextFreeSecond(t *testing.T) {
	onBoth(t, func(t *testing.T, job string) {
		const exports = 6
		dirs := make([]string, exports)
		var wg sync.WaitGroup
		for i := range exports {
			wg.Go(func() { dirs[i] = export(t, job, "final", exportTime, model(t, float32(i))) })
		}
		wg.Wait()
		taken := map[string]bool{}
		for i, dir := range dirs {
			m, err := ReadExport(t.Context(), dir)
			if err != nil {
				t.Fatal(err)
			}
			if got := m.Weights[0].Data[0]; got != float32(i) {
				t.Errorf("%s holds export %v, want %d", dir, got, i)
			}
			taken[dir] = true
		}
		for second := range exports {
			if dir := storage.Join(job, "export/final", fmt.Sprint(1_700_000_000+second)); !taken[dir] {
				t.Errorf("no export is in %s; they are in %v", dir, dirs)
			}
		}
	})
}

func TestExportName(t *testing.T) {
	for _, name := range []string{"", ".", "..", "a/b", "/a"} {
		if dir, _, err := WriteExport(t.Context(), t.TempDir(), name, exportTime, model(t, 1)); err == nil {
			t.Errorf("an export named %q was written to %s", name, dir)
		}
	}
}

func TestReadExportNamesWhatIsMissing(t *testing.T) {
	dir := storage.Join(t.TempDir(), "features")
	if err := WriteFeatures(t.Context(), dir, model(t, 1).Features); err != nil {
		t.Fatal(err)
	}
	_, err := ReadExport(t.Context(), dir)
	if err == nil || !strings.Contains(err.Error(), "model.yaml is missing") {
		t.Errorf("reading features as an export returned %v", err)
	}
}

func TestLocate(t *testing.T) {
	onBoth(t, func(t *testing.T, root string) {
		job := storage.Join(root, "job")
		m := model(t, 1)
		export(t, job, "best", exportTime, m)
		older := export(t, job, "final", exportTime.Add(10*time.Second), m)
		newest := export(t, job, "final", exportTime.Add(20*time.Second), m)
		best := export(t, job, "best", exportTime.Add(15*time.Second), m)
		for from, want := range map[string]string{
			job:                               newest,
			job + "/":                         newest,
			storage.Join(job, "export"):       newest,
			storage.Join(job, "export/final"): newest,
			storage.Join(job, "export/best"):  best,
			older:                             older,
		} {
			if got, err := Locate(t.Context(), from); err != nil || got != want {
				t.Errorf("Locate(%s) = %s, %v, want %s", from, got, err, want)
			}
		}

		overwrite(t, storage.Join(newest, WeightsFile), nil)
		if got, err := Locate(t.Context(), job); err != nil || got != best {
			t.Errorf("with %s damaged Locate returned %s, %v, want %s", newest, got, err, best)
		}
	})
}

func TestLocateNothing(t *testing.T) {
	onBoth(t, func(t *testing.T, root string) {
		writeCheckpoint(t, root, checkpoint(1, 1))
		for _, name := range []string{root, storage.Join(root, "absent")} {
			if dir, err := Locate(t.Context(), name); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("Locate(%s) = %s, %v, want fs.ErrNotExist", name, dir, err)
			}
		}
		dir := export(t, root, "final", exportTime, model(t, 1))
		overwrite(t, storage.Join(dir, ModelFile), nil)
		if got, err := Locate(t.Context(), root); !errors.Is(err, ErrNotCommitted) || !strings.Contains(err.Error(), "model.yaml") {
			t.Errorf("with its only export damaged Locate returned %s, %v, want ErrNotCommitted naming model.yaml", got, err)
		}
	})
}

func TestFeaturesRoundTrip(t *testing.T) {
	onBoth(t, func(t *testing.T, root string) {
		dir, want := storage.Join(root, "features"), model(t, 1).Features
		if err := WriteFeatures(t.Context(), dir, want); err != nil {
			t.Fatal(err)
		}
		got, err := ReadFeatures(t.Context(), dir)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("the features differ (-want +got):\n%s", diff)
		}
		if err := WriteFeatures(t.Context(), dir, want); !errors.Is(err, fs.ErrExist) {
			t.Errorf("writing again returned %v, want fs.ErrExist", err)
		}
	})
}

// TestFeaturesReplaceRemains writes where a crash has left a file without a commit.
func TestFeaturesReplaceRemains(t *testing.T) {
	onBoth(t, func(t *testing.T, root string) {
		dir := storage.Join(root, "features")
		overwrite(t, storage.Join(dir, featuresName), []byte("{"))
		if err := WriteFeatures(t.Context(), dir, model(t, 1).Features); err != nil {
			t.Fatal(err)
		}
		if _, err := ReadFeatures(t.Context(), dir); err != nil {
			t.Fatal(err)
		}
	})
}
