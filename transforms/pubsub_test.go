package transforms

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"cloud.google.com/go/pubsub/v2/pstest"
)

const (
	testTopic        = "projects/test/topics/people"
	testSubscription = "projects/test/subscriptions/people"
)

// openFake connects to a fake Pub/Sub with one topic and a subscription to it.
func openFake(t *testing.T) (*pstest.Server, *pubSub) {
	t.Helper()
	server := pstest.NewServer()
	t.Cleanup(func() { server.Close() })
	if _, err := server.GServer.CreateTopic(t.Context(), &pubsubpb.Topic{Name: testTopic}); err != nil {
		t.Fatal(err)
	}
	if _, err := server.GServer.CreateSubscription(t.Context(), &pubsubpb.Subscription{Name: testSubscription, Topic: testTopic, AckDeadlineSeconds: 10}); err != nil {
		t.Fatal(err)
	}
	client, err := openPubSub(context.Background(), testSubscription, server.Addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.close)
	return server, client
}

// Messages that are at work keep their lease; those that are done, or dropped, do not.
func TestLease(t *testing.T) {
	server, client := openFake(t)
	ids := []string{server.Publish(testTopic, []byte("a"), nil), server.Publish(testTopic, []byte("b"), nil)}
	messages, err := client.pull(t.Context(), 10)
	if err != nil || len(messages) != 2 {
		t.Fatalf("%d messages, %v", len(messages), err)
	}
	l := newLease(client)
	l.renewal = 10 * time.Millisecond
	l.hold(messages)
	l.release([]string{messages[0].AckId})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go l.keep(ctx)
	extended := func(id string) int { return len(server.Message(id).Modacks) }
	other := ids[0]
	if messages[0].Message.MessageId == ids[0] {
		other = ids[1]
	}
	for deadline := time.Now().Add(10 * time.Second); extended(other) < 2; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the lease was not extended")
		}
	}
	if n := extended(messages[0].Message.MessageId); n > 0 {
		t.Errorf("a message that was released had its lease extended %d times", n)
	}
	if seconds := server.Message(other).Modacks[0].AckDeadline; seconds != leaseSeconds {
		t.Errorf("the lease is for %d seconds", seconds)
	}
}

// Publishing keeps within the service's limits, and the order.
func TestPublishInParts(t *testing.T) {
	server, client := openFake(t)
	var messages []*pubsubpb.PubsubMessage
	for i := range 2*mostPublished + 1 {
		messages = append(messages, &pubsubpb.PubsubMessage{Data: fmt.Appendf(nil, "%d", i)})
	}
	large := strings.Repeat("x", mostPublishedBytes/2+1)
	for range 3 {
		messages = append(messages, &pubsubpb.PubsubMessage{Data: []byte(large)})
	}
	if err := client.publish(t.Context(), testTopic, messages); err != nil {
		t.Fatal(err)
	}
	got := server.Messages()
	if len(got) != len(messages) {
		t.Fatalf("%d messages were published, want %d", len(got), len(messages))
	}
	if err := client.publish(t.Context(), "projects/test/topics/nothing", messages[:1]); err == nil || !strings.Contains(err.Error(), "publish to projects/test/topics/nothing") {
		t.Errorf("to no topic: %v", err)
	}
}

func TestShortened(t *testing.T) {
	for text, want := range map[string]string{"abc": "abc", "abcdef": "abcde", "abcdé": "abcd", "éééé": "éé"} {
		if got := shortened(text, 5); got != want {
			t.Errorf("%q is cut to %q, want %q", text, got, want)
		}
	}
}
