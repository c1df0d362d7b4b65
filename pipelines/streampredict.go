package pipelines

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"regexp"
	"sync"
	"time"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"

	"github.com/penstock-ml/penstock/models/records"
	"github.com/penstock-ml/penstock/models/registry"
	"github.com/penstock-ml/penstock/transforms"
)

// StreamPredictOptions say which messages to answer, and by what.
type StreamPredictOptions struct {
	// Export is the model to predict by, or, where it is empty, the default version of Name in Registry at the time.
	Export               string
	Registry, Name       string
	RefreshEvery         time.Duration
	Project              string
	Subscription         string // its name, or projects/P/subscriptions/S
	Topic, DeadLetter    string // their names, or projects/P/topics/T; DeadLetter may be empty
	DataFormat           string // records.CSV, records.JSONL, or empty: JSON objects
	Pullers, MaxBatch    int
	MaxLatency, IdleExit time.Duration
	Runner               Runner
	// Emulator is the address of an emulator of Pub/Sub to use, as PUBSUB_EMULATOR_HOST names one, or empty.
	Emulator string
	// Progress, if not nil, is called now and then while the pullers are in this process, by one goroutine at a time.
	Progress func(StreamPredictResult)
}

// StreamPredictResult is what a stream has done so far.
type StreamPredictResult struct {
	Messages int64         `json:"messages"`
	Rejected int64         `json:"rejected"`
	Lag      time.Duration `json:"-"` // of the newest batch's oldest message, from its publication to its answer
	Backlog  bool          `json:"-"` // the newest batch was full: more are likely to wait
	Version  string        `json:"version,omitempty"`
	Seconds  float64       `json:"seconds"`
}

// StreamPredict answers messages until the context ends, and then those that are at work, or until none has come for
// IdleExit. On runners whose workers are elsewhere the result has no counts: the runner's metrics have.
func StreamPredict(ctx context.Context, o StreamPredictOptions) (*StreamPredictResult, error) {
	stream, err := o.stream()
	if err != nil {
		return nil, err
	}
	result, began := &StreamPredictResult{}, time.Now()
	var mu sync.Mutex
	stop, unwatch := transforms.WatchStream(stream.Watch, func(p transforms.StreamProgress) {
		mu.Lock()
		defer mu.Unlock()
		result.Messages += p.Messages
		result.Rejected += p.Rejected
		result.Lag, result.Backlog, result.Version, result.Seconds = p.Lag, p.Full, p.Version, time.Since(began).Seconds()
		if o.Progress != nil {
			o.Progress(*result)
		}
	})
	defer unwatch()
	running := ctx
	if !o.Runner.KeepsWorkers() { // else workers are told, and the pipeline ends by itself
		stop = func() {}
	} else {
		running = context.WithoutCancel(ctx)
	}
	defer context.AfterFunc(ctx, stop)()
	err = run(running, o.Runner, func(s beam.Scope) { streamGraph(s, o.Runner, stream) })
	result.Seconds = time.Since(began).Seconds()
	return result, err
}

func streamGraph(s beam.Scope, r Runner, stream transforms.Stream) {
	if r.HasPubSub() {
		transforms.StreamPredictNative(s, stream)
	} else {
		transforms.StreamPredict(s, stream)
	}
}

var (
	resourceNames = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9._~+%-]{2,254}$`)
	resourcePaths = regexp.MustCompile(`^projects/[^/]+/(topics|subscriptions)/[^/]+$`)
)

// stream checks the options.
func (o *StreamPredictOptions) stream() (s transforms.Stream, err error) {
	s = transforms.Stream{
		Model:      transforms.StreamModel{Export: o.Export, Registry: o.Registry, Name: o.Name, RefreshEvery: o.RefreshEvery},
		DataFormat: o.DataFormat, Emulator: o.Emulator, Pullers: o.Pullers, MaxBatch: o.MaxBatch, MaxLatency: o.MaxLatency, IdleExit: o.IdleExit, Watch: rand.Text(),
	}
	if s.DataFormat == "" {
		s.DataFormat = records.JSONL
	}
	if s.Pullers < 1 || s.MaxBatch < 1 {
		return s, errors.New("--pullers and --max-batch must be at least 1")
	}
	if o.Export == "" {
		if _, err := registry.ParseRef(o.Name); err != nil {
			return s, fmt.Errorf("--model: %w", err)
		}
	}
	s.Subscription, err = resource("--subscription", o.Project, "subscriptions", o.Subscription)
	if err != nil {
		return s, err
	}
	if s.Topic, err = resource("--topic", o.Project, "topics", o.Topic); err != nil || o.DeadLetter == "" {
		return s, err
	}
	s.DeadLetter, err = resource("--dead-letter-topic", o.Project, "topics", o.DeadLetter)
	return s, err
}

// resource is the whole name of a topic or a subscription.
func resource(flag, project, collection, name string) (string, error) {
	if match := resourcePaths.FindStringSubmatch(name); match != nil && match[1] == collection {
		return name, nil
	}
	if !resourceNames.MatchString(name) {
		return "", fmt.Errorf("%s: %q is no name: use letters, digits and -._~+%% after a letter, or projects/P/%s/NAME", flag, name, collection)
	}
	if project == "" {
		return "", fmt.Errorf("%s is a name alone: give --project, too", flag)
	}
	return "projects/" + project + "/" + collection + "/" + name, nil
}
