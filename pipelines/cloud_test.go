package pipelines

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/penstock-ml/penstock/models/predictor/predictortest"
	"github.com/penstock-ml/penstock/models/saved"
	"github.com/penstock-ml/penstock/storage"
	"github.com/penstock-ml/penstock/storage/storagetest"
)

// Model, records and predictions may all be in Cloud Storage, with the same bytes as on disk.
func TestBatchPredictInCloudStorage(t *testing.T) {
	storagetest.StartCloud(t, "bucket")
	ctx := context.Background()
	data, _ := spoil(t, 500)
	input := t.TempDir() + "/in.csv"
	writeFile(t, input, data)
	if err := storage.WriteFile(ctx, "gs://bucket/data/in.csv", data); err != nil {
		t.Fatal(err)
	}
	export, _, err := saved.WriteExport(ctx, "gs://bucket/job", "toy", time.Unix(1000, 0), predictortest.Model(t))
	if err != nil {
		t.Fatal(err)
	}
	onDisk := BatchPredictOptions{Model: exportModel(t), InputPaths: []string{input}, RangeBytes: 5000, Runner: runnerNamed(t, "direct")}
	_, want := predictDir(t, onDisk)
	inCloud := onDisk
	inCloud.Model, inCloud.InputPaths, inCloud.OutputPath = ModelRef{Export: export}, []string{"gs://bucket/data/*.csv"}, "gs://bucket/out"
	for range 2 {
		if _, err := BatchPredict(ctx, inCloud); err != nil {
			t.Fatal(err)
		}
		inCloud.Overwrite = true
	}
	files, err := storage.List(ctx, "gs://bucket/out")
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, file := range files {
		content, err := storage.ReadFile(ctx, file.Path)
		if err != nil {
			t.Fatal(err)
		}
		got[storage.Base(file.Path)] = strings.ReplaceAll(string(content), "gs://bucket/data/in.csv", input)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-disk +cloud):\n%s", diff)
	}
	m, err := Evaluate(ctx, EvaluateOptions{Model: ModelRef{Export: "gs://bucket/job"}, Files: []string{"gs://bucket/data/*.csv"}, Runner: runnerNamed(t, "direct")})
	if err == nil || !strings.HasPrefix(err.Error(), "gs://bucket/data/in.csv:51: ") {
		t.Errorf("evaluating spoilt records: %+v, %v", m, err)
	}
}
