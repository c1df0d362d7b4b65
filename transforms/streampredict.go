package transforms

import (
	"context"
	"fmt"
	"reflect"
	"time"

	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"github.com/apache/beam/sdks/v2/go/pkg/beam"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/core/sdf"
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
