package main

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// estimateRuns are how often a run is estimated, and how often it is made.
const estimateRuns = 3

// estimated compares train --dry-run with what the run then takes, at lengths that span a factor of ten.
type estimated struct {
	runner  string
	steps   int
	plan    float64 // seconds, the median
	took    float64 // the same, less the start
	startUp float64
}

// estimateLengths are fixed: none was chosen for its result.
var estimateLengths = map[string][]int{
	"direct": {3000, 10000, 30000},
	"prism":  {100, 320, 1000},
	"flink":  {10, 30, 100},
}

// estimates runs all of them and writes a table and a chart beside it. endpoint is that of a Flink job server, or empty.
func (b *bench) estimates(ctx context.Context, output, endpoint string) error {
	data, err := b.estimateData(ctx)
	if err != nil {
		return err
	}
	defer os.RemoveAll(data)
	var all []estimated
	for _, runner := range []string{"direct", "prism", "flink"} {
		if runner == "flink" && endpoint == "" {
			continue
		}
		for _, steps := range estimateLengths[runner] {
			e, err := b.estimateOnce(ctx, data, runner, endpoint, steps)
			if err != nil {
				return err
			}
			fmt.Fprintf(os.Stderr, "%s, %d steps: estimated %.1f s, took %.1f s\n", runner, steps, e.plan, e.took)
			all = append(all, *e)
		}
	}
	if err := os.WriteFile(output+".md", estimateTable(all), 0o666); err != nil {
		return err
	}
	return os.WriteFile(output+".svg", estimateChart(all), 0o666)
}

func (b *bench) estimateData(ctx context.Context) (string, error) {
	dir, err := os.MkdirTemp("", "penstock-estimates-")
	if err != nil {
		return "", err
	}
	_, _, err = b.penstock(ctx, nil, "generate", "census", "--rows", "65536", "--output", dir)
	return dir, err
}

func (b *bench) estimateOnce(ctx context.Context, data, runner, endpoint string, steps int) (*estimated, error) {
	e := &estimated{runner: runner, steps: steps}
	var plans, took, starts []float64
	for range estimateRuns {
		seconds, start, err := b.plan(ctx, data, runner, endpoint, steps)
		if err != nil {
			return nil, err
		}
		whole, err := b.timed(ctx, data, runner, endpoint, steps)
		if err != nil {
			return nil, err
		}
		plans, starts, took = append(plans, seconds), append(starts, start), append(took, whole)
	}
	e.plan, e.startUp = median(plans), median(starts)
	e.took = median(took) - e.startUp
	return e, nil
}

// estimateArguments are those of a run in a directory that has the records.
func estimateArguments(data, runner, endpoint string, steps int, more ...string) []string {
	args := []string{
		"train", "--config", "testdata/census.yaml", "--train-files", filepath.Join(data, "train.csv"), "--eval-files", filepath.Join(data, "eval.csv"),
		"--job-dir", filepath.Join(data, "job"), "--train-steps", strconv.Itoa(steps), "--format", "json", "--runner", runner,
	}
	if runner == "flink" {
		args = append(args, "--endpoint", endpoint, "--parallelism", "2")
	}
	return append(args, more...)
}

func (b *bench) plan(ctx context.Context, data, runner, endpoint string, steps int) (seconds, start float64, err error) {
	var plan struct {
		Seconds struct{ Total float64 }
		StartUp float64 `json:"start_up_seconds"`
	}
	_, _, err = b.penstock(ctx, &plan, estimateArguments(data, runner, endpoint, steps, "--dry-run")...)
	return plan.Seconds.Total, plan.StartUp, err
}

// timed is how long a run takes, the whole process.
func (b *bench) timed(ctx context.Context, data, runner, endpoint string, steps int) (float64, error) {
	if err := os.RemoveAll(filepath.Join(data, "job")); err != nil {
		return 0, err
	}
	seconds, _, err := b.penstock(ctx, nil, estimateArguments(data, runner, endpoint, steps)...)
	return seconds, err
}

func estimateTable(all []estimated) []byte {
	var t bytes.Buffer
	fmt.Fprintf(&t, "| runner | steps | estimated | measured | estimate / measured | start-up, apart |\n|---|--:|--:|--:|--:|--:|\n")
	for _, e := range all {
		fmt.Fprintf(&t, "| %s | %d | %.2f s | %.2f s | %.2f | %.2f s |\n", e.runner, e.steps, e.plan, e.took, e.plan/e.took, e.startUp)
	}
	return t.Bytes()
}

// estimateChart draws estimated against measured time, both in logarithms, with the line where they are equal and the
// band of 30% about it.
func estimateChart(all []estimated) []byte {
	const size, margin, low, high = 480, 50, 0.3, 300.0
	at := func(seconds float64) float64 {
		return margin + (size-2*margin)*(math.Log(seconds/low)/math.Log(high/low))
	}
	var s strings.Builder
	fmt.Fprintf(&s, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="sans-serif" font-size="12">`+"\n", size, size)
	fmt.Fprintf(&s, `<rect width="%d" height="%d" fill="white"/>`+"\n", size, size)
	for _, ratio := range []float64{0.7, 1, 1.3} {
		fmt.Fprintf(&s, `<line x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f" stroke="#bbb"/>`+"\n",
			at(low*2), size-at(low*2*ratio), at(high/2), size-at(high/2*ratio))
	}
	for _, tick := range []float64{1, 10, 100} {
		fmt.Fprintf(&s, `<text x="%.1f" y="%d" text-anchor="middle">%g s</text><text x="%d" y="%.1f" text-anchor="end">%g s</text>`+"\n",
			at(tick), size-margin+20, tick, margin-6, size-at(tick)+4, tick)
	}
	fmt.Fprintf(&s, `<text x="%d" y="%d" text-anchor="middle">measured</text><text x="%d" y="%d">estimated by --dry-run</text>`+"\n", size/2, size-12, margin, margin-24)
	colours := map[string]string{"direct": "#1b6ca8", "prism": "#d1495b", "flink": "#3a7d44"}
	for i, e := range all {
		fmt.Fprintf(&s, `<circle cx="%.1f" cy="%.1f" r="5" fill="%s"/>`+"\n", at(e.took), size-at(e.plan), colours[e.runner])
		if i == 0 || all[i-1].runner != e.runner {
			y := margin + 18*len(slices.Compact(runnersOf(all[:i+1])))
			fmt.Fprintf(&s, `<circle cx="%d" cy="%d" r="5" fill="%s"/><text x="%d" y="%d">%s</text>`+"\n", margin+10, y, colours[e.runner], margin+22, y+4, e.runner)
		}
	}
	s.WriteString("</svg>\n")
	return []byte(s.String())
}

func runnersOf(all []estimated) (names []string) {
	for _, e := range all {
		names = append(names, e.runner)
	}
	return names
}
