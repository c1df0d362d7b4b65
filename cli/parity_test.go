package cli

import (
	"bufio"
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"cloud.google.com/go/pubsub/v2/pstest"

	"github.com/penstock-ml/penstock/models/predictor"
	"github.com/penstock-ml/penstock/pipelines"
	"github.com/penstock-ml/penstock/runners"
	"github.com/penstock-ml/penstock/serve"
)

// A thousand records, with values that are missing and some that training never saw, have the same digits whichever way
// they are predicted.
func TestEveryWayPredictsTheSameDigits(t *testing.T) {
	const n = 1000
	dir := t.TempDir()
	data := filepath.Join(dir, "data")
	penstock(t, "generate", "census", "--rows", "20000", "--seed", "5", "--output", data)
	penstock(t, "train", "--config", "../testdata/census.yaml", "--train-files", data+"/train.csv", "--job-dir", dir+"/job", "--train-steps", "200")
	p, err := predictor.Load(t.Context(), exportOf(t, dir+"/job"))
	if err != nil {
		t.Fatal(err)
	}
	rows := oddRows(t, data+"/eval.csv", n)
	lines := jsonLines(p, rows)
	text := dir + "/rows.csv"
	writeLines(t, text, csvLines(rows))
	objects := dir + "/rows.jsonl"
	writeLines(t, objects, lines)

	want := predictedLines(t, dir, text, "csv")
	if len(want) != n {
		t.Fatalf("batch-predict gave %d predictions", len(want))
	}
	model := []string{"predict", "--model", dir + "/job", "--format", "json"}
	request := dir + "/request.json"
	writeLines(t, request, []string{`{"instances":[` + strings.Join(lines, ",") + `]}`})
	for way, got := range map[string][]string{
		"batch-predict of JSON lines": predictedLines(t, dir, objects, "jsonl"),
		"predict --text-instances":    predictionsIn(t, penstock(t, append(model, "--text-instances", text)...)),
		"predict --json-instances":    predictionsIn(t, penstock(t, append(model, "--json-instances", objects)...)),
		"predict --json-request":      predictionsIn(t, penstock(t, append(model, "--json-request", request)...)),
		"serve, AI Platform":          served(t, exportOf(t, dir+"/job"), lines),
		"serve, Open Inference":       inferred(t, exportOf(t, dir+"/job"), p, rows),
		"stream-predict":              streamed(t, exportOf(t, dir+"/job"), lines),
	} {
		if !slices.Equal(got, want) {
			t.Errorf("%s: %s", way, firstDifference(got, want))
		}
	}
}

// penstock runs a command in this process.
func penstock(t *testing.T, args ...string) string {
	t.Helper()
	var out, errors bytes.Buffer
	if status := newApp(args, nil, &out, &errors).main(t.Context()); status != 0 {
		t.Fatalf("penstock %s: %s", strings.Join(args, " "), &errors)
	}
	return out.String()
}

func exportOf(t *testing.T, job string) string {
	t.Helper()
	found, err := filepath.Glob(job + "/export/*/*")
	if err != nil || len(found) != 1 {
		t.Fatalf("the exports are %v, %v", found, err)
	}
	return found[0]
}

// oddRows are the first n records of a file, in which fields are made missing, unseen or unusual in turn.
func oddRows(t *testing.T, path string, n int) [][]string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(bytes.NewReader(data)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	rows = rows[:n]
	words := []int{1, 3, 5, 6, 7, 8, 9, 13} // columns of words
	for i, row := range rows {
		for f := range row {
			row[f] = strings.TrimSpace(row[f])
		}
		at := words[i%len(words)]
		switch i % 5 {
		case 0:
			row[at] = fmt.Sprintf("unseen \u00e9 %d", i)
		case 1:
			row[6] = "?" // a column that training saw missing
		case 2:
			row[0], row[12] = fmt.Sprintf("%d.5", 17+i%60), "4e1"
		}
	}
	return rows
}

func csvLines(rows [][]string) (lines []string) {
	for _, row := range rows {
		lines = append(lines, strings.Join(row, ", "))
	}
	return lines
}

// jsonLines are the records as objects: numbers where the model reads numbers, and null for what is missing.
func jsonLines(p *predictor.Predictor, rows [][]string) (lines []string) {
	numbers := map[string]bool{}
	for _, input := range p.Inputs() {
		numbers[input.Name] = input.Type == "number"
	}
	for _, row := range rows {
		var members []string
		for i, column := range p.Spec().Data.Columns {
			value, _ := json.Marshal(row[i])
			switch {
			case column == p.Spec().Label.Column:
				continue
			case row[i] == "?":
				value = []byte("null")
			case numbers[column]:
				value = []byte(row[i])
			}
			members = append(members, fmt.Sprintf("%q:%s", column, value))
		}
		lines = append(lines, "{"+strings.Join(members, ",")+"}")
	}
	return lines
}

func writeLines(t *testing.T, path string, lines []string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(strings.Join(lines, "\n")+"\n"), 0o666); err != nil {
		t.Fatal(err)
	}
}

// predictedLines are the results of a batch prediction.
func predictedLines(t *testing.T, dir, input, format string) (lines []string) {
	t.Helper()
	out := dir + "/predicted-" + format
	penstock(t, "batch-predict", "--model", dir+"/job", "--input-paths", input, "--output-path", out, "--data-format", format)
	files, err := filepath.Glob(out + "/prediction.results-*")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for scanner := bufio.NewScanner(bytes.NewReader(data)); scanner.Scan(); {
			lines = append(lines, scanner.Text())
		}
	}
	return lines
}

