package cli

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// newestJob is the first that jobs list shows.
func newestJob(t *testing.T) jobRecord {
	t.Helper()
	out, err := exec.Command("penstock", "jobs", "list", "--format", "json").Output()
	if err != nil {
		t.Fatal(err)
	}
	var jobs []jobRecord
	if err := json.Unmarshal(out, &jobs); err != nil || len(jobs) == 0 {
		t.Fatalf("%v: %s", err, out)
	}
	return jobs[0]
}

// A job that is cancelled ends as an interrupted one does, and its log ends with it.
func TestCancelledJobs(t *testing.T) {
	t.Setenv("XDG_STATE_HOME", t.TempDir())
	data, jobDir := censusData(t), t.TempDir()
	cmd := trainCommand(t, data, jobDir, []string{"--train-steps", "1000000"})
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	awaitCheckpoint(t, jobDir)
	job := newestJob(t)
	if job.State != jobRunning || job.Dir != jobDir {
		t.Errorf("the job is %s in %s, want it to run in %s", job.State, job.Dir, jobDir)
	}
	logs := exec.Command("penstock", "jobs", "stream-logs", job.ID)
	var streamed bytes.Buffer
	logs.Stdout = &streamed
	if err := logs.Start(); err != nil {
		t.Fatal(err)
	}
	run(t, "jobs", "cancel", job.ID)
	if err := cmd.Wait(); err == nil || !strings.Contains(stderr.String(), "--resume") {
		t.Errorf("the cancelled run ended with %v and said %s", err, stderr.String())
	}
	if err := logs.Wait(); err != nil || !strings.Contains(streamed.String(), "\ncancelled: ") {
		t.Errorf("%v, and the log is %s", err, streamed.String())
	}
	if job = newestJob(t); job.State != jobCancelled || job.Ended == nil {
		t.Errorf("then it is %s", job.State)
	}
}

// A job whose process was killed is lost, whatever its record says.
func TestKilledJobsAreLost(t *testing.T) {
	t.Setenv("XDG_STATE_HOME", t.TempDir())
	data, jobDir := censusData(t), t.TempDir()
	cmd := trainCommand(t, data, jobDir, []string{"--train-steps", "1000000"})
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	awaitCheckpoint(t, jobDir)
	cmd.Process.Signal(os.Kill)
	cmd.Wait()
	if job := newestJob(t); job.State != jobLost {
		t.Errorf("the job is %s", job.State)
	}
}

func awaitCheckpoint(t *testing.T, jobDir string) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); newestCheckpoint(t, jobDir) == ""; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("there is no checkpoint")
		}
	}
}
