package transforms

import (
	"context"
	"reflect"

	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"github.com/apache/beam/sdks/v2/go/pkg/beam"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/core/typex"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/core/util/protox"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/core/util/reflectx"
	pipepb "github.com/apache/beam/sdks/v2/go/pkg/beam/model/pipeline_v1"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/register"
	"google.golang.org/protobuf/proto"
)

func init() {
	beam.RegisterDoFn(reflect.TypeFor[AnswerFn]())
	register.Function1x1((&AnswerFn{}).Setup)
	register.Function4x1((&AnswerFn{}).ProcessElement)
	register.Emitter1[[]byte]()
}

// Transforms that a runner has of its own. Beam's package for them would bring in a second client of Pub/Sub.
const (
	readPubSub  = "beam:transform:pubsub_read:v1"
	writePubSub = "beam:transform:pubsub_write:v1"
)

// StreamPredictNative is StreamPredict on a runner that reads and writes Pub/Sub itself: it acknowledges a message once
// it has stored what came of it, and how messages are pulled and batched is its own affair.
func StreamPredictNative(s beam.Scope, stream Stream) {
	s = s.Scope("StreamPredict")
	read := protox.MustEncode(&pipepb.PubSubReadPayload{Subscription: stream.Subscription, WithAttributes: true})
	messages := beam.External(s, readPubSub, read, nil, []beam.FullType{typex.New(reflectx.ByteSlice)}, false)[0]
	predictions, rejected := beam.ParDo2(s, &AnswerFn{Stream: stream}, messages)
	if stream.DeadLetter == "" {
		predictions = beam.Flatten(s, predictions, rejected)
	} else {
		writeTopic(s, stream.DeadLetter, rejected)
	}
	writeTopic(s, stream.Topic, predictions)
}

func writeTopic(s beam.Scope, topic string, messages beam.PCollection) {
	payload := protox.MustEncode(&pipepb.PubSubWritePayload{Topic: topic})
	beam.External(s, writePubSub, payload, []beam.PCollection{messages}, nil, false)
}

// AnswerFn predicts messages one by one, as protocol buffers, and emits predictions and rejected messages likewise.
type AnswerFn struct {
	Stream

	answerer *answerer
}

// Setup reads the model.
func (f *AnswerFn) Setup(ctx context.Context) (err error) {
	f.answerer, err = newAnswerer(ctx, &f.Stream)
	return fail(err)
}

// ProcessElement predicts a message.
func (f *AnswerFn) ProcessElement(ctx context.Context, raw []byte, predicted, rejected func([]byte)) error {
	message := &pubsubpb.PubsubMessage{}
	if err := proto.Unmarshal(raw, message); err != nil {
		return fail(err)
	}
	a, err := f.answerer.answer(ctx, []*pubsubpb.PubsubMessage{message})
	if err != nil {
		return fail(err)
	}
	streamMessages.Inc(ctx, 1)
	streamRejected.Inc(ctx, int64(len(a.rejected)))
	if err := emitAll(a.predictions, predicted); err != nil {
		return fail(err)
	}
	return fail(emitAll(a.rejected, rejected))
}

func emitAll(messages []*pubsubpb.PubsubMessage, emit func([]byte)) error {
	for _, m := range messages {
		data, err := proto.Marshal(m)
		if err != nil {
			return err
		}
		emit(data)
	}
	return nil
}
