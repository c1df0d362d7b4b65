package cli

import (
	"bytes"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// trainCommand is penstock train on some census records, with the flags of a strategy.
func trainCommand(t *testing.T, data, jobDir string, strategy []string) *exec.Cmd {
	t.Helper()
	args := []string{
		"train", "--config", filepath.Join("..", "testdata", "census.yaml"), "--train-files", data, "--job-dir", jobDir,
		"--train-steps", "3000", "--checkpoint-every", "40", "--format", "json",
	}
	return exec.Command("penstock", append(args, strategy...)...)
}

func censusData(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if out, err := exec.Command("penstock", "generate", "census", "--rows", "4000", "--output", dir).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return filepath.Join(dir, "train*.csv")
}

// weightsOf runs a training command to its end.
func weightsOf(t *testing.T, cmd *exec.Cmd) string {
	t.Helper()
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %s", err, stderr.Bytes())
	}
	var result struct {
		Weights string `json:"weights_sha256"`
	}
	if err := json.Unmarshal(out, &result); err != nil || result.Weights == "" {
		t.Fatalf("%v: %s", err, out)
	}
	return result.Weights
}

var faultStrategies = map[string][]string{
	"sync":             {},
	"parameter shards": {"--parameter-shards", "3"},
	"local":            {"--strategy", "local", "--local-steps", "8", "--outer-optimizer", "nesterov"},
	"async":            {"--strategy", "async", "--staleness", "3"},
}

// A run killed five times, at moments that nobody chose, and resumed each time has the weights of one that was not.
func TestKilledRunsAreTheSameRun(t *testing.T) {
	data := censusData(t)
	for name, strategy := range faultStrategies {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			want := weightsOf(t, trainCommand(t, data, t.TempDir(), strategy))
			jobDir := t.TempDir()
			resume := append([]string{"--resume"}, strategy...)
			for range 5 {
				killSomewhere(t, trainCommand(t, data, jobDir, resume), jobDir)
			}
			if got := weightsOf(t, trainCommand(t, data, jobDir, resume)); got != want {
				t.Errorf("the weights are %s, want %s", got, want)
			}
		})
	}
}

// killSomewhere starts a run and kills it a little after it has left another checkpoint.
func killSomewhere(t *testing.T, cmd *exec.Cmd, jobDir string) {
	t.Helper()
	before := newestCheckpoint(t, jobDir)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	for newestCheckpoint(t, jobDir) == before {
		select {
		case err := <-ended:
			t.Fatalf("the run ended before it was killed: %v: %s", err, stderr.Bytes())
		case <-time.After(time.Millisecond):
		}
	}
	time.Sleep(rand.N(40 * time.Millisecond))
	cmd.Process.Kill()
	if err := <-ended; err == nil {
		t.Fatal("the run ended before it was killed: give it more steps")
	}
}

func newestCheckpoint(t *testing.T, jobDir string) string {
	t.Helper()
	dirs, err := filepath.Glob(filepath.Join(jobDir, "checkpoints", "step-*"))
	if err != nil {
		t.Fatal(err)
	}
	if len(dirs) == 0 {
		return ""
	}
	return dirs[len(dirs)-1]
}

// A run whose disk fills up ends with an error that says so, and goes on from its last checkpoint once there is room.
func TestAFullDiskStopsTheRun(t *testing.T) {
	data := censusData(t)
	want := weightsOf(t, trainCommand(t, data, t.TempDir(), nil))
	saved, stderr := t.TempDir(), &bytes.Buffer{}
	penstock := trainCommand(t, data, "$disk/job", nil)
	script := `disk=$(mktemp -d) && mount -t tmpfs -o size=1200k none "$disk" || exit 77
` + strings.Join(penstock.Args, " ") + `; status=$?; cp -r "$disk/job" ` + saved + `; exit $status`
	cmd := exec.Command("unshare", "--user", "--map-root-user", "--mount", "sh", "-c", script)
	cmd.Stderr = stderr
	err := cmd.Run()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != exitFailed {
		if _, made := os.Stat(filepath.Join(saved, "job")); made != nil {
			t.Skipf("no small disk can be mounted here: %v: %s", err, stderr)
		}
		t.Fatalf("the run ended with %v: %s", err, stderr)
	}
	lines := strings.Split(strings.TrimSpace(stderr.String()), "\n")
	if last := lines[len(lines)-1]; !strings.Contains(last, "no space left on device") || !strings.Contains(last, "/job/") {
		t.Errorf("the error is %q, want one that names the file and the reason", last)
	}
	jobDir := filepath.Join(saved, "job")
	if newestCheckpoint(t, jobDir) == "" {
		t.Fatal("the run left no checkpoint: give it a larger disk")
	}
	if got := weightsOf(t, trainCommand(t, data, jobDir, []string{"--resume"})); got != want {
		t.Errorf("the weights are %s, want %s", got, want)
	}
}
