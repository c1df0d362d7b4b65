package pipelines

import "testing"

// BenchmarkTrain reports the examples a second of the training loop alone, every step averaged over eight shards.
func BenchmarkTrain(b *testing.B) {
	train, _, _ := censusFiles(b, 32_000)
	rate := 0.0
	for b.Loop() {
		o := censusOptions(b, train, "", 3000)
		o.CheckpointEvery = 1000
		rate += mustTrain(b, o).ExamplesPerSecond
	}
	b.ReportMetric(rate/float64(b.N), "examples/s")
}
