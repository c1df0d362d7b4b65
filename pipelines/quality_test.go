package pipelines

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// On generated data the best reachable AUC is known: that of the true probabilities.
func TestGeneratedDataIsLearntToTheBest(t *testing.T) {
	train, eval, best := censusFiles(t, 100_000)
	o := censusOptions(t, train, eval, 0)
	o.Spec.Training.Steps, o.Spec.Training.Epochs = 0, 3
	m := mustTrain(t, o).Metrics
	if gap := *best.AUC - *m.AUC; gap > 0.005 || gap < 0 {
		t.Errorf("the AUC is %.4f, want within .005 below the best, %.4f", *m.AUC, *best.AUC)
	}
}

// The real census data, three epochs, median of three seeds: what PyTorch and TensorFlow reach on the same columns.
func TestRealCensus(t *testing.T) {
	dir := realCensus(t)
	var accuracy, auc, loss []float64
	for seed := int64(1); seed <= 3; seed++ {
		o := censusOptions(t, filepath.Join(dir, "adult.data.csv"), filepath.Join(dir, "adult.test.csv"), 0)
		o.Spec.Training.Epochs, o.Spec.Training.Seed = 3, seed
		m := mustTrain(t, o).Metrics
		accuracy, auc, loss = append(accuracy, m.Accuracy), append(auc, *m.AUC), append(loss, m.Loss)
	}
	for _, figures := range [][]float64{accuracy, auc, loss} {
		slices.Sort(figures)
	}
	t.Logf("medians: accuracy %.4f, AUC %.4f, log loss %.4f", accuracy[1], auc[1], loss[1])
	if accuracy[1] < .852 || auc[1] < .906 || loss[1] > .318 {
		t.Errorf("medians: accuracy %.4f, AUC %.4f, log loss %.4f; want at least .852, .906 and at most .318", accuracy[1], auc[1], loss[1])
	}
}

// Local rounds of sixteen steps cost little of the quality.
func TestLocalRoundsLearnGeneratedData(t *testing.T) {
	train, eval, best := censusFiles(t, 100_000)
	o := censusOptions(t, train, eval, 0)
	o.Spec.Training.Steps, o.Spec.Training.Epochs = 0, 3
	o.Shards, o.LocalSteps = 4, 16
	m := mustTrain(t, o).Metrics
	if gap := *best.AUC - *m.AUC; gap > 0.005 {
		t.Errorf("the AUC is %.4f, want within .005 below the best, %.4f", *m.AUC, *best.AUC)
	}
}

// realCensus is the directory of the real data, which the repository does not ship.
func realCensus(t testing.TB) string {
	t.Helper()
	dir := os.Getenv("CENSUS_DIR")
	if dir == "" {
		dir = filepath.Join("..", "..", "shared", "data", "census")
	}
	if _, err := os.Stat(filepath.Join(dir, "adult.test.csv")); err != nil {
		t.Skipf("the real census data is not in %s: set CENSUS_DIR to where adult.data.csv and adult.test.csv are", dir)
	}
	return dir
}
