package runners

import (
	"context"
	"log/slog"
	"sync"
	"time"

	jobpb "github.com/apache/beam/sdks/v2/go/pkg/beam/model/jobmanagement_v1"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/runners/dataflow/dataflowlib"
)

// Remote is a job that a runner elsewhere was given.
type Remote struct {
	Runner  string `json:"runner"`
	ID      string `json:"id"`
	Project string `json:"project,omitempty"`
	Region  string `json:"region,omitempty"`
	// Endpoint is that of the job server, where the runner has one.
	Endpoint string `json:"endpoint,omitempty"`
}

// Staged is the error of a pipeline that was not run, since all that was asked for is to leave it somewhere: where.
type Staged string

func (s Staged) Error() string {
	return "the pipeline is left at " + string(s) + " and was not waited for"
}

var onSubmit struct {
	sync.Mutex
	tell func(Remote)
}

// OnSubmit has a function told of every job that is submitted from here on.
func OnSubmit(tell func(Remote)) {
	onSubmit.Lock()
	defer onSubmit.Unlock()
	onSubmit.tell = tell
}

func submitted(r Remote) {
	onSubmit.Lock()
	defer onSubmit.Unlock()
	if onSubmit.tell != nil {
		onSubmit.tell(r)
	}
}

// Cancel ends a job that a launcher has left behind.
func Cancel(ctx context.Context, r Remote) error {
	if r.Runner == "dataflow" {
		client, err := dataflowlib.NewClient(ctx, r.Endpoint)
		if err != nil {
			return err
		}
		return (&dataflowJob{client: client, remote: r}).requestCancel(ctx)
	}
	connection, err := dialJobServer(ctx, r.Endpoint)
	if err != nil {
		return err
	}
	defer connection.Close()
	return cancelAt(ctx, jobpb.NewJobServiceClient(connection), r.ID)
}

// cancelAt ends a job of a job server.
func cancelAt(ctx context.Context, server jobpb.JobServiceClient, id string) error {
	_, err := server.Cancel(ctx, &jobpb.CancelJobRequest{JobId: id})
	return err
}

// cancelJob does for a job whose launcher ends what it can in some seconds.
func cancelJob(id string, cancel func(context.Context) error) {
	ctx, stop := context.WithTimeout(context.Background(), 10*time.Second)
	defer stop()
	if err := cancel(ctx); err != nil {
		slog.Warn("the job may still run", "job", id, "error", err)
	}
}
