package pipelines

import (
	"context"
	"fmt"
	"math"

	"github.com/penstock-ml/penstock/models/spec"
	"github.com/penstock-ml/penstock/models/training"
	"github.com/penstock-ml/penstock/transforms"
)

// A stopper ends a run early: once the loss of the records that are held out has not improved for some evaluations. What
// is exported then is the state with the best loss.
type stopper struct {
	spec.EarlyStopping
	best, last int64   // steps, 0 before the first evaluation
	loss       float64 // of the best
}

func newStopper(e spec.EarlyStopping) *stopper { return &stopper{EarlyStopping: e, loss: math.Inf(1)} }

// on tells whether a run may end early.
func (s *stopper) on() bool { return s.Holdout > 0 }

// every is the number of steps between evaluations, 0 for none.
func (s *stopper) every() int64 {
	if !s.on() {
		return 0
	}
	return int64(s.Every)
}

// take notes the loss at a step.
func (s *stopper) take(step int64, loss float64) {
	s.last = step
	if loss < s.loss {
		s.best, s.loss = step, loss
	}
}

// over tells that it is time to stop.
func (s *stopper) over() bool {
	return s.on() && s.best > 0 && s.last-s.best >= int64(s.Patience)*int64(s.Every)
}

// stoppingDue tells whether the state has to be evaluated on what is held out.
func (r *trainRun) stoppingDue() bool {
	if !r.stopper.on() || r.state.Step <= r.stopper.last {
		return false
	}
	return r.state.Step == r.total || crosses(r.state.Step, r.stepsPerRound(), r.stopper.every())
}

// evaluateHoldout evaluates the newest checkpoint on the records that are held out.
func (r *trainRun) evaluateHoldout(ctx context.Context) error {
	result, err := evaluate(ctx, EvaluateOptions{
		Model: transforms.ModelRef{JobDir: r.JobDir, Step: r.state.Step}, Files: r.TrainFiles, Runner: r.Runner, Holdout: training.HoldoutOf(r.Spec),
	})
	if err != nil {
		return fmt.Errorf("the records held out by training.early_stopping: %w", err)
	}
	m := result.Metrics
	r.stopper.take(r.state.Step, m.Loss)
	if r.Observer.HeldOut != nil {
		r.Observer.HeldOut(r.state.Step, m, r.stopper.best == r.state.Step)
	}
	return r.history.heldOut(ctx, result)
}

// takeBest goes back to the state with the best loss.
func (r *trainRun) takeBest(ctx context.Context) (err error) {
	if !r.stopper.on() || r.stopper.best == r.state.Step {
		return nil
	}
	r.state, err = r.readState(ctx, r.stopper.best)
	return err
}
