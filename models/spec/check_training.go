package spec

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

func (s *Spec) checkTraining(l *list) {
	t := &s.Training
	l.atLeast(path("training", "batch_size"), int64(t.BatchSize), 1)
	l.atLeast(path("training", "epochs"), int64(t.Epochs), 0)
	l.atLeast(path("training", "steps"), int64(t.Steps), 0)
	if t.Epochs > 0 && t.Steps > 0 {
		l.at(path("training", "steps"), "training.epochs and training.steps exclude each other; remove one")
	}
	s.checkLoss(l)
	l.between(path("training", "clip_norm"), t.ClipNorm, 0, anyPositive)
	for _, group := range slices.Sorted(maps.Keys(t.Optimizer)) {
		l.checkOptimizer(path("training", "optimizer", group), t.Optimizer[group])
	}
	l.checkSchedule(path("training", "schedule"), t.Schedule)
	l.checkEarlyStopping(path("training", "early_stopping"), t.EarlyStopping)
}

func (l *list) checkEarlyStopping(at []string, e EarlyStopping) {
	if _, given := find(l.root, at); !given {
		return
	}
	if e.Holdout <= 0 || e.Holdout > 0.5 {
		l.at(append(at, "holdout"), "%s.holdout is %v; it must be above 0 and at most 0.5", dotted(at), e.Holdout)
	}
	l.atLeast(append(at, "patience"), int64(e.Patience), 1)
	l.atLeast(append(at, "every"), int64(e.Every), 0)
}

// lossesOf are the losses of each kind of label, the default one first.
var lossesOf = map[string][]string{
	Classification: {LogLoss},
	Regression:     {SquaredError, Huber},
}

func (s *Spec) checkLoss(l *list) {
	losses, at := lossesOf[s.Label.Kind], path("training", "loss")
	switch all := slices.Concat(lossesOf[Classification], lossesOf[Regression]); {
	case len(losses) == 0 || slices.Contains(losses, s.Training.Loss):
	case slices.Contains(all, s.Training.Loss):
		l.at(at, "training.loss is %s, which is not for label.kind %s; make it %s", s.Training.Loss, s.Label.Kind, strings.Join(losses, " or "))
	default:
		l.oneOf(at, s.Training.Loss, losses)
	}
}

func (l *list) checkOptimizer(at []string, o Optimizer) {
	if !l.has(at, "kind") || !l.oneOf(append(at, "kind"), o.Kind, kinds(optimizerKeys)) {
		return
	}
	l.onlyKeys(at, o.Kind, "optimizers", append([]string{"kind"}, optimizerKeys[o.Kind]...), Optimizer{})
	if o.LearningRate <= 0 {
		l.at(append(at, "learning_rate"), "%s.learning_rate is %v; it must be above 0", dotted(at), o.LearningRate)
	}
	for _, share := range []struct {
		key   string
		value float64
	}{{"momentum", o.Momentum}, {"beta1", o.Beta1}, {"beta2", o.Beta2}} {
		if share.value < 0 || share.value >= 1 {
			l.at(append(at, share.key), "%s.%s is %v; it must be at least 0 and below 1", dotted(at), share.key, share.value)
		}
	}
	l.between(append(at, "epsilon"), o.Epsilon, 0, anyPositive)
	l.between(append(at, "initial_accumulator"), o.InitialAccumulator, 0, anyPositive)
	l.between(append(at, "beta"), o.Beta, 0, anyPositive)
	l.between(append(at, "l1"), o.L1, 0, anyPositive)
	l.between(append(at, "l2"), o.L2, 0, anyPositive)
}

func (l *list) checkSchedule(at []string, s Schedule) {
	if !l.oneOf(append(at, "kind"), s.Kind, []string{Constant, Linear, Cosine}) {
		return
	}
	l.atLeast(append(at, "warmup_steps"), int64(s.WarmupSteps), 0)
	l.atLeast(append(at, "decay_steps"), int64(s.DecaySteps), 0)
	l.between(append(at, "final_factor"), s.FinalFactor, 0, 1)
	if s.Kind == Constant {
		for _, key := range []string{"decay_steps", "final_factor"} {
			l.without(at, key, "a constant schedule has no %s; make its kind linear or cosine")
		}
	}
}

// anyPositive is the upper bound of values that have none.
const anyPositive = -1

// between complains about a number outside [least, most].
func (l *list) between(p []string, value, least, most float64) {
	want := fmt.Sprintf("between %v and %v", least, most)
	if most == anyPositive {
		want = fmt.Sprintf("at least %v", least)
	}
	if value < least || most != anyPositive && value > most {
		l.at(p, "%s is %v; it must be %s", dotted(p), value, want)
	}
}
