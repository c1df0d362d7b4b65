package cli

import (
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/penstock-ml/penstock/models/predictor"
)

// The command says what it has done; what it cannot do it says in a sentence.
func TestStreamPredictCommand(t *testing.T) {
	dir := t.TempDir()
	data := dir + "/data"
	penstock(t, "generate", "census", "--rows", "2000", "--seed", "5", "--output", data)
	penstock(t, "train", "--config", "../testdata/census.yaml", "--train-files", data+"/train.csv", "--job-dir", dir+"/job", "--train-steps", "20")
	server, _ := publish(t, []string{"not JSON", "{}"})
	stream := func(flags ...string) (string, error) {
		cmd := exec.Command("penstock", append([]string{"stream-predict", "--model", dir + "/job", "--project", "test", "--topic", "answers", "--idle-exit", "1s"}, flags...)...)
		cmd.Env = append(os.Environ(), "PUBSUB_EMULATOR_HOST="+server.Addr)
		output, err := cmd.CombinedOutput()
		return string(output), err
	}
	output, err := stream("--subscription", "people", "--format", "json")
	if err != nil || !strings.Contains(output, `{"messages":2,"rejected":2,`) {
		t.Errorf("%s: %v", output, err)
	}
	for words, flags := range map[string][]string{
		"penstock: --subscription: \"a/b\" is no name":                  {"--subscription", "a/b"},
		"penstock: pull from projects/test/subscriptions/none: ":        {"--subscription", "none"},
		"--runner direct knows no streams: use prism":                   {"--subscription", "people", "--runner", "direct"},
		"penstock: times must be positive":                              {"--subscription", "people", "--max-latency", "-1s"},
		"penstock: --model: there is no model x in " + dir + "/nothing": {"--subscription", "people", "--model", "x", "--registry", dir + "/nothing"},
	} {
		if output, err := stream(flags...); err == nil || !strings.Contains(output, words) {
			t.Errorf("%v: %s, want %s", flags, output, words)
		}
	}
}

// A stream runs on Flink's workers, and a worker that dies in the middle of it loses no message.
func TestFlinkStreams(t *testing.T) {
	cluster := startFlink(t)
	dir := t.TempDir()
	data := dir + "/data"
	penstock(t, "generate", "census", "--rows", "2000", "--seed", "5", "--output", data)
	penstock(t, "train", "--config", "../testdata/census.yaml", "--train-files", data+"/train.csv", "--job-dir", dir+"/job", "--train-steps", "20")
	export := exportOf(t, dir+"/job")
	p, err := predictor.Load(t.Context(), export)
	if err != nil {
		t.Fatal(err)
	}
	lines := jsonLines(p, oddRows(t, data+"/eval.csv", 400))
	server, place := publish(t, lines[:300])
	cmd := exec.Command("penstock", append([]string{
		"stream-predict", "--model", export, "--project", "test", "--subscription", "people", "--topic", "answers",
		"--max-batch", "20", "--idle-exit", "15s",
	}, onFlink(cluster, 2)...)...)
	cmd.Env = append(os.Environ(), "PUBSUB_EMULATOR_HOST="+server.Addr)
	out := make(chan error, 1)
	go func() {
		output, err := cmd.CombinedOutput()
		if err != nil {
			t.Logf("%s", output)
		}
		out <- err
	}()
	for len(answersOf(server, place, 300)) == 0 {
		select {
		case err := <-out:
			t.Fatalf("the stream ended before its first answer: %v", err)
		case <-time.After(50 * time.Millisecond):
		}
	}
	killed := 0
	for i := range 2 {
		if worker := childOf(t, cluster.TaskManager(i)); worker != 0 {
			if err := syscall.Kill(worker, syscall.SIGKILL); err != nil {
				t.Fatal(err)
			}
			killed++
		}
	}
	if killed == 0 {
		t.Fatal("there was no worker to kill")
	}
	for i, line := range lines[300:] {
		place[server.Publish("projects/test/topics/people", []byte(line), nil)] = 300 + i
	}
	if err := <-out; err != nil {
		t.Fatal(err)
	}
	got := answersOf(server, place, len(lines))
	if want := served(t, export, lines); !slices.Equal(got, want) {
		t.Error(firstDifference(got, want))
	}
}
