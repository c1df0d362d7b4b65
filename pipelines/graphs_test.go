package pipelines

import (
	"context"
	"testing"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/runners/vet"

	"github.com/penstock-ml/penstock/models/records"
	"github.com/penstock-ml/penstock/models/training"
	"github.com/penstock-ml/penstock/runners"
	"github.com/penstock-ml/penstock/transforms"
)

// Beam falls back to reflection for what is not registered: slowly here, and not at all in a worker process elsewhere.
func TestGraphsNeedNoReflection(t *testing.T) {
	runner := runnerNamed(t, "prism")
	ranges := []records.Range{{File: "a"}, {File: "b", Index: 1}}
	segment := transforms.Segment{Job: transforms.JobRef{Dir: "job"}, Rounds: 2}
	late := segment
	late.Job.Strategy.Staleness = 1
	parts := late
	parts.Job.ParameterShards = 2
	graphs := map[string]func(beam.Scope){
		"analysis":        func(s beam.Scope) { analysisGraph(s, TrainOptions{Runner: runner, JobDir: "job"}, nil, ranges) },
		"training":        func(s beam.Scope) { trainingGraph(s, runner, segment, []training.Shard{{Index: 0}, {Index: 1}}) },
		"training, late":  func(s beam.Scope) { trainingGraph(s, runner, late, []training.Shard{{Index: 0}, {Index: 1}}) },
		"training, parts": func(s beam.Scope) { trainingGraph(s, runner, parts, []training.Shard{{Index: 0}, {Index: 1}}) },
		"evaluation": func(s beam.Scope) {
			evaluationGraph(s, EvaluateOptions{Runner: runner}, ModelRef{Export: "model"}, "result.json", ranges)
		},
		"stream":     func(s beam.Scope) { transforms.StreamPredict(s, transforms.Stream{}) },
		"prediction": func(s beam.Scope) { predictionGraph(s, runner, transforms.Predictions{}, ranges) },
	}
	for name, build := range graphs {
		t.Run(name, func(t *testing.T) {
			p, err := construct(build)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := vet.Execute(context.Background(), p); err != nil {
				t.Error(err)
			}
		})
	}
}

func runnerNamed(t testing.TB, name string) Runner {
	t.Helper()
	r, err := runners.Get(name)
	if err != nil {
		t.Fatal(err)
	}
	return r
}
