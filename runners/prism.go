package runners

import (
	"context"
	"strings"
	"sync"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"
	jobpb "github.com/apache/beam/sdks/v2/go/pkg/beam/model/jobmanagement_v1"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/options/jobopts"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/runners/prism"
)

// Prism is Beam's portable local runner: elements are encoded and pass through the same protocol as on a cluster. It
// computes a bundle at a time, and each on all cores; two elements make the combiners merge. Its workers are goroutines
// of this process, or, with --environment_type process, a process of their own.
func init() {
	add(&Runner{
		name: "prism", keepsWorkers: func() bool { return !separateWorkers() }, elements: func() int { return 2 }, maxRounds: 100,
		prepare: preparePrism,
	})
}

func separateWorkers() bool { return strings.EqualFold(*jobopts.EnvironmentType, "process") }

func preparePrism(p *beam.Pipeline) (func(context.Context) error, error) {
	if separateWorkers() {
		return prepareSeparatePrism(p)
	}
	return func(ctx context.Context) error {
		_, err := prism.Execute(ctx, p)
		return err
	}, nil
}

// prismServer is this process's, for its life: prism cannot be stopped.
var prismServer = sync.OnceValues(func() (jobpb.JobServiceClient, error) {
	return prism.CreateJobServer(context.Background(), prism.Options{})
})

func prepareSeparatePrism(p *beam.Pipeline) (func(context.Context) error, error) {
	client, err := prismServer()
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context) error {
		s, err := newSubmission(ctx, client, p)
		if err != nil {
			return err
		}
		return s.run(ctx)
	}, nil
}
