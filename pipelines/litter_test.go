package pipelines

import (
	"os"
	"testing"
)

// A pipeline on prism leaves no temporary files.
func TestPrismLeavesNothing(t *testing.T) {
	temp := t.TempDir()
	t.Setenv("TMPDIR", temp)
	train, _, _ := censusFiles(t, 1000)
	o := censusOptions(t, train, "", 2)
	o.Runner = runnerNamed(t, "prism")
	mustTrain(t, o)
	left, err := os.ReadDir(temp)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range left {
		t.Errorf("%s is left", entry.Name())
	}
}
