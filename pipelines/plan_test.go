package pipelines

import (
	"context"
	"math"
	"os"
	"testing"
)

// A plan counts what the run then does, and leaves no trace.
func TestPlansCountWhatRunsDo(t *testing.T) {
	train, eval, _ := censusFiles(t, 4000)
	for _, runner := range []string{"direct", "prism"} {
		o := censusOptions(t, train, eval, 230)
		o.Runner, o.EvalEvery, o.CheckpointEvery = runnerNamed(t, runner), 50, 100
		p, err := PlanTrain(context.Background(), o)
		if err != nil {
			t.Fatal(err)
		}
		if p.Steps != 230 || p.Rounds != 230 || p.Evaluations != 5 || p.Jobs != 5 || p.Records != 4000 {
			t.Errorf("%s: %d steps, %d rounds, %d evaluations, %d pipelines, %d records; want 230, 230, 5, 5, 4000",
				runner, p.Steps, p.Rounds, p.Evaluations, p.Jobs, p.Records)
		}
		if passes := p.RoundBytes > 0; passes == o.Runner.InProcess() || p.Seconds.Total <= 0 {
			t.Errorf("%s: %d bytes a round, %v", runner, p.RoundBytes, p.Seconds)
		}
		if left, err := os.ReadDir(o.JobDir); err != nil || len(left) > 0 {
			t.Errorf("%s: the plan left %v: %v", runner, left, err)
		}
		counted := &flakyRunner{Runner: o.Runner}
		o.Runner = counted
		evaluations := 0
		o.Observer.Phase = func(name string) {
			if name == "evaluating" {
				evaluations++
			}
		}
		result := mustTrain(t, o)
		if result.Steps != p.Steps || int64(evaluations) != p.Evaluations {
			t.Errorf("%s: the run made %d steps and %d evaluations", runner, result.Steps, evaluations)
		}
	}
}

// The model of a run, on figures that can be followed by hand.
func TestTheModelOfARun(t *testing.T) {
	c := costs{
		job: 2, round: 0.5, step: 0.1, maxRounds: 5, hashed: 100, analysed: 50, scored: 25, loaded: 1000, loads: true,
		fixed: 0.25, coded: 1e6, stateBytes: 50_000, contributionBytes: 25_000,
	}
	p := &TrainPlan{Records: 4000, Bytes: 1000, EvalBytes: 250, Evaluations: 2, Shards: 8, Steps: 128, costs: c}
	got := c.seconds(p, 3, 12, c.round)
	want := PlanSeconds{Analysis: 2 + 10 + 20, Training: 3*2 + 3*4 + 12*0.5, Evaluation: 2 * (2 + 10)}
	want.Total = want.Analysis + want.Training + want.Evaluation
	if got != want {
		t.Errorf("the model says %+v, want %+v", got, want)
	}
	shared := p.Extrapolate(2, 1, true)
	// 26 jobs of 5 rounds, each loading 4 s of records; a round of .25 + .1 + two times .075.
	if sync := 26*(2+4) + 128*(0.25+0.1+0.15); math.Abs(shared.Sync-sync) > 1e-9 {
		t.Errorf("128 rounds on one machine take %v, want %v", shared.Sync, sync)
	}
	// One job of 2 rounds of 64 steps.
	if local := 1*(2+4) + 2*(0.25+6.4+0.15); math.Abs(shared.Local-local) > 1e-9 {
		t.Errorf("2 local rounds take %v, want %v", shared.Local, local)
	}
	if more := p.Extrapolate(16, 1, false); more.Local >= shared.Local || more.Sync < 128*(0.25+0.1/8) {
		t.Errorf("16 workers take %+v", more)
	}
}
