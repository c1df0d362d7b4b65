package pipelines

import (
	"context"
	"errors"
	"fmt"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"

	"github.com/penstock-ml/penstock/transforms"
)

// Runner is where pipelines run. Package runners has them; results never depend on which one it is.
type Runner interface {
	// InProcess says that elements pass by reference within this process and that a prepared pipeline may run again.
	InProcess() bool
	// KeepsWorkers says that workers live on from one pipeline to the next, with the records that they have read.
	KeepsWorkers() bool
	// HasPubSub says that the runner reads and writes Pub/Sub itself.
	HasPubSub() bool
	// Elements is how many elements work is cut into.
	Elements() int
	// MaxRounds caps the training rounds of one graph.
	MaxRounds() int
	// Prepare makes a pipeline ready to run. The run's error may have a method TooLarge() bool, which tells whether a
	// graph of fewer rounds would do.
	Prepare(p *beam.Pipeline) (run func(context.Context) error, err error)
}

// run builds a pipeline and runs it once.
func run(ctx context.Context, r Runner, build func(s beam.Scope)) error {
	execute, err := prepare(r, build)
	if err != nil {
		return err
	}
	return execute(ctx)
}

// prepare builds a pipeline and returns a function that runs it and gives the DoFns' own errors.
func prepare(r Runner, build func(s beam.Scope)) (func(context.Context) error, error) {
	p, err := construct(build)
	if err != nil {
		return nil, err
	}
	execute, err := r.Prepare(p)
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context) error {
		err := transforms.Cause(execute(ctx))
		if err != nil && ctx.Err() != nil {
			return context.Cause(ctx) // however the runner puts it
		}
		return err
	}, nil
}

// construct turns Beam's panics, its way to refuse a graph, into errors.
func construct(build func(s beam.Scope)) (p *beam.Pipeline, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = errors.Join(errors.New("the pipeline's graph was refused"), fmt.Errorf("%v", r))
		}
	}()
	p, s := beam.NewPipelineWithRoot()
	build(s)
	return p, nil
}
