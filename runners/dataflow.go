package runners

import (
	"cmp"
	"context"
	"debug/elf"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"regexp"
	"strings"
	"sync/atomic"
	"time"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/options/gcpopts"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/options/jobopts"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/runners/dataflow"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/runners/dataflow/dataflowlib"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/util/gcsx"
	df "google.golang.org/api/dataflow/v1b3"
	gcs "google.golang.org/api/storage/v1"

	"github.com/penstock-ml/penstock/storage"
)

// Dataflow is Google's: the launcher stages the graph and its own binary on Cloud Storage, submits the job and follows
// it. A job takes minutes to start, so a training run is one job as long as its graph is not too large.
func init() {
	add(&Runner{
		name: "dataflow", cloud: true, pubSub: true, elements: dataflowElements, maxRounds: 500, check: checkDataflow, prepare: prepareDataflow,
	})
}

// dataflowOption is the value of a flag that Beam's runner defines for itself.
func dataflowOption(name string) string { return flag.Lookup(name).Value.String() }

// dataflowElements is one for each worker that the job may have.
func dataflowElements() int {
	most := 1
	for _, name := range []string{"num_workers", "max_num_workers"} {
		var n int
		if _, err := fmt.Sscan(dataflowOption(name), &n); err == nil {
			most = max(most, n)
		}
	}
	return most
}

// What Google Cloud allows in names.
var (
	legalProject = regexp.MustCompile(`^([a-z0-9.-]+:)?[a-z][a-z0-9-]{4,28}[a-z0-9]$`)
	legalRegion  = regexp.MustCompile(`^[a-z]+-[a-z]+[0-9]+$`)
	legalJobName = regexp.MustCompile(`^[a-z]([-a-z0-9]{0,38}[a-z0-9])?$`)
	legalLabel   = regexp.MustCompile(`^[a-z][-_a-z0-9]{0,62}$`)
	legalValue   = regexp.MustCompile(`^[-_a-z0-9]{0,63}$`)
)

// checkDataflow finds what would fail only minutes after the job was submitted.
func checkDataflow() error {
	region := *gcpopts.Region
	if region == "" {
		region = os.Getenv("CLOUDSDK_COMPUTE_REGION")
	}
	switch {
	case *gcpopts.Project == "":
		return errors.New("--runner dataflow needs --project")
	case !legalProject.MatchString(*gcpopts.Project):
		return fmt.Errorf("--project %q is no project's id: those have 6 to 30 lower-case letters, digits and hyphens", *gcpopts.Project)
	case region == "":
		return errors.New("--runner dataflow needs --region, such as europe-west1")
	case !legalRegion.MatchString(region):
		return fmt.Errorf("--region %q is no region: those are like europe-west1 (a zone has a letter more)", region)
	case *jobopts.JobName != "" && !legalJobName.MatchString(*jobopts.JobName):
		return fmt.Errorf("--job_name %q is not legal: use lower-case letters, digits and hyphens, 40 at most, a letter first", *jobopts.JobName)
	}
	*gcpopts.Region = region
	for _, name := range []string{"staging_location", "temp_location", "template_location"} {
		if err := checkLocation(name, dataflowOption(name)); err != nil {
			return err
		}
	}
	return cmp.Or(checkLabels(dataflowOption("labels")), checkWorker())
}

func checkLocation(flag, value string) error {
	if value == "" && flag != "staging_location" {
		return nil
	}
	bucket, _, err := gcsx.ParseObject(value)
	if err != nil || bucket == "" {
		return fmt.Errorf("--%s %q is no place on Cloud Storage: give gs://BUCKET/PATH", flag, value)
	}
	return nil
}

func checkLabels(text string) error {
	if text == "" {
		return nil
	}
	var labels map[string]string
	if err := json.Unmarshal([]byte(text), &labels); err != nil {
		return fmt.Errorf(`--labels is no JSON object of strings (%w): give {"team":"risk"}`, err)
	}
	for key, value := range labels {
		if !legalLabel.MatchString(key) || !legalValue.MatchString(value) {
			return fmt.Errorf("the label %q with %q is not legal: use lower-case letters, digits, hyphens and underscores, 63 at most, a letter first in the key", key, value)
		}
	}
	return nil
}

// checkWorker holds the binary that will be staged to what Dataflow's machines run.
func checkWorker() error {
	path, err := workerBinary()
	if err != nil {
		return err
	}
	want, name := elf.EM_X86_64, "amd64"
	if machine := dataflowOption("worker_machine_type") + dataflowOption("machine_type"); strings.HasPrefix(machine, "t2a") || strings.HasPrefix(machine, "c4a") {
		want, name = elf.EM_AARCH64, "arm64"
	}
	file, err := elf.Open(path)
	if err == nil {
		defer file.Close()
	}
	if err != nil || file.Machine != want {
		return fmt.Errorf("%s does not run on Dataflow's workers: build it with GOOS=linux GOARCH=%s CGO_ENABLED=0 and give it with --worker_binary", path, name)
	}
	*jobopts.WorkerBinary = path
	return nil
}

func prepareDataflow(p *beam.Pipeline) (func(context.Context) error, error) {
	return func(ctx context.Context) error { return runDataflow(ctx, p) }, nil
}

var dataflowJobs atomic.Int64

