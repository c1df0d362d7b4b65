package pipelines

import (
	"context"
	"maps"
	"slices"

	"github.com/penstock-ml/penstock/models/metrics"
	"github.com/penstock-ml/penstock/models/tensorboard"
	"github.com/penstock-ml/penstock/transforms"
)

// trainValues are those of a step.
func trainValues(line historyLine) []tensorboard.Value {
	values := []tensorboard.Value{
		tensorboard.NewScalar("loss", line.Loss),
		tensorboard.NewScalar("gradient_norm", line.GradientNorm),
		tensorboard.NewScalar("examples_per_second", line.ExamplesPerSecond),
	}
	for _, group := range slices.Sorted(maps.Keys(line.LearningRate)) {
		values = append(values, tensorboard.NewScalar("learning_rate/"+group, line.LearningRate[group]))
	}
	return values
}

// evaluationValues are the figures and, of two classes, the curve of precision and recall.
func evaluationValues(result *transforms.EvaluationResult) (values []tensorboard.Value) {
	for _, figure := range result.Metrics.Scalars() {
		values = append(values, tensorboard.NewScalar(figure.Name, figure.Value))
	}
	if len(result.Counts) > 0 {
		values = append(values, tensorboard.NewPRCurve("precision_recall", thresholds(result.Counts)))
	}
	return values
}

// thresholds are 101 of the probability, as exactly as the buckets of logits tell.
func thresholds(counts []transforms.BucketCounts) (list []tensorboard.Threshold) {
	const n = 101
	for i := range n {
		var t tensorboard.Threshold
		for _, c := range counts {
			if metrics.Sigmoid(metrics.BucketStart(c.Bucket)) >= float64(i)/(n-1) {
				t.TruePositives += c.Positives
				t.FalsePositives += c.Negatives
			} else {
				t.FalseNegatives += c.Positives
				t.TrueNegatives += c.Negatives
			}
		}
		list = append(list, t)
	}
	return list
}

// histograms are those of the weights and, where the workers are in this process, of what the first shard would give to
// the next step: gradients or, in the strategy local, changes.
func (r *trainRun) histograms(ctx context.Context) (values []tensorboard.Value) {
	params := r.trainer.Arrangement().Params
	for i := range params {
		values = append(values, tensorboard.NewHistogram("weights/"+params[i].Name, params[i].In(r.state.Weights)))
	}
	if !r.Runner.InProcess() {
		return values
	}
	means, err := r.trainer.Mean(ctx, r.shards[:1], r.state)
	if err != nil {
		return values // such as of an interrupt: a picture is no reason to lose a checkpoint
	}
	tag := "gradients/"
	if r.Strategy.LocalSteps > 0 {
		tag = "changes/"
	}
	for i, mean := range means {
		values = append(values, tensorboard.NewHistogram(tag+params[i].Name, mean))
	}
	return values
}
