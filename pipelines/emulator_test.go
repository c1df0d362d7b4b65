package pipelines

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	pubsub "cloud.google.com/go/pubsub/v2/apiv1"
	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"

	"github.com/penstock-ml/penstock/models/predictor/predictortest"
)

// startEmulator starts the Pub/Sub emulator of the Cloud SDK, with topics "people", "answers" and "rejected" that have
// subscriptions of their names.
func startEmulator(t *testing.T) (*pubsub.TopicAdminClient, *pubsub.SubscriptionAdminClient) {
	t.Helper()
	if os.Getenv("PENSTOCK_TEST_EMULATOR") == "" {
		t.Skip("PENSTOCK_TEST_EMULATOR is not set: make test-emulator sets it where gcloud has the emulator")
	}
	root, err := exec.Command("gcloud", "info", "--format=value(installation.sdk_root)").Output()
	if err != nil {
		t.Skipf("there is no gcloud: %v", err)
	}
	if _, err := os.Stat(strings.TrimSpace(string(root)) + "/platform/pubsub-emulator"); err != nil {
		t.Skip("gcloud has no pubsub-emulator: gcloud components install pubsub-emulator")
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	listener.Close()
	cmd := exec.Command("gcloud", "beta", "emulators", "pubsub", "start", "--host-port="+address, "--project=test", "--data-dir="+t.TempDir(), "--quiet")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // it starts others
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		cmd.Wait()
	})
	t.Setenv("PUBSUB_EMULATOR_HOST", address)
	topics, err := pubsub.NewTopicAdminClient(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	subscriptions, err := pubsub.NewSubscriptionAdminClient(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"people", "answers", "rejected"} {
		createTopic(t, topics, name)
		_, err := subscriptions.CreateSubscription(t.Context(), &pubsubpb.Subscription{
			Name: project + "/subscriptions/" + name, Topic: project + "/topics/" + name, AckDeadlineSeconds: 10, EnableMessageOrdering: name == "people",
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return topics, subscriptions
}

// createTopic tries until the emulator is there.
func createTopic(t *testing.T, topics *pubsub.TopicAdminClient, name string) {
	t.Helper()
	for deadline := time.Now().Add(2 * time.Minute); ; time.Sleep(200 * time.Millisecond) {
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		_, err := topics.CreateTopic(ctx, &pubsubpb.Topic{Name: project + "/topics/" + name})
		cancel()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("the emulator does not answer: %v", err)
		}
	}
}

func TestStreamOnTheEmulator(t *testing.T) {
	topics, subscriptions := startEmulator(t)
	const n = 2000
	want := toyPredictions(t, n)
	var messages []*pubsubpb.PubsubMessage
	for i := range n {
		messages = append(messages, &pubsubpb.PubsubMessage{
			Data: []byte(predictortest.JSON(i)), Attributes: map[string]string{"i": fmt.Sprint(i)}, OrderingKey: fmt.Sprint("key ", i%50),
		})
	}
	messages = append(messages, &pubsubpb.PubsubMessage{Data: []byte("not JSON")})
	for part := messages; len(part) > 0; part = part[min(500, len(part)):] {
		if _, err := topics.Publish(t.Context(), &pubsubpb.PublishRequest{Topic: project + "/topics/people", Messages: part[:min(500, len(part))]}); err != nil {
			t.Fatal(err)
		}
	}
	o := streamOptions(t)
	o.IdleExit = 5 * time.Second
	result, err := StreamPredict(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	if result.Messages < n+1 || result.Rejected < 1 {
		t.Errorf("the result is %+v", result)
	}
	got := map[string]string{}
	for _, m := range pullAll(t, subscriptions, "answers") {
		got[m.Attributes["i"]] = string(m.Data)
	}
	for i := range n {
		if got[fmt.Sprint(i)] != want[i] {
			t.Fatalf("message %d: %q, want %q", i, got[fmt.Sprint(i)], want[i])
		}
	}
	rejected := pullAll(t, subscriptions, "rejected")
	if len(rejected) != 1 || string(rejected[0].Data) != "not JSON" || !strings.Contains(rejected[0].Attributes["penstock_error"], "JSON object") {
		t.Errorf("rejected: %v", rejected)
	}
	if left := pullAll(t, subscriptions, "people"); len(left) > 0 {
		t.Errorf("%d messages were not acknowledged", len(left))
	}
}

// pullAll takes messages until none comes.
func pullAll(t *testing.T, client *pubsub.SubscriptionAdminClient, subscription string) (all []*pubsubpb.PubsubMessage) {
	t.Helper()
	name := project + "/subscriptions/" + subscription
	for {
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		response, err := client.Pull(ctx, &pubsubpb.PullRequest{Subscription: name, MaxMessages: 1000})
		cancel()
		if err != nil || len(response.ReceivedMessages) == 0 {
			return all
		}
		var ids []string
		for _, m := range response.ReceivedMessages {
			all, ids = append(all, m.Message), append(ids, m.AckId)
		}
		if err := client.Acknowledge(t.Context(), &pubsubpb.AcknowledgeRequest{Subscription: name, AckIds: ids}); err != nil {
			t.Fatal(err)
		}
	}
}
