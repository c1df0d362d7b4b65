package runners

import (
	"context"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/core/graph"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/core/metrics"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/core/runtime/exec"
	//lint:ignore SA1019 it is deprecated in favour of prism, which costs 30 to 100 times more a round
	"github.com/apache/beam/sdks/v2/go/pkg/beam/runners/direct"
)

// The direct runner is one goroutine that passes elements by reference: the cheapest round there is. A single element
// holds all the work of a round, which its DoFn spreads over the cores.
func init() {
	add(&Runner{name: "direct", inProcess: true, keepsWorkers: func() bool { return true }, elements: func() int { return 1 }, maxRounds: 100, prepare: prepareDirect})
}

// prepareDirect builds the graph once and compiles it for each run. beam.Run would also format the whole of it for a
// log each time, which costs more than a round does.
func prepareDirect(p *beam.Pipeline) (func(context.Context) error, error) {
	edges, _, err := p.Build()
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context) error { return runDirect(ctx, edges) }, nil
}

func runDirect(ctx context.Context, edges []*graph.MultiEdge) error {
	plan, err := direct.Compile(edges)
	if err != nil {
		return err
	}
	ctx = metrics.SetBundleID(ctx, "direct")
	if err := plan.Execute(ctx, "", exec.DataContext{}); err != nil {
		_ = plan.Down(ctx) // the failure is what the caller needs to see
		return err
	}
	if err := plan.Down(ctx); err != nil {
		return err
	}
	// The direct runner returns nil from a cancelled run whose DoFns did not look at the context.
	return ctx.Err()
}
