package cli

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/penstock-ml/penstock/runners/flinkcluster"
)

// requireFlink skips all but make test-flink: what Java and Maven do takes its time.
func requireFlink(t *testing.T) {
	t.Helper()
	if os.Getenv("PENSTOCK_TEST_FLINK") == "" {
		t.Skip("run by make test-flink")
	}
	if err := flinkcluster.Missing(); err != nil {
		t.Skip(err)
	}
	if _, err := flinkcluster.Assemble(context.Background(), func(string) {}); err != nil {
		t.Skipf("Flink cannot be had here: %v", err)
	}
}

// startFlink starts a cluster of two TaskManagers.
func startFlink(t *testing.T) *flinkcluster.Cluster {
	t.Helper()
	requireFlink(t)
	cluster, err := flinkcluster.Start(context.Background(), flinkcluster.Options{Dir: t.TempDir(), TaskManagers: 2, Slots: 4})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Stop)
	return cluster
}

// A cluster of the command's own makes the same weights, and nothing of it stays.
func TestFlinkForOneCommand(t *testing.T) {
	requireFlink(t)
	data, length := censusData(t), []string{"--train-steps", "10"}
	want := weightsOf(t, trainOn(t, data, length))
	cmd := trainOn(t, data, length, []string{"--distributed", "--worker-count", "2"})
	temp := t.TempDir()
	cmd.Env = append(os.Environ(), "TMPDIR="+temp)
	if got := weightsOf(t, cmd); got != want {
		t.Errorf("the weights are %s, want %s", got, want)
	}
	if left, err := os.ReadDir(temp); err != nil || len(left) > 0 {
		t.Errorf("the command left %v in its temporary directory: %v", left, err)
	}
	commands, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range commands {
		if text, _ := os.ReadFile(path); bytes.Contains(text, []byte(temp)) {
			t.Errorf("a process is left: %q", text)
		}
	}
}

func onFlink(c *flinkcluster.Cluster, parallelism int) []string {
	return []string{"--runner", "flink", "--endpoint", c.Endpoint(), "--parallelism", strconv.Itoa(parallelism)}
}

// trainOn is penstock train on some census records, with the flags of a length, a strategy and a runner.
func trainOn(t *testing.T, data string, flags ...[]string) *exec.Cmd {
	t.Helper()
	args := []string{
		"train", "--config", filepath.Join("..", "testdata", "census.yaml"), "--train-files", data, "--job-dir", t.TempDir(), "--format", "json",
	}
	for _, f := range flags {
		args = append(args, f...)
	}
	return exec.Command("penstock", args...)
}

func TestFlinkMakesTheSameWeights(t *testing.T) {
	cluster, data := startFlink(t), censusData(t)
	for name, run := range map[string][]string{
		"sync":             {"--train-steps", "20"},
		"local":            {"--epochs", "3", "--strategy", "local", "--local-steps", "64"},
		"parameter shards": {"--train-steps", "10", "--parameter-shards", "3"},
		"async":            {"--train-steps", "10", "--strategy", "async", "--staleness", "2"},
	} {
		want := weightsOf(t, trainOn(t, data, run))
		places := map[string][]string{"a separate worker": {"--runner", "prism", "--environment_type", "process"}}
		for _, parallelism := range []int{1, 2, 4} {
			places[fmt.Sprintf("Flink at parallelism %d", parallelism)] = onFlink(cluster, parallelism)
		}
		for place, runner := range places {
			if got := weightsOf(t, trainOn(t, data, run, runner)); got != want {
				t.Errorf("%s on %s: the weights are %s, want %s", name, place, got, want)
			}
		}
	}
}

// A machine that dies in the middle of a run changes nothing but the time, and neither does a worker.
func TestFlinkOutlivesItsMachines(t *testing.T) {
	cluster, data := startFlink(t), censusData(t)
	length := []string{"--train-steps", "25"}
	want := weightsOf(t, trainOn(t, data, length))
	for name, victim := range map[string]func() int{
		"a TaskManager": func() int { return cluster.TaskManager(0) },
		"a worker":      func() int { return childOf(t, cluster.TaskManager(1)) },
	} {
		t.Run(name, func(t *testing.T) {
			cmd := trainOn(t, data, length, onFlink(cluster, 2))
			killed := make(chan error, 1)
			go func() { killed <- killAfterCheckpoint(jobDirOf(cmd), victim) }()
			if got := weightsOf(t, cmd); got != want {
				t.Errorf("the weights are %s, want %s", got, want)
			}
			if err := <-killed; err != nil {
				t.Error(err)
			}
		})
	}
}

func jobDirOf(cmd *exec.Cmd) string {
	for i, arg := range cmd.Args {
		if arg == "--job-dir" {
			return cmd.Args[i+1]
		}
	}
	return ""
}

// killAfterCheckpoint kills a process once a run has its second checkpoint and is on the way to the third.
func killAfterCheckpoint(jobDir string, victim func() int) error {
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
		checkpoints, err := filepath.Glob(filepath.Join(jobDir, "checkpoints", "step-*"))
		if err != nil || time.Now().After(deadline) {
			return fmt.Errorf("there is no checkpoint: %v", err)
		}
		if len(checkpoints) < 2 {
			continue
		}
		time.Sleep(time.Second) // some way into the next job
		if pid := victim(); pid != 0 {
			return syscall.Kill(pid, syscall.SIGKILL)
		}
	}
}

// childOf returns a process that another has started, or 0.
func childOf(t *testing.T, parent int) int {
	t.Helper()
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range stats {
		text, _ := os.ReadFile(path) // the process may be gone
		_, after, _ := strings.Cut(string(text), ") ")
		if fields := strings.Fields(after); len(fields) > 1 && fields[0] != "Z" && fields[1] == strconv.Itoa(parent) {
			pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(path)))
			return pid
		}
	}
	return 0
}

// Predictions on Flink are in files of the same names and contents as those of one process.
func TestFlinkPredictsTheSameFiles(t *testing.T) {
	cluster, data := startFlink(t), censusData(t)
	train := trainOn(t, data, []string{"--train-steps", "20"})
	weightsOf(t, train)
	records := t.TempDir()
	run(t, "generate", "census", "--rows", "1000000", "--seed", "9", "--output", records)
	want, got := t.TempDir(), t.TempDir()
	predict := func(output string, runner ...string) {
		run(t, append([]string{"batch-predict", "--model", jobDirOf(train), "--input-paths", filepath.Join(records, "train.csv"),
			"--output-path", output, "--range-mb", "8"}, runner...)...)
	}
	predict(want)
	predict(got, onFlink(cluster, 4)...)
	files, err := os.ReadDir(want)
	if err != nil {
		t.Fatal(err)
	}
	if other, err := os.ReadDir(got); err != nil || len(other) != len(files) || len(files) < 20 {
		t.Errorf("Flink wrote %d files, one process %d: %v", len(other), len(files), err)
	}
	for _, f := range files {
		a, errA := os.ReadFile(filepath.Join(want, f.Name()))
		b, errB := os.ReadFile(filepath.Join(got, f.Name()))
		if errA != nil || errB != nil || !bytes.Equal(a, b) {
			t.Errorf("%s differs", f.Name())
		}
	}
}

func run(t *testing.T, args ...string) {
	t.Helper()
	if out, err := exec.Command("penstock", args...).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", args[0], err, out)
	}
}
