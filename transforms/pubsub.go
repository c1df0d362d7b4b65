package transforms

import (
	"context"
	"fmt"
	"sync"
	"time"

	pubsub "cloud.google.com/go/pubsub/v2/apiv1"
	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"google.golang.org/api/option"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
)

const (
	// A publish request may have so many messages and bytes.
	mostPublished      = 1000
	mostPublishedBytes = 3 << 20
	// mostAcknowledged is how many ids an acknowledgement or an extension may name.
	mostAcknowledged = 2500
	leaseSeconds     = 60
	leaseRenewal     = 4 * time.Second // a subscription's own deadline is 10 s at least
)

// pubSub is a client of one subscription and of the topics that answers go to.
type pubSub struct {
	subscriber   *pubsub.SubscriptionAdminClient
	publisher    *pubsub.TopicAdminClient
	subscription string // projects/P/subscriptions/S
}

// openPubSub connects to Google's service, or to the emulator at an address.
func openPubSub(ctx context.Context, subscription, emulator string) (*pubSub, error) {
	var options []option.ClientOption
	if emulator != "" {
		options = append(options, option.WithEndpoint(emulator), option.WithoutAuthentication(),
			option.WithGRPCDialOption(grpc.WithTransportCredentials(insecure.NewCredentials())))
	}
	subscriber, err := pubsub.NewSubscriptionAdminClient(ctx, options...)
	if err != nil {
		return nil, err
	}
	publisher, err := pubsub.NewTopicAdminClient(ctx, options...)
	if err != nil {
		subscriber.Close()
		return nil, err
	}
	return &pubSub{subscriber, publisher, subscription}, nil
}

func (c *pubSub) close() {
	c.subscriber.Close()
	c.publisher.Close()
}

// pull waits for messages, up to most of them, and returns none where the service says that there are none.
func (c *pubSub) pull(ctx context.Context, most int) ([]*pubsubpb.ReceivedMessage, error) {
	response, err := c.subscriber.Pull(ctx, &pubsubpb.PullRequest{Subscription: c.subscription, MaxMessages: int32(most)})
	if err != nil {
		return nil, fmt.Errorf("pull from %s: %w", c.subscription, err)
	}
	return response.ReceivedMessages, nil
}

// publish sends messages in their order and returns when the service has them.
func (c *pubSub) publish(ctx context.Context, topic string, messages []*pubsubpb.PubsubMessage) error {
	for len(messages) > 0 {
		n, size := 0, 0
		for n < len(messages) && n < mostPublished {
			if size += len(messages[n].Data) + attributesSize(messages[n].Attributes); n > 0 && size > mostPublishedBytes {
				break
			}
			n++
		}
		if _, err := c.publisher.Publish(ctx, &pubsubpb.PublishRequest{Topic: topic, Messages: messages[:n]}); err != nil {
			return fmt.Errorf("publish to %s: %w", topic, err)
		}
		messages = messages[n:]
	}
	return nil
}

func attributesSize(attributes map[string]string) (n int) {
	for key, value := range attributes {
		n += len(key) + len(value)
	}
	return n
}

// acknowledge tells the service that it may forget messages. One that it delivers again all the same is answered again.
func (c *pubSub) acknowledge(ctx context.Context, ids []string) error {
	for ; len(ids) > 0; ids = ids[min(mostAcknowledged, len(ids)):] {
		request := &pubsubpb.AcknowledgeRequest{Subscription: c.subscription, AckIds: ids[:min(mostAcknowledged, len(ids))]}
		if err := c.subscriber.Acknowledge(ctx, request); err != nil {
			return fmt.Errorf("acknowledge to %s: %w", c.subscription, err)
		}
	}
	return nil
}

// lease keeps the service from delivering messages again while they are at work.
type lease struct {
	client  *pubSub
	renewal time.Duration
	mu      sync.Mutex
	ids     map[string]struct{}
}

func newLease(client *pubSub) *lease {
	return &lease{client: client, renewal: leaseRenewal, ids: map[string]struct{}{}}
}

// hold takes messages into the lease.
func (l *lease) hold(messages []*pubsubpb.ReceivedMessage) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, m := range messages {
		l.ids[m.AckId] = struct{}{}
	}
}

// release lets messages go.
func (l *lease) release(ids []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, id := range ids {
		delete(l.ids, id)
	}
}

// keep extends the lease until the context ends. An extension that fails costs a second delivery, no more.
func (l *lease) keep(ctx context.Context) {
	ticker := time.NewTicker(l.renewal)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			l.extend(ctx, l.held(), leaseSeconds)
		}
	}
}

func (l *lease) held() (ids []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for id := range l.ids {
		ids = append(ids, id)
	}
	return ids
}

// extend sets how long messages are leased from now on.
func (l *lease) extend(ctx context.Context, ids []string, seconds int32) {
	for ; len(ids) > 0; ids = ids[min(mostAcknowledged, len(ids)):] {
		l.client.subscriber.ModifyAckDeadline(ctx, &pubsubpb.ModifyAckDeadlineRequest{
			Subscription: l.client.subscription, AckIds: ids[:min(mostAcknowledged, len(ids))], AckDeadlineSeconds: seconds,
		})
	}
}