func predictionsIn(t *testing.T, answer string) (lines []string) {
	t.Helper()
	var parsed struct{ Predictions []json.RawMessage }
	if err := json.Unmarshal([]byte(answer), &parsed); err != nil {
		t.Fatalf("%s: %.200s", err, answer)
	}
	for _, p := range parsed.Predictions {
		lines = append(lines, string(p))
	}
	return lines
}

func startServer(t *testing.T, export string) (url string) {
	t.Helper()
	s, err := serve.New(t.Context(), serve.Options{Export: export})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(s.Handler())
	t.Cleanup(server.Close)
	return server.URL
}

func post(t *testing.T, url, body string) string {
	t.Helper()
	response, err := http.Post(url, "application/json", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		t.Fatalf("%d %s: %v", response.StatusCode, answer, err)
	}
	return string(answer)
}

// served asks for the records one by one, and for some together.
func served(t *testing.T, export string, records []string) (lines []string) {
	t.Helper()
	url := startServer(t, export) + "/v1/models/census:predict"
	for at := 0; at < len(records); {
		n := min(1+at%13, len(records)-at)
		lines = append(lines, predictionsIn(t, post(t, url, `{"instances":[`+strings.Join(records[at:at+n], ",")+`]}`))...)
		at += n
	}
	return lines
}

// inferred asks for tensors of all records and puts the outputs together in the form of the other ways.
func inferred(t *testing.T, export string, p *predictor.Predictor, rows [][]string) (lines []string) {
	t.Helper()
	var inputs []string
	for i, column := range p.Spec().Data.Columns {
		if column == p.Spec().Label.Column {
			continue
		}
		var data []string
		for _, row := range rows {
			value, _ := json.Marshal(row[i])
			data = append(data, string(value))
		}
		inputs = append(inputs, fmt.Sprintf(`{"name":%q,"datatype":"BYTES","shape":[%d],"data":[%s]}`, column, len(rows), strings.Join(data, ",")))
	}
	var answer struct {
		Outputs []struct {
			Name string
			Data []json.RawMessage
		}
	}
	text := post(t, startServer(t, export)+"/v2/models/census/infer", `{"inputs":[`+strings.Join(inputs, ",")+`]}`)
	if err := json.Unmarshal([]byte(text), &answer); err != nil {
		t.Fatal(err)
	}
	for i := range rows {
		var members []string
		for _, out := range answer.Outputs {
			value := string(out.Data[i])
			if out.Name == "probabilities" {
				value = string(out.Data[2*i]) + "," + string(out.Data[2*i+1])
			}
			members = append(members, fmt.Sprintf("%q:[%s]", out.Name, value))
		}
		lines = append(lines, "{"+strings.Join(members, ",")+"}")
	}
	return lines
}

// publish serves a Pub/Sub with the topics people, which has messages of these data, and answers. place is the number of
// a message by its id.
func publish(t *testing.T, records []string) (server *pstest.Server, place map[string]int) {
	t.Helper()
	server = pstest.NewServer()
	t.Cleanup(func() { server.Close() })
	for _, name := range []string{"people", "answers"} {
		if _, err := server.GServer.CreateTopic(t.Context(), &pubsubpb.Topic{Name: "projects/test/topics/" + name}); err != nil {
			t.Fatal(err)
		}
	}
	_, err := server.GServer.CreateSubscription(t.Context(), &pubsubpb.Subscription{
		Name: "projects/test/subscriptions/people", Topic: "projects/test/topics/people", AckDeadlineSeconds: 10,
	})
	if err != nil {
		t.Fatal(err)
	}
	place = map[string]int{}
	for i, record := range records {
		place[server.Publish("projects/test/topics/people", []byte(record), nil)] = i
	}
	return server, place
}

// answersOf are the answers to n messages, by their places; nil before there is one.
func answersOf(server *pstest.Server, place map[string]int, n int) (lines []string) {
	for _, m := range server.Messages() {
		if m.Topic == "projects/test/topics/answers" {
			if lines == nil {
				lines = make([]string, n)
			}
			lines[place[m.Attributes["penstock_message_id"]]] = string(m.Data)
		}
	}
	return lines
}

// streamed are the answers to messages, in the order of those.
func streamed(t *testing.T, export string, records []string) []string {
	t.Helper()
	server, place := publish(t, records)
	prism, err := runners.Get("prism")
	if err != nil {
		t.Fatal(err)
	}
	_, err = pipelines.StreamPredict(context.Background(), pipelines.StreamPredictOptions{
		Export: export, Project: "test", Subscription: "people", Topic: "answers", Emulator: server.Addr,
		Pullers: 2, MaxBatch: 100, MaxLatency: 5 * time.Millisecond, IdleExit: 2 * time.Second, Runner: prism,
	})
	if err != nil {
		t.Fatal(err)
	}
	return answersOf(server, place, len(records))
}

func firstDifference(got, want []string) string {
	for i := range want {
		if i >= len(got) || got[i] != want[i] {
			return fmt.Sprintf("of %d predictions number %d is\n%s, want\n%s", len(got), i, slices.Concat(got, make([]string, len(want)))[i], want[i])
		}
	}
	return fmt.Sprintf("%d predictions, want %d", len(got), len(want))
}
