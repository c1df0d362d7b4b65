package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"path/filepath"
	"strings"
	"testing"
)

// A run that is interrupted prints the command that resumes it, and that command ends with the weights of a run that
// was never interrupted.
func TestInterruptedTrainingResumes(t *testing.T) {
	t.Chdir(t.TempDir())
	mustRun(t, "generate", "census", "--rows", "2000", "--output", "data")
	train := func(job string) []string {
		return []string{"train", "--config", censusSpec, "--train-files", "data/train.csv", "--job-dir", job, "--train-steps", "40",
			"--checkpoint-every", "10", "--max-segment-rounds", "5", "--format", "json"}
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	stderr := &trigger{text: "step 5 of 40", fire: cancel}
	a := newApp(train("stopped"), nil, io.Discard, stderr)
	if status := a.main(ctx); status != exitFailed {
		t.Fatalf("interrupted: status %d, want %d; it wrote %s", status, exitFailed, stderr.written.String())
	}
	_, command, ok := strings.Cut(strings.TrimSpace(stderr.written.String()), "; go on with: "+a.program+" ")
	if !ok || !strings.Contains(stderr.written.String(), "penstock: interrupted after step 5") {
		t.Fatalf("interrupted: it wrote %s", stderr.written.String())
	}
	resumed := weights(t, strings.Fields(command)...)
	if whole := weights(t, train("whole")...); resumed != whole {
		t.Errorf("the resumed run has the weights %s, a whole one %s", resumed, whole)
	}
}

var censusSpec, _ = filepath.Abs("../testdata/census.yaml")

// trigger is a writer that fires once a text has been written to it.
type trigger struct {
	text    string
	fire    func()
	written bytes.Buffer
}

func (w *trigger) Write(p []byte) (int, error) {
	w.written.Write(p)
	if strings.Contains(w.written.String(), w.text) {
		w.fire()
	}
	return len(p), nil
}

func mustRun(t *testing.T, args ...string) []byte {
	t.Helper()
	var stdout, stderr bytes.Buffer
	if status := newApp(args, nil, &stdout, &stderr).main(t.Context()); status != exitDone {
		t.Fatalf("penstock %s: status %d: %s", strings.Join(args, " "), status, stderr.String())
	}
	return stdout.Bytes()
}

func weights(t *testing.T, args ...string) string {
	t.Helper()
	var result struct {
		Steps  int    `json:"steps"`
		SHA256 string `json:"weights_sha256"`
	}
	if err := json.Unmarshal(mustRun(t, args...), &result); err != nil {
		t.Fatal(err)
	}
	if result.Steps != 40 || len(result.SHA256) != 64 {
		t.Fatalf("the run ended as %+v", result)
	}
	return result.SHA256
}
