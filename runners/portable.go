package runners

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/artifact"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/core/runtime/graphx"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/core/util/protox"
	jobpb "github.com/apache/beam/sdks/v2/go/pkg/beam/model/jobmanagement_v1"
	pipepb "github.com/apache/beam/sdks/v2/go/pkg/beam/model/pipeline_v1"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/options/jobopts"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/runners/universal/runnerlib"
)

// submission is a pipeline on its way to a job service, Beam's portable way to run one. Beam's own client of it leaves a
// job running when its context ends.
type submission struct {
	client   jobpb.JobServiceClient
	pipeline *pipepb.Pipeline
	worker   string // the binary that workers run
	options  runnerlib.JobOptions
	remote   Remote // all but its id; empty where the job ends with this process
}

// newSubmission translates a pipeline for workers that are processes of their own.
func newSubmission(ctx context.Context, client jobpb.JobServiceClient, p *beam.Pipeline) (*submission, error) {
	worker, err := workerBinary()
	if err != nil {
		return nil, err
	}
	s, err := newSubmissionOf(ctx, client, p, worker, environmentConfig)
	if err == nil {
		markWorker(s.pipeline)
	}
	return s, err
}

// newSubmissionOf translates a pipeline for workers that run a binary in an environment.
func newSubmissionOf(ctx context.Context, client jobpb.JobServiceClient, p *beam.Pipeline, worker string, config func(context.Context) string) (*submission, error) {
	pipeline, err := translate(ctx, p, config)
	if err != nil {
		return nil, err
	}
	if err := runnerlib.UpdateGoEnvironmentWorker(worker, pipeline); err != nil {
		return nil, fmt.Errorf("--worker_binary: %w", err)
	}
	options := runnerlib.JobOptions{
		Name: jobopts.GetJobName(), Experiments: jobopts.GetExperiments(), Worker: worker,
		RetainDocker: *jobopts.RetainDockerContainers, Parallelism: *jobopts.Parallelism,
	}
	return &submission{client: client, pipeline: pipeline, worker: worker, options: options}, nil
}

func translate(ctx context.Context, p *beam.Pipeline, config func(context.Context) string) (*pipepb.Pipeline, error) {
	edges, _, err := p.Build()
	if err != nil {
		return nil, err
	}
	environment, err := graphx.CreateEnvironment(ctx, jobopts.GetEnvironmentUrn(ctx), config)
	if err != nil {
		return nil, err
	}
	return graphx.Marshal(edges, &graphx.Options{Environment: environment, PipelineResourceHints: jobopts.GetPipelineResourceHints()})
}

// workerBinary is --worker_binary, else this program: it has all that a pipeline of its own needs.
func workerBinary() (string, error) {
	if *jobopts.WorkerBinary != "" {
		return *jobopts.WorkerBinary, nil
	}
	return os.Executable()
}

// environmentConfig is --environment_config. A process is by default this program, which has to be at the same path on
// every machine and fetches the staged binary where it is another.
func environmentConfig(ctx context.Context) string {
	if *jobopts.EnvironmentConfig != "" || jobopts.GetEnvironmentUrn(ctx) != graphx.URNEnvProcess {
		return jobopts.GetEnvironmentConfig(ctx)
	}
	self, err := os.Executable()
	if err != nil {
		return "" // which is refused as no configuration
	}
	config, _ := json.Marshal(map[string]string{"command": self}) // strings can be encoded
	return string(config)
}

// markWorker has the job server keep the worker's binary under a plain name: under a path it would not find it when it
// cleans up. The binary's hash, which job servers may drop, becomes an option.
func markWorker(p *pipepb.Pipeline) {
	role := protox.MustEncode(&pipepb.ArtifactStagingToRolePayload{StagedName: "worker"})
	for _, environment := range p.GetComponents().GetEnvironments() {
		for _, d := range environment.GetDependencies() {
			_, hash := artifact.MustExtractFilePayload(d)
			beam.PipelineOptions.Set(workerHash, hash)
			d.RoleUrn, d.RolePayload = artifact.URNStagingTo, role
		}
	}
}

// run submits the job and waits for its end; a context that ends cancels it.
func (s *submission) run(ctx context.Context) error {
	id, err := s.submit(ctx)
	if err != nil {
		return err
	}
	if s.remote.Runner != "" {
		s.remote.ID = id
		submitted(s.remote)
	}
	err = s.wait(ctx, id)
	if ctx.Err() != nil {
		cancelJob(id, func(ctx context.Context) error { return cancelAt(ctx, s.client, id) })
		return ctx.Err()
	}
	return err
}

func (s *submission) submit(ctx context.Context) (id string, err error) {
	prepared, artifacts, token, err := runnerlib.Prepare(ctx, s.client, s.pipeline, &s.options)
	if err != nil {
		return "", err
	}
	retrieval, err := runnerlib.Stage(ctx, prepared, artifacts, s.worker, token)
	if err != nil {
		return "", err
	}
	return runnerlib.Submit(ctx, s.client, prepared, retrieval)
}

// wait follows the job's messages. Its error has the text of all that the runner calls errors, since the last of them
// is rarely the cause.
func (s *submission) wait(ctx context.Context, id string) error {
	stream, err := s.client.GetMessageStream(ctx, &jobpb.JobMessagesRequest{JobId: id})
	if err != nil {
		return fmt.Errorf("follow job %s: %w", id, err)
	}
	var failures []error
	state := jobpb.JobState_UNSPECIFIED
	for {
		message, err := stream.Recv()
		if errors.Is(err, io.EOF) || err != nil && ended(state) {
			return outcome(id, state, failures)
		}
		if err != nil {
			return fmt.Errorf("follow job %s: %w", id, err)
		}
		if change := message.GetStateResponse(); change != nil {
			state = change.GetState()
		}
		if said := message.GetMessageResponse(); said != nil {
			failures = append(failures, failure(said)...)
		}
	}
}

func failure(m *jobpb.JobMessage) []error {
	if m.GetImportance() >= jobpb.JobMessage_JOB_MESSAGE_ERROR {
		return []error{errors.New(m.GetMessageText())}
	}
	slog.Debug(m.GetMessageText())
	return nil
}

func ended(state jobpb.JobState_Enum) bool {
	switch state {
	case jobpb.JobState_DONE, jobpb.JobState_FAILED, jobpb.JobState_CANCELLED:
		return true
	}
	return false
}

func outcome(id string, state jobpb.JobState_Enum, failures []error) error {
	switch state {
	case jobpb.JobState_DONE:
		return nil
	case jobpb.JobState_CANCELLED:
		return fmt.Errorf("job %s was cancelled", id)
	}
	err := fmt.Errorf("job %s ended as %s: %w", id, state, errors.Join(failures...))
	if strings.Contains(err.Error(), "Insufficient number of network buffers") { // as Flink puts it
		return tooLarge{err}
	}
	return err
}

// tooLarge is the failure of a job that has too many stages at once for its cluster.
type tooLarge struct{ error }

func (e tooLarge) Unwrap() error { return e.error }
func (tooLarge) TooLarge() bool  { return true }

func fileHash(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}
