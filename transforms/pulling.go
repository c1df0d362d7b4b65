package transforms

import (
	"context"
	"errors"
	"sync"
	"time"

	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/log"
)

const (
	// session is how long a bundle is. Between two of them a runner takes its checkpoints.
	session = 10 * time.Second
	// grace is how long a pull that is under way is waited for: to drop it could drop messages until their leases end.
	grace = time.Second
)

// pulling is one session of a puller.
type pulling struct {
	fn      *StreamPredictFn
	lease   *lease
	arrived chan []*pubsubpb.ReceivedMessage
	waiting []*pubsubpb.ReceivedMessage // came, and are not answered yet
}

// run answers messages until the session is over, the runner wants the bundle back, or the stream stops; in the last
// case it returns false.
func (p *pulling) run(ctx context.Context, goesOn func() bool) (again bool, err error) {
	ctx, cancel := context.WithCancel(ctx)
	var helpers sync.WaitGroup
	defer helpers.Wait()
	defer cancel()
	stopPulling := make(chan struct{})
	var pullErr error
	helpers.Go(func() { p.lease.keep(ctx) })
	helpers.Go(func() {
		defer close(p.arrived)
		pullErr = p.pull(ctx, stopPulling)
	})
	over := time.After(session)
	for {
		batch, open := p.batch()
		if err := p.answer(ctx, batch); err != nil {
			return false, err
		}
		if !open {
			return false, pullErr
		}
		stop := streams.stopping(p.fn.Watch, p.fn.IdleExit)
		select {
		case <-over:
		default:
			if !stop && goesOn() {
				continue
			}
		}
		close(stopPulling)
		return !stop, errors.Join(p.drain(ctx), pullErr)
	}
}

// pull sends on what comes until it is told to stop.
func (p *pulling) pull(ctx context.Context, stop <-chan struct{}) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		select {
		case <-ctx.Done():
		case <-stop:
			time.AfterFunc(grace, cancel)
		}
	}()
	for {
		select {
		case <-stop:
			return nil
		default:
		}
		messages, err := p.fn.client.pull(ctx, p.fn.MaxBatch)
		if err != nil && ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return err
		}
		p.lease.hold(messages)
		p.arrived <- messages
	}
}

// batch collects messages until there are enough or the first one has waited long enough. open is false when no more will
// come.
func (p *pulling) batch() (batch []*pubsubpb.ReceivedMessage, open bool) {
	var late <-chan time.Time
	if len(p.waiting) > 0 {
		late = time.After(p.fn.MaxLatency)
	}
	for len(p.waiting) < p.fn.MaxBatch {
		select {
		case messages, open := <-p.arrived:
			if !open {
				return p.take(), false
			}
			if len(messages) == 0 && len(p.waiting) == 0 {
				return nil, true // time to look whether to stop
			}
			if p.waiting = append(p.waiting, messages...); late == nil {
				late = time.After(p.fn.MaxLatency)
			}
		case <-late:
			return p.take(), true
		case <-time.After(time.Second):
			if len(p.waiting) == 0 {
				return nil, true
			}
		}
	}
	return p.take(), true
}

// take is the next batch of what waits.
func (p *pulling) take() []*pubsubpb.ReceivedMessage {
	n := min(len(p.waiting), p.fn.MaxBatch)
	batch := p.waiting[:n:n]
	p.waiting = p.waiting[n:]
	return batch
}

// drain answers what has come already.
func (p *pulling) drain(ctx context.Context) error {
	for messages := range p.arrived {
		p.waiting = append(p.waiting, messages...)
	}
	for len(p.waiting) > 0 {
		if err := p.answer(ctx, p.take()); err != nil {
			return err
		}
	}
	return nil
}

// answer publishes the answers to messages and acknowledges those.
func (p *pulling) answer(ctx context.Context, batch []*pubsubpb.ReceivedMessage) error {
	if len(batch) == 0 {
		return nil
	}
	messages, ids := make([]*pubsubpb.PubsubMessage, len(batch)), make([]string, len(batch))
	for i, m := range batch {
		messages[i], ids[i] = m.Message, m.AckId
	}
	began := time.Now()
	answers, err := p.fn.answerer.answer(ctx, messages)
	if err != nil {
		return err
	}
	if err := p.publish(ctx, answers); err != nil {
		return err
	}
	p.lease.release(ids)
	if err := p.fn.client.acknowledge(ctx, ids); err != nil {
		log.Warnf(ctx, "%v: the messages may come again", err)
	}
	p.fn.report(ctx, batch, answers, began)
	return nil
}

// publish sends answers to their topics.
func (p *pulling) publish(ctx context.Context, a *answers) error {
	if err := p.fn.client.publish(ctx, p.fn.Topic, a.predictions); err != nil {
		return err
	}
	topic := p.fn.DeadLetter
	if topic == "" {
		topic = p.fn.Topic
	}
	return p.fn.client.publish(ctx, topic, a.rejected)
}