// runDataflow stages the job in a directory of its own, which is deleted when the job is over.
func runDataflow(ctx context.Context, p *beam.Pipeline) error {
	if err := checkBucket(ctx); err != nil {
		return err
	}
	name, async := dataflowName(*jobopts.JobName), *jobopts.Async
	staging := storage.Join(dataflowOption("staging_location"), name)
	restore, err := setOptions(map[string]string{"job_name": name, "async": "true", "staging_location": staging})
	if err != nil {
		return err
	}
	defer restore()
	result, err := dataflow.Execute(ctx, p)
	if err != nil {
		return fmt.Errorf("submit a job to Dataflow: %w", err)
	}
	if template := dataflowOption("template_location"); template != "" {
		return Staged(template)
	}
	job, err := newDataflowJob(ctx, result.JobID())
	if err != nil {
		return err
	}
	submitted(job.remote)
	if async {
		return Staged("job " + job.remote.ID)
	}
	err = job.wait(ctx)
	if cleaned := storage.DeleteDir(context.WithoutCancel(ctx), staging); cleaned != nil {
		slog.Warn("what was staged for the job is left", "job", name, "error", cleaned)
	}
	return err
}

// setOptions sets some of Beam's flags until they are restored.
func setOptions(values map[string]string) (restore func(), err error) {
	before := map[string]string{}
	restore = func() {
		for name, value := range before {
			_ = flag.Set(name, value) // which it had
		}
	}
	for name, value := range values {
		before[name] = flag.Lookup(name).Value.String()
		if err := flag.Set(name, value); err != nil {
			restore()
			return nil, err
		}
	}
	return restore, nil
}

// dataflowName is a name that no other job of the project has: a run has several.
func dataflowName(name string) string {
	if name == "" {
		name = "penstock"
	}
	return fmt.Sprintf("%s-%s-%d", name, strings.ToLower(time.Now().UTC().Format("0102-150405")), dataflowJobs.Add(1))
}

// checkBucket finds out that nothing can be staged before a binary is uploaded.
func checkBucket(ctx context.Context) error {
	location := dataflowOption("staging_location")
	bucket, _, err := gcsx.ParseObject(location)
	if err != nil {
		return err
	}
	client, err := gcsx.NewClient(ctx, gcs.DevstorageReadWriteScope)
	if err != nil {
		return fmt.Errorf("reach Cloud Storage: %w", err)
	}
	defer client.Close()
	if exists, err := gcsx.BucketExists(ctx, client, bucket); err != nil || !exists {
		return errors.Join(fmt.Errorf("the bucket of --staging_location %s cannot be reached: it does not exist, or these credentials may not read it", location), err)
	}
	return nil
}

// dataflowJob is a job that was submitted.
type dataflowJob struct {
	client *df.Service
	remote Remote
}

func newDataflowJob(ctx context.Context, id string) (*dataflowJob, error) {
	client, err := dataflowlib.NewClient(ctx, dataflowOption("dataflow_endpoint"))
	remote := Remote{Runner: "dataflow", ID: id, Project: *gcpopts.Project, Region: *gcpopts.Region, Endpoint: dataflowOption("dataflow_endpoint")}
	return &dataflowJob{client: client, remote: remote}, err
}

func (j *dataflowJob) jobs() *df.ProjectsLocationsJobsService {
	return j.client.Projects.Locations.Jobs
}

// A job is asked how it is after a while that grows from the first of these to the second.
const firstPoll, lastPoll = 200 * time.Millisecond, 10 * time.Second

// wait follows the job to its end; a context that ends cancels it.
func (j *dataflowJob) wait(ctx context.Context) error {
	for poll := firstPoll; ; poll = min(2*poll, lastPoll) {
		job, err := j.jobs().Get(j.remote.Project, j.remote.Region, j.remote.ID).Context(ctx).Do()
		if err != nil && ctx.Err() == nil {
			return fmt.Errorf("ask Dataflow for job %s: %w", j.remote.ID, err)
		}
		if err == nil {
			if over, err := j.outcome(ctx, job.CurrentState); over {
				return err
			}
		}
		select {
		case <-ctx.Done():
			cancelJob(j.remote.ID, j.requestCancel)
			return ctx.Err()
		case <-time.After(poll):
		}
	}
}

func (j *dataflowJob) outcome(ctx context.Context, state string) (over bool, err error) {
	switch state {
	case "JOB_STATE_DONE":
		return true, nil
	case "JOB_STATE_FAILED", "JOB_STATE_CANCELLED", "JOB_STATE_DRAINED", "JOB_STATE_UPDATED":
		return true, errors.Join(fmt.Errorf("job %s ended as %s", j.remote.ID, strings.ToLower(strings.TrimPrefix(state, "JOB_STATE_"))), j.failure(ctx))
	}
	return false, nil
}

// failure is what Dataflow calls errors of the job, as far as it can be had.
func (j *dataflowJob) failure(ctx context.Context) (failures error) {
	list, err := j.jobs().Messages.List(j.remote.Project, j.remote.Region, j.remote.ID).MinimumImportance("JOB_MESSAGE_ERROR").Context(ctx).Do()
	if err != nil {
		return fmt.Errorf("its messages cannot be read: %w", err)
	}
	for _, m := range list.JobMessages {
		failures = errors.Join(failures, errors.New(m.MessageText))
	}
	return failures
}

func (j *dataflowJob) requestCancel(ctx context.Context) error {
	change := &df.Job{RequestedState: "JOB_STATE_CANCELLED"}
	_, err := j.jobs().Update(j.remote.Project, j.remote.Region, j.remote.ID, change).Context(ctx).Do()
	return err
}
