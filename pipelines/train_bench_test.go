package pipelines

import (
	"testing"

	"github.com/penstock-ml/penstock/models/training"
)

// BenchmarkTrain reports the examples a second of the training loop alone, over eight shards.
func BenchmarkTrain(b *testing.B) {
	train, _, _ := censusFiles(b, 32_000)
	for name, strategy := range map[string]training.Strategy{"sync": {}, "local": {LocalSteps: 16}, "async": {Staleness: 4}} {
		b.Run(name, func(b *testing.B) {
			rate := 0.0
			for b.Loop() {
				o := censusOptions(b, train, "", 12_000)
				o.CheckpointEvery, o.Strategy = 4000, strategy
				rate += mustTrain(b, o).ExamplesPerSecond
			}
			b.ReportMetric(rate/float64(b.N), "examples/s")
		})
	}
}
