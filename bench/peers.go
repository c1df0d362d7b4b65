package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// peerLimit is the longest that one run of a peer may take.
const peerLimit = 5 * time.Minute

// available reports what a peer lacks on this machine: its script, its environment or a module.
func (b *bench) available(ctx context.Context, p *peer) error {
	if p.script == "" {
		return nil // it is part of this program
	}
	if _, err := os.Stat(filepath.Join(b.peersDir, p.script)); err != nil {
		return fmt.Errorf("PEERS_DIR has no %s", p.script)
	}
	python := b.python(p.environment)
	if _, err := os.Stat(python); err != nil {
		return fmt.Errorf("there is no environment %q (make bench-peers)", p.environment)
	}
	const find = "import importlib.util as u, sys; print(*[m for m in sys.argv[1:] if u.find_spec(m) is None])"
	missing, err := exec.CommandContext(ctx, python, append([]string{"-c", find}, p.modules...)...).Output()
	if err != nil {
		return fmt.Errorf("the environment %q does not run: %w", p.environment, err)
	}
	if names := strings.TrimSpace(string(missing)); names != "" {
		return fmt.Errorf("the environment %q lacks %s (make bench-peers)", p.environment, names)
	}
	return nil
}

func (b *bench) python(environment string) string {
	return filepath.Join(b.peersEnv, environment, "bin", "python")
}

// interpret runs Python in an environment and returns what it prints. The name is for messages.
func (b *bench) interpret(ctx context.Context, environment, name string, args ...string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, peerLimit)
	defer cancel()
	cmd := exec.CommandContext(ctx, b.python(environment), args...)
	cmd.WaitDelay = 5 * time.Second // its own children may hold the output open
	cmd.Env = append(os.Environ(), "PYTHONDONTWRITEBYTECODE=1", "PYTHONPATH="+b.peersDir)
	cmd.Dir = b.dir
	var stderr strings.Builder
	cmd.Stderr = &stderr
	stdout, err := cmd.Output()
	if ctx.Err() == context.DeadlineExceeded {
		return nil, fmt.Errorf("%s took longer than %v", name, peerLimit)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w: %s", name, err, lastLine(stderr.String()))
	}
	return stdout, nil
}

// trainingArgs are what the training scripts have in common.
func (b *bench) trainingArgs(args ...string) []string {
	return append([]string{"--train", b.data.train, "--eval", b.data.eval, "--threads", strconv.Itoa(b.cores), "--batch", strconv.Itoa(batch)}, args...)
}

// reports runs the peer's script on the training data and reads one of the figures in its line.
func (p *peer) reports(figure string, args ...string) side {
	environment, script := p.environment, p.script
	return func(ctx context.Context, b *bench, _ int) (measurement, error) {
		all := b.trainingArgs(args...)
		if b.quick {
			all = append(all, "--epochs", "1") // the last one counts
		}
		return b.reported(ctx, environment, script, figure, all...)
	}
}

// reportsBySeed is reports with the pair's number for a seed.
func (p *peer) reportsBySeed(figure string, args ...string) side {
	environment, script := p.environment, p.script
	return func(ctx context.Context, b *bench, pair int) (measurement, error) {
		all := append(b.trainingArgs(args...), "--target-auc", fmt.Sprint(targetAUC), "--seed", strconv.Itoa(pair+1))
		return b.reported(ctx, environment, script, figure, all...)
	}
}

func (b *bench) reported(ctx context.Context, environment, script, figure string, args ...string) (measurement, error) {
	stdout, err := b.interpret(ctx, environment, script, append([]string{filepath.Join(b.peersDir, script)}, args...)...)
	if err != nil {
		return measurement{}, err
	}
	value, err := figureOf(stdout, figure)
	if err != nil {
		return measurement{}, fmt.Errorf("%s: %w", script, err)
	}
	return measurement{value: value}, nil
}

// figureOf reads one figure of the last line of JSON in what a script has printed; libraries print before it.
func figureOf(stdout []byte, figure string) (float64, error) {
	line := ""
	for l := range strings.Lines(string(stdout)) {
		if strings.HasPrefix(l, "{") {
			line = l
		}
	}
	if line == "" {
		return 0, errors.New("printed no line of JSON")
	}
	values := map[string]any{}
	if err := json.Unmarshal([]byte(line), &values); err != nil {
		return 0, fmt.Errorf("printed a line that is not JSON: %w", err)
	}
	value, ok := values[figure].(float64)
	if !ok || value <= 0 {
		return 0, fmt.Errorf("has no figure for %s: %v", figure, values[figure])
	}
	return value, nil
}

// exportDense runs the script that it is given with dense gradients for the wide table: the script's Adam takes no
// sparse ones, and what it exports scores at the same speed.
const exportDense = `
import runpy, sys, torch_census
init = torch_census.WideDeep.__init__
init.__defaults__ = (*init.__defaults__[:-1], False)
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
`

// onnxModel is the prefix of the model that PyTorch exports, once, for the peers of batch prediction.
func (b *bench) onnxModel(ctx context.Context) (string, error) {
	model := filepath.Join(b.dir, "onnx")
	if _, err := os.Stat(model + ".pkl"); err == nil { // written last
		return model, nil
	}
	const script = "torch_export.py"
	_, err := b.interpret(ctx, "torch", script, "-c", exportDense, filepath.Join(b.peersDir, script), "--train", b.data.train, "--out", model)
	return model, err
}

// predictsWithONNX scores the million rows with the model that PyTorch exports.
func (p *peer) predictsWithONNX(how string) side {
	environment, script := p.environment, p.script
	return func(ctx context.Context, b *bench, _ int) (measurement, error) {
		model, err := b.onnxModel(ctx)
		if err != nil {
			return measurement{}, err
		}
		input, err := b.predictionInput("csv")
		if err != nil {
			return measurement{}, err
		}
		output := filepath.Join(b.dir, "peer-predictions")
		defer removeAll(output + "*")
		return b.reported(ctx, environment, script, "rows_per_s",
			"--how", how, "--model", model, "--input", input, "--out", output, "--threads", strconv.Itoa(b.cores))
	}
}

func (p *peer) predictsWithSpark() side {
	environment, script := p.environment, p.script
	return func(ctx context.Context, b *bench, _ int) (measurement, error) {
		input, err := b.predictionInput("csv")
		if err != nil {
			return measurement{}, err
		}
		output := filepath.Join(b.dir, "peer-predictions")
		defer removeAll(output + "*")
		return b.reported(ctx, environment, script, "predict_rows_per_s",
			"--train", b.data.train, "--eval", b.data.eval, "--predict", input, "--out", output, "--threads", strconv.Itoa(b.cores))
	}
}

func removeAll(pattern string) {
	paths, _ := filepath.Glob(pattern) // the pattern is well-formed
	for _, path := range paths {
		os.RemoveAll(path)
	}
}
