package pipelines

import (
	"path/filepath"
	"strings"
	"testing"
)

// A run leaves for TensorBoard its spec, histograms at checkpoints, and the curve of its evaluation.
func TestEventsForTensorBoard(t *testing.T) {
	train, eval, _ := censusFiles(t, 2000)
	o := censusOptions(t, train, eval, 20)
	mustTrain(t, o)
	for file, tags := range map[string][]string{
		"events.out.tfevents.0000000000.penstock":      {"spec", "name: census"},
		"events.out.tfevents.0000000010.penstock":      {"loss", "learning_rate/deep", "weights/deep/hidden_1/weights", "gradients/wide/bias"},
		"events.out.tfevents.0000000020.penstock":      {"weights/wide/bias", "gradients/deep/logits/weights"},
		"eval/events.out.tfevents.0000000020.penstock": {"auc", "precision_recall", "pr_curves"},
	} {
		data := readFile(t, filepath.Join(o.JobDir, file))
		for _, tag := range tags {
			if !strings.Contains(data, tag) {
				t.Errorf("%s has no %s", file, tag)
			}
		}
	}
	o = censusOptions(t, train, "", 20)
	o.Strategy.LocalSteps = 5
	mustTrain(t, o)
	if data := readFile(t, filepath.Join(o.JobDir, "events.out.tfevents.0000000020.penstock")); !strings.Contains(data, "changes/wide/bias") || strings.Contains(data, "gradients/") {
		t.Error("local rounds leave no histograms of changes")
	}
}
