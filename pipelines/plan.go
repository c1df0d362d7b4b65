package pipelines

import (
	"context"
	"fmt"

	"github.com/penstock-ml/penstock/models/training"
	"github.com/penstock-ml/penstock/storage"
)

// TrainPlan is what a run would do, and about how long it would take.
type TrainPlan struct {
	// Records are estimated from the first megabytes of the training files, Bytes are as stored.
	Records int64 `json:"records"`
	Bytes   int64 `json:"bytes"`
	Shards  int   `json:"shards"`
	// Elements are what the runner's workers compute a round in.
	Elements  int   `json:"elements"`
	BatchSize int   `json:"batch_size"`
	Steps     int64 `json:"steps"`
	Rounds    int64 `json:"rounds"`
	// Jobs are the pipelines that the rounds are spread over.
	Jobs int64 `json:"jobs"`
	// StateBytes go to the workers of each element in a round, and ContributionBytes come back; RoundBytes is the sum over
	// the elements, 0 where elements pass by reference.
	StateBytes        int64 `json:"state_bytes"`
	ContributionBytes int64 `json:"contribution_bytes"`
	RoundBytes        int64 `json:"round_bytes"`
	Evaluations       int64 `json:"evaluations"`
	EvalBytes         int64 `json:"eval_bytes"`
	// Seconds leave out the start-up of the runner and its workers, which StartUp is.
	Seconds PlanSeconds `json:"seconds"`
	StartUp float64     `json:"start_up_seconds"`
	// LocalSteps and LocalSeconds are a strategy of local rounds and the estimate of the whole run with it, where rounds are
	// dear and each step is one; else 0.
	LocalSteps   int     `json:"local_steps,omitempty"`
	LocalSeconds float64 `json:"local_seconds,omitempty"`

	// Extrapolated are the same run's times on other numbers of workers like this machine, where it runs on workers, and
	// SharedMachine those with 1, 2 and 4 workers that share this machine, which can be checked.
	Extrapolated  []Extrapolation `json:"extrapolated,omitempty"`
	SharedMachine []Extrapolation `json:"shared_machine,omitempty"`

	stops int64 // between pipelines, with a checkpoint each
	costs costs
}

// PlanSeconds is an estimate of a run's time by what it does.
type PlanSeconds struct {
	Analysis   float64 `json:"analysis"`
	Training   float64 `json:"training"`
	Evaluation float64 `json:"evaluation"`
	Total      float64 `json:"total"`
}

// suggestedSteps is what a plan proposes for a local round; DESIGN.md has what it costs.
const suggestedSteps = 64

// PlanTrain tells what Train would do with the options, from the files' sizes and a calibration of some seconds on their
// first megabytes: on the runner, with its own workers. It leaves nothing behind.
func PlanTrain(ctx context.Context, o TrainOptions) (*TrainPlan, error) {
	files, err := checkInputs(ctx, &o)
	if err != nil {
		return nil, err
	}
	evalFiles := []storage.Info{}
	if len(o.EvalFiles) > 0 {
		if evalFiles, err = listFiles(ctx, "--eval-files", o.EvalFiles); err != nil {
			return nil, err
		}
	}
	c, err := calibrate(ctx, o, files, evalFiles)
	if err != nil {
		return nil, fmt.Errorf("calibrate: %w", err)
	}
	p := &TrainPlan{
		Bytes: totalSize(files), EvalBytes: totalSize(evalFiles), Shards: o.Shards, Elements: min(o.Runner.Elements(), o.Shards),
		BatchSize: o.Spec.Training.BatchSize, StateBytes: c.stateBytes, ContributionBytes: c.contributionBytes, StartUp: c.startUp, costs: *c,
	}
	p.Records = int64(float64(p.Bytes) * c.recordsPerByte)
	p.count(o)
	p.estimate(o)
	if !o.Runner.InProcess() {
		p.Extrapolated, p.SharedMachine = p.extrapolations(64, false), p.extrapolations(4, true)
	}
	return p, nil
}

func totalSize(files []storage.Info) (n int64) {
	for _, f := range files {
		n += f.Size
	}
	return n
}

// count fills in the length of the run and what it consists of.
func (p *TrainPlan) count(o TrainOptions) {
	r := trainRun{TrainOptions: o, state: &training.State{}}
	r.setLength(p.Records)
	p.Steps, p.Rounds = r.total, r.total/r.stepsPerRound()
	for r.state.Step < r.total {
		stop := r.nextStop()
		p.Jobs += p.costs.jobs((stop - r.state.Step) / r.stepsPerRound())
		p.stops++
		r.state.Step = stop
		if r.stoppingDue() {
			p.Evaluations++
		}
		if r.evaluationDue() {
			p.Evaluations++
		}
	}
	if !o.Runner.InProcess() {
		p.RoundBytes = int64(p.Elements) * (p.StateBytes + p.ContributionBytes)
	}
}

// estimate fills in the time.
func (p *TrainPlan) estimate(o TrainOptions) {
	p.Seconds = p.costs.seconds(p, p.Jobs, p.Rounds, p.costs.round)
	if o.Runner.InProcess() || o.Strategy != (training.Strategy{}) {
		return
	}
	rounds := (p.Rounds + suggestedSteps - 1) / suggestedSteps
	p.LocalSteps = suggestedSteps
	p.LocalSeconds = p.costs.seconds(p, max(p.costs.jobs(rounds), p.Evaluations), rounds, p.costs.round+(suggestedSteps-1)*p.costs.step).Total
}

// costs are what a run's parts take on a runner, in seconds and per second.
type costs struct {
	job       float64 // a pipeline that does nothing
	round     float64
	step      float64 // the arithmetic of one, on this process's cores
	commit    float64 // of a checkpoint and the history, by this process
	startUp   float64
	maxRounds int // of one pipeline

	hashed, analysed, scored float64 // bytes a second
	loaded                   float64 // records a second: read and encoded
	loads                    bool    // in each pipeline, else once

	// For extrapolation: what of a round is neither arithmetic nor bytes, how the times of rounds spread about their mean,
	// and how many bytes a second pass through the coders.
	fixed, spread, coded float64

	recordsPerByte                float64
	stateBytes, contributionBytes int64
}

// jobs is how many pipelines so many rounds take.
func (c *costs) jobs(rounds int64) int64 {
	return (rounds + int64(c.maxRounds) - 1) / int64(c.maxRounds)
}

// seconds is the model of a run: what it is made of, times what each part takes.
func (c *costs) seconds(p *TrainPlan, jobs, rounds int64, round float64) (s PlanSeconds) {
	loads := int64(1)
	if c.loads {
		loads = jobs
	}
	s.Analysis = c.job + float64(p.Bytes)*(1/c.hashed+1/c.analysed)
	s.Training = float64(jobs)*c.job + float64(p.stops)*c.commit + float64(loads*p.Records)/c.loaded + float64(rounds)*round
	if p.Evaluations > 0 {
		s.Evaluation = float64(p.Evaluations) * (c.job + float64(p.EvalBytes)/c.scored)
	}
	s.Total = s.Analysis + s.Training + s.Evaluation
	return s
}
