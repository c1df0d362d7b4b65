package runners

import (
	"context"
	"os"
	"path/filepath"
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
		defer removeLoopbackFiles()
		_, err := prism.Execute(ctx, p)
		return err
	}, nil
}

// removeLoopbackFiles deletes the empty files that Beam stages in place of a binary when workers are in this process. It
// makes one for each pipeline and neither closes nor deletes it, so those that are this process's are open in it.
func removeLoopbackFiles() {
	open, _ := filepath.Glob("/proc/self/fd/*") // elsewhere than on Linux they stay
	for _, link := range open {
		if file, err := os.Readlink(link); err == nil && strings.HasPrefix(filepath.Base(file), "beamloopbackworker-") {
			os.Remove(file)
		}
	}
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
