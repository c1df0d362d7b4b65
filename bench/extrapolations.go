package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
)

// extrapolationRuns are how often each run is made.
const extrapolationRuns = 3

// extrapolation is a strategy whose time on several workers is foretold from a calibration on two.
type extrapolation struct {
	strategy string
	flags    []string
	steps    int
	of       func(e *extrapolated) float64
}

// extrapolated is what a plan says of a number of workers.
type extrapolated struct {
	Workers int
	Sync    float64 `json:"sync_seconds"`
	Local   float64 `json:"local_seconds"`
	Async   float64 `json:"async_seconds"`
}

// extrapolations are fixed: none was chosen for its result.
var extrapolations = []extrapolation{
	{"sync", nil, 64, func(e *extrapolated) float64 { return e.Sync }},
	{"local, 64 steps", []string{"--strategy", "local", "--local-steps", "64"}, 1280, func(e *extrapolated) float64 { return e.Local }},
	{"async", []string{"--strategy", "async", "--staleness", "1"}, 64, func(e *extrapolated) float64 { return e.Async }},
}

// extrapolate compares what a plan made on two workers says of 1, 2 and 4 on this machine with what they take.
func (b *bench) extrapolate(ctx context.Context, output, endpoint string) error {
	data, err := b.estimateData(ctx)
	if err != nil {
		return err
	}
	defer os.RemoveAll(data)
	var t bytes.Buffer
	fmt.Fprintf(&t, "| strategy | steps | workers | extrapolated | measured | extrapolated / measured |\n|---|--:|--:|--:|--:|--:|\n")
	for _, x := range extrapolations {
		workers, foretold, startUp, err := b.foretell(ctx, data, endpoint, x)
		if err != nil {
			return err
		}
		for i, n := range workers {
			took, err := b.trainOn(ctx, data, endpoint, n, x)
			if err != nil {
				return err
			}
			took -= startUp
			fmt.Fprintf(&t, "| %s | %d | %d | %.1f s | %.1f s | %.2f |\n", x.strategy, x.steps, n, foretold[i], took, foretold[i]/took)
		}
		os.Stderr.Write(t.Bytes())
	}
	return os.WriteFile(output+".md", t.Bytes(), 0o666)
}

// foretell is what plans made on two workers say of other numbers of them, the median of some.
func (b *bench) foretell(ctx context.Context, data, endpoint string, x extrapolation) (workers []int, seconds []float64, startUp float64, err error) {
	var starts []float64
	each := map[int][]float64{}
	for range extrapolationRuns {
		var plan struct {
			SharedMachine []extrapolated `json:"shared_machine"`
			StartUp       float64        `json:"start_up_seconds"`
		}
		if _, _, err := b.penstock(ctx, &plan, estimateArguments(data, "flink", endpoint, x.steps, "--dry-run")...); err != nil {
			return nil, nil, 0, err
		}
		workers = nil
		for _, e := range plan.SharedMachine {
			workers = append(workers, e.Workers)
			each[e.Workers] = append(each[e.Workers], x.of(&e))
		}
		starts = append(starts, plan.StartUp)
	}
	for _, n := range workers {
		seconds = append(seconds, median(each[n]))
	}
	return workers, seconds, median(starts), nil
}

// trainOn is how long training takes on some workers, the median of some runs.
func (b *bench) trainOn(ctx context.Context, data, endpoint string, workers int, x extrapolation) (float64, error) {
	var seconds []float64
	for range extrapolationRuns {
		if err := os.RemoveAll(filepath.Join(data, "job")); err != nil {
			return 0, err
		}
		var trained struct{ Seconds float64 }
		args := append(estimateArguments(data, "flink", endpoint, x.steps, x.flags...), "--parallelism", strconv.Itoa(workers))
		if _, _, err := b.penstock(ctx, &trained, args...); err != nil {
			return 0, err
		}
		seconds = append(seconds, trained.Seconds)
	}
	return median(seconds), nil
}
