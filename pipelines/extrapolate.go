package pipelines

import "math"

// Extrapolation is what a run would take on so many workers. It is no measurement.
type Extrapolation struct {
	Workers int `json:"workers"`
	// The seconds of training with each step a round, with local rounds of suggestedSteps, and with asynchronous ones.
	Sync  float64 `json:"sync_seconds"`
	Local float64 `json:"local_seconds"`
	Async float64 `json:"async_seconds"`
}

// networkRate is what a link between machines is taken to carry, in bytes a second: ten gigabits.
const networkRate = 1.25e9

// Extrapolate tells about how long training would take, on so many times the data, on workers with the cores of this
// process each: the arithmetic of a round is divided among as many of them as there are shards, and waits for the slowest;
// the state goes to each, and what each returns is added up in one place; the runner's own part stays as it was measured.
// Where shared, the workers are processes on this one machine, so that there is nothing to divide.
func (p *TrainPlan) Extrapolate(workers int, data float64, shared bool) Extrapolation {
	c := &p.costs
	rounds := float64(p.Steps) * data
	at := func(steps float64) (compute, exchange float64) {
		return c.compute(steps, workers, p.Shards, shared), c.exchange(workers, shared)
	}
	compute, exchange := at(1)
	localCompute, _ := at(suggestedSteps)
	rest := func(rounds float64) float64 { return c.aroundRounds(p, rounds, data, workers, shared) }
	return Extrapolation{
		Workers: workers,
		Sync:    rest(rounds) + rounds*(c.fixed+compute+exchange),
		Local:   rest(rounds/suggestedSteps) + math.Ceil(rounds/suggestedSteps)*(c.fixed+localCompute+exchange),
		Async:   rest(rounds) + rounds*max(compute, c.fixed+exchange),
	}
}

// extrapolations are those to 1, 2, 4 and so on up to most workers.
func (p *TrainPlan) extrapolations(most int, shared bool) (all []Extrapolation) {
	for workers := 1; workers <= most; workers *= 2 {
		all = append(all, p.Extrapolate(workers, 1, shared))
	}
	return all
}

// compute is the time of the arithmetic of some steps.
func (c *costs) compute(steps float64, workers, shards int, shared bool) float64 {
	if shared {
		return steps * c.step
	}
	slowest := 1 + c.spread*math.Sqrt(2*math.Log(float64(workers))) // of so many normal times
	share := math.Ceil(float64(shards)/float64(workers)) / float64(shards)
	return steps * c.step * share * slowest
}

// exchange is the time that a round's bytes take.
func (c *costs) exchange(workers int, shared bool) float64 {
	perByte := 1 / c.coded
	if !shared {
		perByte += 1 / networkRate
	}
	return float64(workers) * float64(c.stateBytes+c.contributionBytes) * perByte
}

// aroundRounds is the time of jobs and of reading records.
func (c *costs) aroundRounds(p *TrainPlan, rounds, data float64, workers int, shared bool) float64 {
	jobs := math.Ceil(rounds / float64(c.maxRounds))
	loads := 1.0
	if c.loads {
		loads = jobs
	}
	if shared {
		workers = 1
	}
	return jobs*c.job + loads*data*float64(p.Records)/c.loaded/float64(workers)
}
