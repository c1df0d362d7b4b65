package runners

import (
	"context"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/runners/prism"
)

// Prism is Beam's portable local runner: elements are encoded and pass through the same protocol as on a cluster, while
// the workers are goroutines of this process. It computes a bundle at a time, and each on all cores; two elements make
// the combiners merge.
func init() {
	add(&Runner{name: "prism", elements: 2, maxRounds: 100, prepare: preparePrism})
}

func preparePrism(p *beam.Pipeline) (func(context.Context) error, error) {
	return func(ctx context.Context) error {
		_, err := prism.Execute(ctx, p)
		return err
	}, nil
}
