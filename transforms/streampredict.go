package transforms

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"sync"
	"time"

	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"github.com/apache/beam/sdks/v2/go/pkg/beam"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/core/sdf"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/log"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/register"
)

func init() {
	register.DoFn3x2[context.Context, *sdf.LockRTracker, []byte, sdf.ProcessContinuation, error](&StreamPredictFn{})
	beam.RegisterType(reflect.TypeFor[Puller]())
}

// Stream is one streaming prediction: from where to where, and by what.
type Stream struct {
	Model StreamModel
	// Subscription is projects/P/subscriptions/S; Topic, which takes the predictions, and DeadLetter, which takes messages
	// that have none, are projects/P/topics/T. Without a dead-letter topic those go to Topic, too.
	Subscription, Topic, DeadLetter string
	// Emulator is the address of an emulator to use in place of Google's service, or empty.
	Emulator string
	// DataFormat is that of a message, records.CSV or records.JSONL, or empty for that of the training data.
	DataFormat string
	// Pullers are how many pull at a time.
	Pullers int
	// A batch has MaxBatch messages, or fewer where MaxLatency has passed since its first one came.
	MaxBatch   int
	MaxLatency time.Duration
	// IdleExit ends the stream once no message has come for so long; 0 never does.
	IdleExit time.Duration
	// Watch is the name that WatchStream and StopStream know the stream by.
	Watch string
}

// StreamPredict answers messages until it is told to stop. Each puller pulls, scores, publishes, waits until the service
// has what it published, and only then acknowledges, all in one process: a message is lost nowhere, and may be answered
// twice where a worker dies in between.
//
// Beam's own way to acknowledge at the end of a bundle is not used: in Go it runs once per plan.
func StreamPredict(s beam.Scope, stream Stream) {
	s = s.Scope("StreamPredict")
	beam.ParDo0(s, &StreamPredictFn{Stream: stream}, beam.Impulse(s))
}

// Puller is the restriction of one of several that pull from the same subscription, or of all of them: it never ends by
// itself.
type Puller struct {
	First, Last int
	Done        bool
}

// pullerTracker lets a puller go on until the runner wants the bundle back.
type pullerTracker struct {
	puller  Puller
	stopped bool
}

// TryClaim is true while the bundle goes on.
func (t *pullerTracker) TryClaim(any) bool { return !t.stopped }

// GetError is nil: there is nothing to claim wrongly.
func (t *pullerTracker) GetError() error { return nil }

// TrySplit ends the bundle where the runner asks for a checkpoint, and is refused elsewhere.
func (t *pullerTracker) TrySplit(fraction float64) (primary, residual any, err error) {
	if fraction != 0 || t.stopped {
		return t.puller, nil, nil
	}
	t.stopped = true
	rest := t.puller
	t.puller.Done = true
	return t.puller, rest, nil
}

// GetProgress is made up: there is no end.
func (t *pullerTracker) GetProgress() (done, remaining float64) { return 0, 1 }

// IsDone is true once the bundle was given back or the stream ended.
func (t *pullerTracker) IsDone() bool { return t.stopped }

// GetRestriction is the puller.
func (t *pullerTracker) GetRestriction() any { return t.puller }

// IsBounded is false.
func (t *pullerTracker) IsBounded() bool { return t.puller.Done }

// StreamPredictFn is a puller.
type StreamPredictFn struct {
	Stream

	client   *pubSub
	answerer *answerer
}

// CreateInitialRestriction is all pullers.
func (f *StreamPredictFn) CreateInitialRestriction([]byte) Puller { return Puller{Last: f.Pullers - 1} }

// SplitRestriction gives each puller a restriction.
func (f *StreamPredictFn) SplitRestriction(_ []byte, all Puller) (pullers []Puller) {
	for i := all.First; i <= all.Last; i++ {
		pullers = append(pullers, Puller{First: i, Last: i})
	}
	return pullers
}

// RestrictionSize is one a puller.
func (f *StreamPredictFn) RestrictionSize(_ []byte, p Puller) float64 {
	return float64(p.Last - p.First + 1)
}

// CreateTracker makes a tracker of a puller.
func (f *StreamPredictFn) CreateTracker(p Puller) *sdf.LockRTracker {
	return sdf.NewLockRTracker(&pullerTracker{puller: p, stopped: p.Done})
}

// TruncateRestriction ends a puller where the pipeline is drained.
func (f *StreamPredictFn) TruncateRestriction(*sdf.LockRTracker, []byte) Puller {
	return Puller{Done: true}
}

// Setup connects to Pub/Sub and reads the model.
func (f *StreamPredictFn) Setup(ctx context.Context) (err error) {
	if f.client, err = openPubSub(context.WithoutCancel(ctx), f.Subscription, f.Emulator); err != nil {
		return fail(err)
	}
	f.answerer, err = newAnswerer(ctx, &f.Stream)
	return fail(err)
}

// Teardown disconnects.
func (f *StreamPredictFn) Teardown() error {
	f.client.close()
	return nil
}

const (
	// session is how long a bundle is. Between two of them a runner takes its checkpoints.
	session = 10 * time.Second
	// grace is how long a pull that is under way is waited for: to drop it could drop messages until their leases end.
	grace = time.Second
)

// ProcessElement answers messages for some seconds.
func (f *StreamPredictFn) ProcessElement(ctx context.Context, rt *sdf.LockRTracker, _ []byte) (sdf.ProcessContinuation, error) {
	p := &pulling{fn: f, lease: newLease(f.client), arrived: make(chan []*pubsubpb.ReceivedMessage)}
	again, err := p.run(ctx, func() bool { return rt.TryClaim(struct{}{}) })
	if err != nil {
		return sdf.StopProcessing(), fail(err)
	}
	if again {
		return sdf.ResumeProcessingIn(0), nil
	}
	rt.TrySplit(0) // so that the restriction is done
	return sdf.StopProcessing(), nil
}

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

var (
	streamMessages = beam.NewCounter("penstock", "stream_messages")
	streamRejected = beam.NewCounter("penstock", "stream_rejected")
	streamLag      = beam.NewDistribution("penstock", "stream_lag_milliseconds")
)

// report counts a batch, for the runner and for who watches in this process.
func (f *StreamPredictFn) report(ctx context.Context, batch []*pubsubpb.ReceivedMessage, a *answers, began time.Time) {
	oldest := began
	for _, m := range batch {
		if published := m.Message.PublishTime; published != nil && published.AsTime().Before(oldest) {
			oldest = published.AsTime()
		}
	}
	lag := time.Since(oldest)
	streamMessages.Inc(ctx, int64(len(batch)))
	streamRejected.Inc(ctx, int64(len(a.rejected)))
	streamLag.Update(ctx, lag.Milliseconds())
	streams.report(f.Watch, StreamProgress{
		Messages: int64(len(batch)), Rejected: int64(len(a.rejected)), Lag: lag, Full: len(batch) == f.MaxBatch, Version: a.version,
	})
}

// String is for messages about the stream.
func (s *Stream) String() string { return fmt.Sprintf("%s to %s", s.Subscription, s.Topic) }
