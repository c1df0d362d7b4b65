package pipelines

import (
	"fmt"
	"time"

	"github.com/penstock-ml/penstock/models/training"
)

// longRun is what a run may take before its launcher says how it could be shorter.
const longRun = 5 * time.Minute

// warnOfPace says once, after the first pipeline, that a run in which every step is a round will take long on a runner
// that makes rounds dear.
func (r *trainRun) warnOfPace(took float64, rounds int) {
	if r.paced || r.Runner.InProcess() || r.Strategy != (training.Strategy{}) {
		return
	}
	r.paced = true
	if sentence := paceWarning(time.Duration(took*float64(time.Second)), rounds, r.total-r.state.Step); sentence != "" {
		r.warn(sentence)
	}
}

// paceWarning compares what is left with the same in local rounds, if that is a lot; took is of so many rounds.
func paceWarning(took time.Duration, rounds int, left int64) string {
	each := took / time.Duration(rounds)
	whole := each * time.Duration(left)
	if whole < longRun {
		return ""
	}
	local := (left + suggestedSteps - 1) / suggestedSteps
	return fmt.Sprintf("the %d rounds that are left take about %v here: with --strategy local --local-steps %d --outer-optimizer nesterov there would be %d rounds, which take about %v and their arithmetic; --dry-run estimates both",
		left, whole.Round(time.Minute), suggestedSteps, local, (each * time.Duration(local)).Round(time.Second))
}
