package pipelines

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"cloud.google.com/go/pubsub/v2/pstest"
	"github.com/apache/beam/sdks/v2/go/pkg/beam"
	pipepb "github.com/apache/beam/sdks/v2/go/pkg/beam/model/pipeline_v1"
	"google.golang.org/protobuf/proto"

	"github.com/penstock-ml/penstock/models/predictor"
	"github.com/penstock-ml/penstock/models/predictor/predictortest"
	"github.com/penstock-ml/penstock/models/registry"
)

const project = "projects/test"

// startPubSub serves a Pub/Sub with topics "people", "answers" and "rejected", each with a subscription of its name.
func startPubSub(t *testing.T) *pstest.Server {
	t.Helper()
	server := pstest.NewServer()
	t.Cleanup(func() { server.Close() })
	t.Setenv("PUBSUB_EMULATOR_HOST", server.Addr)
	for _, name := range []string{"people", "answers", "rejected"} {
		if _, err := server.GServer.CreateTopic(t.Context(), &pubsubpb.Topic{Name: project + "/topics/" + name}); err != nil {
			t.Fatal(err)
		}
		_, err := server.GServer.CreateSubscription(t.Context(), &pubsubpb.Subscription{
			Name: project + "/subscriptions/" + name, Topic: project + "/topics/" + name, AckDeadlineSeconds: 10, EnableMessageOrdering: true,
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return server
}

func streamOptions(t *testing.T) StreamPredictOptions {
	return StreamPredictOptions{
		Export: exportModel(t).Export, Project: "test", Subscription: "people", Topic: "answers", DeadLetter: "rejected", Emulator: os.Getenv("PUBSUB_EMULATOR_HOST"),
		Pullers: 2, MaxBatch: 50, MaxLatency: 5 * time.Millisecond, IdleExit: 3 * time.Second, Runner: runnerNamed(t, "prism"),
	}
}

// toyPredictions are those of the first n records of predictortest.
func toyPredictions(t *testing.T, n int) []string {
	t.Helper()
	p, err := predictor.New(predictortest.Model(t))
	if err != nil {
		t.Fatal(err)
	}
	return predictortest.Predictions(t, p, 0, n)
}

// published are the messages of a topic of the fake, but for those that were published more than once.
func published(server *pstest.Server, topic string) map[string]*pstest.Message {
	byID := map[string]*pstest.Message{}
	for _, m := range server.Messages() {
		if m.Topic == project+"/topics/"+topic {
			byID[m.Attributes["penstock_message_id"]] = m
		}
	}
	return byID
}

func TestStreamPredict(t *testing.T) {
	server := startPubSub(t)
	const n = 500
	want := toyPredictions(t, n)
	answers, reasons := map[string]string{}, map[string]string{}
	for i := range n {
		key := ""
		if i%100 == 0 { // the fake delivers one message of a key at a time
			key = "a key"
		}
		id := server.PublishOrdered(project+"/topics/people", []byte(predictortest.JSON(i)), map[string]string{"i": fmt.Sprint(i)}, key)
		answers[id] = want[i]
	}
	for data, reason := range map[string]string{`{"aeg":1}`: "unknown field", `not JSON`: "a JSON object is expected", `{"age":"old"}`: "age"} {
		reasons[server.Publish(project+"/topics/people", []byte(data), map[string]string{"data": data})] = reason
	}
	o := streamOptions(t)
	result, err := StreamPredict(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	if o.Runner.KeepsWorkers() && (result.Messages != n+3 || result.Rejected != 3 || result.Version == "") { // workers elsewhere do not tell
		t.Errorf("the result is %+v", result)
	}
	out, dead := published(server, "answers"), published(server, "rejected")
	if len(out) != n || len(dead) != 3 {
		t.Fatalf("%d predictions and %d rejected messages", len(out), len(dead))
	}
	for id, m := range out {
		i := m.Attributes["i"]
		if string(m.Data) != answers[id] || (m.OrderingKey == "a key") != strings.HasSuffix(i, "00") && i != "0" || m.Attributes["penstock_model"] != "toy" || m.Attributes["penstock_publish_time"] == "" {
			t.Errorf("message %s: %s %v %q, want %s", i, m.Data, m.Attributes, m.OrderingKey, answers[id])
		}
	}
	for id, m := range dead {
		if string(m.Data) != m.Attributes["data"] || !strings.Contains(m.Attributes["penstock_error"], reasons[id]) || m.Attributes["penstock_error_type"] == "" {
			t.Errorf("%s: %v", m.Data, m.Attributes)
		}
	}
	for _, m := range server.Messages() {
		if m.Topic == project+"/topics/people" && (m.Acks != 1 || m.Deliveries != 1) {
			t.Errorf("message %s was delivered %d times and acknowledged %d times", m.ID, m.Deliveries, m.Acks)
		}
	}
}

// Answers of one ordering key are published in the order of the messages.
func TestStreamKeepsTheOrderOfKeys(t *testing.T) {
	server := startPubSub(t)
	const n = 24
	for i := range n {
		server.PublishOrdered(project+"/topics/people", []byte(predictortest.JSON(i)), map[string]string{"i": fmt.Sprint(i)}, fmt.Sprint(i%3))
	}
	o := streamOptions(t)
	o.Pullers = 1
	if _, err := StreamPredict(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	last := map[string]int{}
	count := 0
	for _, m := range server.Messages() {
		if m.Topic != project+"/topics/answers" {
			continue
		}
		count++
		var i int
		fmt.Sscan(m.Attributes["i"], &i)
		if before, known := last[m.OrderingKey]; known && i < before {
			t.Errorf("key %s: %d comes after %d", m.OrderingKey, i, before)
		}
		last[m.OrderingKey] = i
	}
	if count != n {
		t.Errorf("%d answers", count)
	}
}

// A new default version is used while the stream runs, and what an interrupt finds at work is finished.
func TestStreamFollowsTheDefault(t *testing.T) {
	server := startPubSub(t)
	r := registry.Open(t.TempDir())
	if _, err := r.Create(t.Context(), registry.Info{Name: "toy"}); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if _, err := r.Deploy(t.Context(), registry.Deployment{Name: "toy", Export: exportModel(t).Export}); err != nil {
			t.Fatal(err)
		}
	}
	o := streamOptions(t)
	if !o.Runner.KeepsWorkers() {
		t.Skip("workers in other processes are not told to stop")
	}
	o.Export, o.Registry, o.Name, o.RefreshEvery, o.IdleExit = "", r.Dir(), "toy", 50*time.Millisecond, 0
	ctx, interrupt := context.WithCancel(t.Context())
	defer interrupt()
	var mu sync.Mutex
	var versions []string
	o.Progress = func(p StreamPredictResult) {
		mu.Lock()
		defer mu.Unlock()
		if !slices.Contains(versions, p.Version) {
			versions = append(versions, p.Version)
		}
	}
	ended := make(chan error, 1)
	var result *StreamPredictResult
	go func() {
		var err error
		result, err = StreamPredict(ctx, o)
		ended <- err
	}()
	sent := 0
	seen := func(n int) bool {
		mu.Lock()
		defer mu.Unlock()
		return len(versions) >= n
	}
	deadline := time.Now().Add(time.Minute)
	for want := 1; want <= 2; want++ {
		for !seen(want) && time.Now().Before(deadline) && len(ended) == 0 {
			server.Publish(project+"/topics/people", []byte(predictortest.JSON(sent)), nil)
			sent++
			time.Sleep(10 * time.Millisecond)
		}
		if _, err := r.SetDefault(t.Context(), registry.Ref{Name: "toy", Version: "v2"}); err != nil {
			t.Fatal(err)
		}
	}
	interrupt()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(versions, []string{"v1", "v2"}) {
		t.Errorf("the versions were %v", versions)
	}
	out := published(server, "answers")
	if int64(len(out)) != result.Messages || len(out) == 0 {
		t.Errorf("%d answers, and the result is %+v", len(out), result)
	}
	for _, m := range server.Messages() {
		if m.Topic == project+"/topics/people" && (m.Acks > 0) != (out[m.ID] != nil) {
			t.Errorf("message %s was acknowledged %d times, and its answer is %v", m.ID, m.Acks, out[m.ID])
		}
	}
}

func TestStreamOptionsAreChecked(t *testing.T) {
	for words, spoil := range map[string]func(o *StreamPredictOptions){
		"--subscription":         func(o *StreamPredictOptions) { o.Subscription = "a/b" },
		"--topic":                func(o *StreamPredictOptions) { o.Topic = "projects/p/subscriptions/s" },
		"--dead-letter-topic":    func(o *StreamPredictOptions) { o.DeadLetter = "no" },
		"give --project":         func(o *StreamPredictOptions) { o.Project = "" },
		"--pullers":              func(o *StreamPredictOptions) { o.Pullers = 0 },
		"is no name for a model": func(o *StreamPredictOptions) { o.Export, o.Registry, o.Name = "", "r", "../x" },
	} {
		o := streamOptions(t)
		spoil(&o)
		if _, err := StreamPredict(t.Context(), o); err == nil || !strings.Contains(err.Error(), words) {
			t.Errorf("%v, want an error with %s", err, words)
		}
	}
}

// withPubSub is a runner that reads and writes Pub/Sub itself, of which nobody asks more than the graph.
type withPubSub struct{ Runner }

func (withPubSub) HasPubSub() bool { return true }

// On Dataflow the service's own transforms read the subscription and write both topics.
func TestStreamOnARunnerWithPubSub(t *testing.T) {
	o := streamOptions(t)
	o.Runner = withPubSub{o.Runner}
	stream, err := o.stream()
	if err != nil {
		t.Fatal(err)
	}
	for deadLetter, want := range map[string][]string{
		stream.DeadLetter: {
			"beam:transform:pubsub_read:v1 projects/test/subscriptions/people",
			"beam:transform:pubsub_write:v1 projects/test/topics/answers", "beam:transform:pubsub_write:v1 projects/test/topics/rejected",
		},
		"": {"beam:transform:pubsub_read:v1 projects/test/subscriptions/people", "beam:transform:pubsub_write:v1 projects/test/topics/answers"},
	} {
		stream.DeadLetter = deadLetter
		p, err := construct(func(s beam.Scope) { streamGraph(s, o.Runner, stream) })
		if err != nil {
			t.Fatal(err)
		}
		edges, _, err := p.Build()
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, e := range edges {
			if e.Payload != nil {
				got = append(got, e.Payload.URN+" "+resourceIn(t, e.Payload.URN, e.Payload.Data))
			}
		}
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Errorf("the transforms are %q, want %q", got, want)
		}
	}
}

func resourceIn(t *testing.T, urn string, payload []byte) string {
	t.Helper()
	var read pipepb.PubSubReadPayload
	var write pipepb.PubSubWritePayload
	if strings.Contains(urn, "read") {
		if err := proto.Unmarshal(payload, &read); err != nil || !read.WithAttributes {
			t.Fatal(err, &read)
		}
		return read.Subscription
	}
	if err := proto.Unmarshal(payload, &write); err != nil {
		t.Fatal(err)
	}
	return write.Topic
}
