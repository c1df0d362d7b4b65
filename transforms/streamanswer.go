package transforms

import (
	"context"
	"encoding/json"
	"maps"
	"sync"
	"time"

	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/log"

	"github.com/penstock-ml/penstock/models/predictor"
	"github.com/penstock-ml/penstock/models/records"
	"github.com/penstock-ml/penstock/models/registry"
	"github.com/penstock-ml/penstock/storage"
)

// StreamModel tells a worker which model a stream uses: an export, or the default version of a model in a registry, which
// may change while the stream runs.
type StreamModel struct {
	Export         string
	Registry, Name string
	RefreshEvery   time.Duration // between looks at the registry
}

// Attributes of an answer, beside those of the message.
const (
	attributeModel   = "penstock_model"
	attributeVersion = "penstock_model_version"
	attributeID      = "penstock_message_id" // of the message that is answered
	attributeTime    = "penstock_publish_time"
	attributeError   = "penstock_error" // why there is no prediction
	attributeType    = "penstock_error_type"
	// Pub/Sub's limits, of a message's attributes and of one's value in bytes.
	mostAttributes    = 100
	mostAttributeSize = 1024
)

// answerer scores messages. Its pullers share it.
type answerer struct {
	stream   *Stream
	follower *registry.Follower // nil: the model stays

	mu      sync.Mutex
	current *answering
}

// answering is a version of the model that is in use.
type answering struct {
	predictor     *predictor.Predictor
	name, version string
	pool          *predictor.Pool
}

// answers are what becomes of a batch of messages.
type answers struct {
	predictions, rejected []*pubsubpb.PubsubMessage
	version               string
}

func newAnswerer(ctx context.Context, s *Stream) (*answerer, error) {
	a := &answerer{stream: s}
	if s.Model.Registry != "" {
		a.follower = registry.Open(s.Model.Registry).Follow(s.Model.Name, s.Model.RefreshEvery)
		_, err := a.model(ctx)
		return a, err
	}
	p, err := ModelRef{Export: s.Model.Export}.Predictor(ctx)
	if err != nil {
		return nil, err
	}
	a.current, err = s.answering(p, p.Spec().Name, storage.Base(s.Model.Export))
	return a, err
}

func (s *Stream) answering(p *predictor.Predictor, name, version string) (*answering, error) {
	_, err := p.Format(s.DataFormat)
	return &answering{predictor: p, name: name, version: version, pool: predictor.NewPool(p, s.MaxBatch)}, err
}

// model is the version to use for the next batch. One that cannot be loaded leaves the one before in use.
func (a *answerer) model(ctx context.Context) (*answering, error) {
	if a.follower == nil {
		return a.current, nil
	}
	v, p, err := a.follower.Current(ctx)
	if err != nil && p != nil {
		log.Errorf(ctx, "a new version of %s cannot be used yet: %v", a.stream.Model.Name, err)
	} else if err != nil {
		return nil, err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.current != nil && a.current.predictor == p {
		return a.current, nil
	}
	next, err := a.stream.answering(p, v.Name, v.Version)
	if err != nil {
		return nil, err
	}
	log.Infof(ctx, "predicting by %s", v.Ref())
	a.current = next
	return next, nil
}

// answer predicts messages, in order. An error is of the model.
func (a *answerer) answer(ctx context.Context, messages []*pubsubpb.PubsubMessage) (*answers, error) {
	m, err := a.model(ctx)
	if err != nil {
		return nil, err
	}
	scorer, err := m.pool.Get()
	if err != nil {
		return nil, err
	}
	defer m.pool.Put(scorer)
	read, err := m.predictor.Reader(a.stream.DataFormat)
	if err != nil {
		return nil, err
	}
	for _, message := range messages {
		if fields, err := read(message.Data); err != nil {
			scorer.Reject(err)
		} else {
			scorer.Add(fields)
		}
	}
	results, err := scorer.Score()
	if err != nil {
		return nil, err
	}
	out := &answers{version: m.version}
	for i := range results {
		m.add(out, messages[i], &results[i])
	}
	return out, nil
}

// add puts the answer to a message where it belongs.
func (m *answering) add(out *answers, message *pubsubpb.PubsubMessage, r *predictor.Result) {
	reason := r.Err
	if reason == nil && len(message.Attributes)+4 > mostAttributes {
		reason = &records.RecordError{Type: "too many attributes", Reason: "the message has more attributes than an answer can repeat"}
	}
	if reason != nil {
		out.rejected = append(out.rejected, m.reject(message, reason))
		return
	}
	answer := m.stamp(message)
	answer.Data = m.predictor.AppendJSON(nil, r.Outputs, r.Key)
	out.predictions = append(out.predictions, answer)
}

// stamp makes an answer that repeats the message's attributes and ordering key, and tells what it answers and by what.
func (m *answering) stamp(message *pubsubpb.PubsubMessage) *pubsubpb.PubsubMessage {
	attributes := make(map[string]string, len(message.Attributes)+6)
	if len(message.Attributes)+6 <= mostAttributes {
		maps.Copy(attributes, message.Attributes)
	}
	attributes[attributeModel], attributes[attributeVersion] = m.name, m.version
	attributes[attributeID] = message.MessageId
	if t := message.PublishTime; t != nil {
		attributes[attributeTime] = t.AsTime().Format(time.RFC3339Nano)
	}
	return &pubsubpb.PubsubMessage{Attributes: attributes, OrderingKey: message.OrderingKey}
}

// reject makes a message about one that has no prediction: its data as they came, with the reason.
func (m *answering) reject(message *pubsubpb.PubsubMessage, reason error) *pubsubpb.PubsubMessage {
	answer := m.stamp(message)
	answer.Data = message.Data
	answer.Attributes[attributeType] = ErrorType(reason)
	answer.Attributes[attributeError] = shortened(reason.Error(), mostAttributeSize)
	if len(answer.Data) == 0 { // a message needs data or attributes; this keeps consumers that parse data from failing
		answer.Data, _ = json.Marshal(reason.Error())
	}
	return answer
}

// shortened cuts a text to so many bytes, between characters.
func shortened(text string, most int) string {
	for len(text) > most {
		cut := most
		for cut > 0 && text[cut]&0xC0 == 0x80 {
			cut--
		}
		text = text[:cut]
	}
	return text
}
