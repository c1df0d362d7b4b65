package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	peersSpec   = "bench/census-peers.yaml"
	peersHidden = "hidden: [100, 70, 48, 34]" // the line of peersSpec that a row may change
)

// trained is what `penstock train --format json` prints, as far as it is of use here.
type trained struct {
	Seconds           float64 `json:"seconds"`
	ExamplesPerSecond float64 `json:"examples_per_second"`
	Metrics           *struct {
		AUC *float64 `json:"auc"`
	} `json:"metrics"`
}

// predicted is what `penstock batch-predict --format json` prints, as far as it is of use here.
type predicted struct {
	Records     int64 `json:"records"`
	Predictions int64 `json:"predictions"`
}

// penstock runs the binary, decodes its line of JSON into v if that is not nil, and returns the seconds from start to
// exit and the most memory in use.
func (b *bench) penstock(ctx context.Context, v any, args ...string) (seconds float64, resident int64, err error) {
	cmd := exec.CommandContext(ctx, b.binary, args...)
	cmd.Env = append(os.Environ(), "GOMAXPROCS="+strconv.Itoa(b.cores))
	var stderr strings.Builder
	cmd.Stderr = &stderr
	start := time.Now()
	stdout, err := cmd.Output()
	seconds = time.Since(start).Seconds()
	if err != nil {
		return 0, 0, fmt.Errorf("penstock %s: %w: %s", args[0], err, lastLine(stderr.String()))
	}
	resident = mostResident(cmd.ProcessState)
	if v == nil {
		return seconds, resident, nil
	}
	if err := json.Unmarshal(stdout, v); err != nil {
		return 0, 0, fmt.Errorf("penstock %s: %w", args[0], err)
	}
	return seconds, resident, nil
}

// train runs `penstock train` in a job directory of its own.
func (b *bench) train(ctx context.Context, config, files string, args ...string) (t trained, seconds float64, resident int64, err error) {
	job, err := os.MkdirTemp(b.dir, "job")
	if err != nil {
		return t, 0, 0, err
	}
	defer os.RemoveAll(job)
	args = append([]string{"train", "--format", "json", "--config", config, "--train-files", files, "--job-dir", job}, args...)
	seconds, resident, err = b.penstock(ctx, &t, args...)
	return t, seconds, resident, err
}

// trainingRate is the examples a second of the training loop, over enough epochs for a warm run: a short run first
// tells how many that is.
func (b *bench) trainingRate(ctx context.Context, hidden []int, args ...string) (measurement, error) {
	config, err := b.specWithHidden(hidden)
	if err != nil {
		return measurement{}, err
	}
	run := func(length ...string) (trained, int64, error) {
		t, _, resident, err := b.train(ctx, config, b.data.train, slices.Concat(args, length)...)
		return t, resident, err
	}
	work := config + strings.Join(args, " ")
	epochs, known := b.warmEpochs[work]
	if !known {
		t, _, err := run("--train-steps", "100")
		if err != nil {
			return measurement{}, err
		}
		epochs = int(b.warmSeconds()*t.ExamplesPerSecond/float64(b.data.rows)) + 1
	}
	for {
		t, resident, err := run("--epochs", strconv.Itoa(epochs))
		if err != nil {
			return measurement{}, err
		}
		b.warmEpochs[work] = epochs
		if t.Seconds >= 0.9*b.warmSeconds() {
			return measurement{t.ExamplesPerSecond, resident}, nil
		}
		epochs = int(float64(epochs)*b.warmSeconds()/t.Seconds) + 1 // the first steps are slower than the rest
	}
}

// specWithHidden is the peers' spec with hidden layers of these widths.
func (b *bench) specWithHidden(hidden []int) (string, error) {
	text, err := os.ReadFile(peersSpec)
	if err != nil {
		return "", err
	}
	widths := strings.Trim(strings.ReplaceAll(fmt.Sprint(hidden), " ", ", "), "[]")
	changed, err := replaceOnce(string(text), peersHidden, "hidden: ["+widths+"]")
	if err != nil {
		return "", fmt.Errorf("%s: %w", peersSpec, err)
	}
	path := filepath.Join(b.dir, strings.ReplaceAll(widths, ", ", "-")+".yaml")
	return path, os.WriteFile(path, []byte(changed), 0o666)
}

