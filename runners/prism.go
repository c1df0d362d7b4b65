package runners

import (
	"context"
	"os"
	"strings"
	"sync"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"
	jobpb "github.com/apache/beam/sdks/v2/go/pkg/beam/model/jobmanagement_v1"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/options/jobopts"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/runners/prism"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/runners/universal/extworker"
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
	client, err := prismServer()
	if err != nil {
		return nil, err
	}
	if separateWorkers() {
		return func(ctx context.Context) error {
			s, err := newSubmission(ctx, client, p)
			if err != nil {
				return err
			}
			return s.run(ctx)
		}, nil
	}
	return func(ctx context.Context) error { return runLooped(ctx, client, p) }, nil
}

// runLooped runs a pipeline with workers that are goroutines of this process. Beam's own way leaves a temporary file in
// place of the binary that workers need not fetch.
func runLooped(ctx context.Context, client jobpb.JobServiceClient, p *beam.Pipeline) error {
	*jobopts.EnvironmentType = "loopback"
	workers, err := extworker.StartLoopback(ctx, 0)
	if err != nil {
		return err
	}
	defer workers.Stop(context.WithoutCancel(ctx))
	nothing, err := os.CreateTemp("", "penstock-loopback-")
	if err != nil {
		return err
	}
	defer os.Remove(nothing.Name())
	defer nothing.Close()
	s, err := newSubmissionOf(ctx, client, p, nothing.Name(), workers.EnvironmentConfig)
	if err != nil {
		return err
	}
	return s.run(ctx)
}

// prismServer is this process's, for its life: prism cannot be stopped.
var prismServer = sync.OnceValues(func() (jobpb.JobServiceClient, error) {
	return prism.CreateJobServer(context.Background(), prism.Options{})
})
