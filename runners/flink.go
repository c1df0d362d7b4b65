package runners

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"
	jobpb "github.com/apache/beam/sdks/v2/go/pkg/beam/model/jobmanagement_v1"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/options/jobopts"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/util/grpcx"
	"google.golang.org/grpc"
)

// Flink is a cluster behind Beam's job server. A job takes seconds to start, and its network buffers grow with its
// rounds times the parallelism squared: so a job has few rounds. Work is cut into as many elements as run at a time.
func init() {
	add(&Runner{name: "flink", elements: flinkParallelism, maxRounds: 5, check: checkFlink, prepare: prepareFlink})
}

func flinkParallelism() int { return max(1, *jobopts.Parallelism) }

func checkFlink() error {
	if *jobopts.Endpoint == "" {
		return errors.New("--runner flink needs --endpoint, the address of Beam's job server")
	}
	if *jobopts.EnvironmentType == "" {
		*jobopts.EnvironmentType = "process"
	}
	if *jobopts.Parallelism < 0 {
		*jobopts.Parallelism = 1
	}
	return nil
}

func prepareFlink(p *beam.Pipeline) (func(context.Context) error, error) {
	return func(ctx context.Context) error {
		connection, err := dialJobServer(ctx, *jobopts.Endpoint)
		if err != nil {
			return err
		}
		defer connection.Close()
		s, err := newSubmission(ctx, jobpb.NewJobServiceClient(connection), p)
		if err != nil {
			return err
		}
		s.remote = Remote{Runner: "flink", Endpoint: *jobopts.Endpoint}
		return s.run(ctx)
	}, nil
}

func dialJobServer(ctx context.Context, endpoint string) (*grpc.ClientConn, error) {
	connection, err := grpcx.Dial(ctx, endpoint, 10*time.Second)
	if err != nil {
		return nil, fmt.Errorf("no job server answers at %s: %w", endpoint, err)
	}
	return connection, nil
}
