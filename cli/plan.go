package cli

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/dustin/go-humanize"

	"github.com/penstock-ml/penstock/pipelines"
)

// planTraining is train --dry-run.
func (a *app) planTraining(ctx context.Context, o pipelines.TrainOptions) error {
	plan, err := pipelines.PlanTrain(ctx, o)
	if err != nil {
		return interrupted(err, "nothing was trained")
	}
	return a.print(plan, func(w io.Writer) {
		writePlan(w, plan)
		writeExtrapolation(w, plan)
	})
}

func writePlan(w io.Writer, p *pipelines.TrainPlan) {
	row(w, "records", fmt.Sprintf("%s in %s", about(p.Records), humanize.Bytes(uint64(p.Bytes))))
	row(w, "shards", fmt.Sprintf("%d, in %d elements", p.Shards, p.Elements))
	row(w, "steps", fmt.Sprintf("%s of %d examples", humanize.Comma(p.Steps), p.BatchSize))
	row(w, "rounds", fmt.Sprintf("%s in %s pipelines", humanize.Comma(p.Rounds), humanize.Comma(p.Jobs)))
	row(w, "bytes a round", fmt.Sprintf("%s: a state of %s to each element, %s back",
		humanize.Bytes(uint64(p.RoundBytes)), humanize.Bytes(uint64(p.StateBytes)), humanize.Bytes(uint64(p.ContributionBytes))))
	fmt.Fprintln(w)
	row(w, "analysis", inTime(p.Seconds.Analysis))
	row(w, "training", inTime(p.Seconds.Training))
	if p.Evaluations > 0 {
		row(w, "evaluation", fmt.Sprintf("%s for %d", inTime(p.Seconds.Evaluation), p.Evaluations))
	}
	row(w, "together", fmt.Sprintf("%s, and %s to start", inTime(p.Seconds.Total), inTime(p.StartUp)))
	if p.LocalSteps > 0 && p.LocalSeconds < p.Seconds.Total/2 {
		row(w, "instead", fmt.Sprintf("%s with --strategy local --local-steps %d --outer-optimizer nesterov", inTime(p.LocalSeconds), p.LocalSteps))
	}
}

// writeExtrapolation tells what other numbers of workers might do.
func writeExtrapolation(w io.Writer, p *pipelines.TrainPlan) {
	if len(p.Extrapolated) == 0 {
		return
	}
	fmt.Fprintln(w)
	fmt.Fprintln(w, "Training on other numbers of workers like this machine, extrapolated and not measured:")
	row(w, "workers", "sync", "local, 64 steps", "async")
	for _, e := range p.Extrapolated {
		row(w, humanize.Comma(int64(e.Workers)), inTime(e.Sync), inTime(e.Local), inTime(e.Async))
	}
}

// about is a number of which the first digits are known.
func about(n int64) string { return "about " + humanize.Comma(n) }

// inTime writes seconds with the digits that an estimate has.
func inTime(seconds float64) string {
	d := time.Duration(seconds * float64(time.Second))
	for _, unit := range []time.Duration{time.Minute, time.Second, 10 * time.Millisecond} {
		if d >= 10*unit {
			return d.Round(unit).String()
		}
	}
	return d.Round(time.Millisecond).String()
}