func replaceOnce(text, old, replacement string) (string, error) {
	if n := strings.Count(text, old); n != 1 {
		return "", fmt.Errorf("has %q %d times, not once", old, n)
	}
	return strings.Replace(text, old, replacement, 1), nil
}

// secondsToAUC is the time of a whole process, which must reach the target.
func (b *bench) secondsToAUC(ctx context.Context, config string, epochs, seed int) (measurement, error) {
	t, seconds, resident, err := b.train(ctx, config, b.data.train,
		"--eval-files", b.data.eval, "--epochs", strconv.Itoa(epochs), "--seed", strconv.Itoa(seed))
	if err != nil {
		return measurement{}, err
	}
	if t.Metrics == nil || t.Metrics.AUC == nil {
		return measurement{}, errors.New("no AUC was printed")
	}
	if auc := *t.Metrics.AUC; auc < targetAUC {
		return measurement{}, fmt.Errorf("seed %d reached AUC %.4f, less than %.3f", seed, auc, targetAUC)
	}
	return measurement{seconds, resident}, nil
}

// predictionRate is the rows a second of a whole process.
func (b *bench) predictionRate(ctx context.Context, format string) (measurement, error) {
	input, err := b.predictionInput(format)
	if err != nil {
		return measurement{}, err
	}
	model, err := b.model(ctx)
	if err != nil {
		return measurement{}, err
	}
	output := filepath.Join(b.dir, "predictions")
	defer os.RemoveAll(output)
	var p predicted
	seconds, resident, err := b.penstock(ctx, &p, "batch-predict", "--format", "json", "--model", model,
		"--input-paths", input, "--output-path", output, "--data-format", format)
	if err != nil {
		return measurement{}, err
	}
	if p.Predictions == 0 || p.Predictions != p.Records {
		return measurement{}, fmt.Errorf("%d of %d records were predicted", p.Predictions, p.Records)
	}
	return measurement{float64(p.Predictions) / seconds, resident}, nil
}

// model is a job directory with an exported model, trained once.
func (b *bench) model(ctx context.Context) (string, error) {
	job := filepath.Join(b.dir, "model")
	if _, err := os.Stat(filepath.Join(job, "export")); err == nil {
		return job, nil
	}
	_, _, err := b.penstock(ctx, nil, "train", "--config", peersSpec, "--train-files", b.data.train, "--job-dir", job, "--epochs", "1")
	return job, err
}

// analysisRate is the megabytes a second of a process that reads its training file twice, to fit features and to
// encode, and then makes a single step. Its memory is that of a training run with the default cache.
func (b *bench) analysisRate(ctx context.Context) (measurement, error) {
	input, err := b.csvOfRows(b.scaled(analysisRows))
	if err != nil {
		return measurement{}, err
	}
	info, err := os.Stat(input)
	if err != nil {
		return measurement{}, err
	}
	_, seconds, resident, err := b.train(ctx, peersSpec, input, "--train-steps", "1")
	return measurement{float64(info.Size()) / 1e6 / seconds, resident}, err
}

func starts(ctx context.Context, b *bench, _ int) (measurement, error) {
	seconds, resident, err := b.penstock(ctx, nil, "--help")
	return measurement{1000 * seconds, resident}, err
}

func weighs(_ context.Context, b *bench, _ int) (measurement, error) {
	info, err := os.Stat(b.binary)
	if err != nil {
		return measurement{}, err
	}
	return measurement{value: float64(info.Size()) / 1e6}, nil
}

// lastLine of what a process has printed: where errors stand.
func lastLine(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return lines[len(lines)-1]
}
