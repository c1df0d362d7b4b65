package cli

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/apache/beam/sdks/v2/go/pkg/beam/core/runtime/graphx"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/core/util/protox"
	jobpb "github.com/apache/beam/sdks/v2/go/pkg/beam/model/jobmanagement_v1"
	pipepb "github.com/apache/beam/sdks/v2/go/pkg/beam/model/pipeline_v1"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/runners/prism"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/runners/universal/runnerlib"
	"github.com/google/go-cmp/cmp"
	df "google.golang.org/api/dataflow/v1b3"
	"google.golang.org/protobuf/proto"

	"github.com/penstock-ml/penstock/storage"
	"github.com/penstock-ml/penstock/storage/storagetest"
)

// dataflowService speaks as much of Dataflow's REST interface as a launcher uses, and runs the jobs that it is given on
// prism, from what was staged: the graph, with workers that are the staged binary.
type dataflowService struct {
	t     *testing.T
	url   string
	prism jobpb.JobServiceClient

	mu       sync.Mutex
	jobs     []*df.Job
	models   []*pipepb.Pipeline
	failures map[string]string
}

func startDataflow(t *testing.T) *dataflowService {
	t.Helper()
	client, err := prism.CreateJobServer(context.Background(), prism.Options{})
	if err != nil {
		t.Fatal(err)
	}
	s := &dataflowService{t: t, prism: client, failures: map[string]string{}}
	mux := http.NewServeMux()
	jobs := "/v1b3/projects/{project}/locations/{region}/jobs"
	mux.HandleFunc("POST /token", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, map[string]any{"access_token": "a token", "token_type": "Bearer", "expires_in": 3600})
	})
	mux.HandleFunc("POST "+jobs, s.create)
	mux.HandleFunc("GET "+jobs+"/{id}", s.get)
	mux.HandleFunc("PUT "+jobs+"/{id}", s.update)
	mux.HandleFunc("GET "+jobs+"/{id}/messages", s.messages)
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	s.url = server.URL
	t.Setenv("GOOGLE_APPLICATION_CREDENTIALS", serviceAccount(t, server.URL+"/token"))
	return s
}

// serviceAccount writes the key file of an account whose tokens come from an address.
func serviceAccount(t *testing.T, tokens string) string {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	private := pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)})
	text, err := json.Marshal(map[string]string{
		"type": "service_account", "project_id": "a-project", "private_key_id": "1", "private_key": string(private),
		"client_email": "trainer@a-project.iam.gserviceaccount.com", "token_uri": tokens,
	})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "account.json")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func answer(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v)
}

func (s *dataflowService) create(w http.ResponseWriter, r *http.Request) {
	job := &df.Job{}
	if err := json.NewDecoder(r.Body).Decode(job); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	model, err := stagedModel(r.Context(), job)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	job.Id, job.CurrentState = fmt.Sprintf("2026-job-%d", len(s.jobs)), "JOB_STATE_RUNNING"
	s.jobs, s.models = append(s.jobs, job), append(s.models, proto.Clone(model).(*pipepb.Pipeline))
	go s.run(job, model)
	answer(w, job)
}

// stagedModel reads the graph from where the job says that it is.
func stagedModel(ctx context.Context, job *df.Job) (*pipepb.Pipeline, error) {
	var options struct{ Options struct{ PipelineURL string } }
	if err := json.Unmarshal(job.Environment.SdkPipelineOptions, &options); err != nil {
		return nil, err
	}
	data, err := storage.ReadFile(ctx, options.Options.PipelineURL)
	if err != nil {
		return nil, err
	}
	model := &pipepb.Pipeline{}
	return model, proto.Unmarshal(data, model)
}

func (s *dataflowService) run(job *df.Job, model *pipepb.Pipeline) {
	err := s.execute(job, model)
	s.mu.Lock()
	defer s.mu.Unlock()
	job.CurrentState = "JOB_STATE_DONE"
	if err != nil {
		job.CurrentState, s.failures[job.Id] = "JOB_STATE_FAILED", err.Error()
	}
}

// execute runs the graph in processes of the staged binary, in the place of a container's.
func (s *dataflowService) execute(job *df.Job, model *pipepb.Pipeline) error {
	ctx := context.Background()
	binary, err := storage.ReadFile(ctx, job.Environment.WorkerPools[0].Packages[0].Location)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "dataflow-worker-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	worker := filepath.Join(dir, "worker")
	if err := os.WriteFile(worker, binary, 0o755); err != nil {
		return err
	}
	for _, environment := range model.GetComponents().GetEnvironments() {
		environment.Urn = graphx.URNEnvProcess
		environment.Payload = protox.MustEncode(&pipepb.ProcessPayload{Command: worker})
	}
	if err := runnerlib.UpdateGoEnvironmentWorker(worker, model); err != nil {
		return err
	}
	id, artifacts, token, err := runnerlib.Prepare(ctx, s.prism, model, &runnerlib.JobOptions{Name: job.Name})
	if err != nil {
		return err
	}
	if token, err = runnerlib.Stage(ctx, id, artifacts, worker, token); err != nil {
		return err
	}
	if id, err = runnerlib.Submit(ctx, s.prism, id, token); err != nil {
		return err
	}
	return runnerlib.WaitForCompletion(ctx, s.prism, id)
}

func (s *dataflowService) find(id string) *df.Job {
	for _, job := range s.jobs {
		if job.Id == id {
			return job
		}
	}
	return &df.Job{}
}

func (s *dataflowService) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.jobs)
}

func (s *dataflowService) get(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	answer(w, s.find(r.PathValue("id")))
}

func (s *dataflowService) update(w http.ResponseWriter, r *http.Request) {
	change := &df.Job{}
	if err := json.NewDecoder(r.Body).Decode(change); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	job := s.find(r.PathValue("id"))
	job.CurrentState = change.RequestedState
	answer(w, job)
}

func (s *dataflowService) messages(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	answer(w, df.ListJobMessagesResponse{JobMessages: []*df.JobMessage{{MessageText: s.failures[r.PathValue("id")]}}})
}

// onDataflow are the flags that a user would give, and the address of the service in the place of Google's.
func (s *dataflowService) flags() []string {
	return []string{
		"--runner", "dataflow", "--project", "a-project", "--region", "europe-west1", "--staging_location", "gs://bucket/staging",
		"--dataflow_endpoint", s.url + "/", "--worker_machine_type", "n2-standard-4", "--num_workers", "2", "--max_num_workers", "4",
		"--autoscaling_algorithm", "THROUGHPUT_BASED", "--service_account_email", "trainer@a-project.iam.gserviceaccount.com",
		"--subnetwork", "regions/europe-west1/subnetworks/private", "--no_use_public_ips", "--labels", `{"team":"risk"}`, "--job_name", "census",
		"--dataflow_service_options", "worker_accelerator=type:nvidia-tesla-t4;count:1;install-nvidia-driver", "--resource_hints", "min_ram=8GB",
	}
}

// What is submitted to Dataflow runs, from what was staged, and makes the weights that one process makes.
func TestDataflowRunsWhatIsStaged(t *testing.T) {
	storagetest.StartCloud(t, "bucket")
	service := startDataflow(t)
	ctx := context.Background()
	local := censusData(t)
	text, err := os.ReadFile(strings.Replace(local, "*", "", 1))
	if err != nil {
		t.Fatal(err)
	}
	if err := storage.WriteFile(ctx, "gs://bucket/data/train.csv", text); err != nil {
		t.Fatal(err)
	}
	want := weightsOf(t, trainOn(t, local, []string{"--train-steps", "20"}))
	args := append([]string{
		"train", "--config", filepath.Join("..", "testdata", "census.yaml"), "--train-files", "gs://bucket/data/train*.csv", "--job-dir", "gs://bucket/job",
		"--train-steps", "20", "--format", "json",
	}, service.flags()...)
	if got := weightsOf(t, exec.Command("penstock", args...)); got != want {
		t.Errorf("the weights are %s, want %s", got, want)
	}
	if left, err := storage.List(ctx, "gs://bucket/staging"); err != nil || len(left) > 0 {
		t.Errorf("%d staged files are left: %v", len(left), err)
	}
	if n := service.count(); n != 2 {
		t.Fatalf("there were %d jobs, want an analysis and one of all rounds", n)
	}
	compareGolden(t, filepath.Join("testdata", "dataflow", "train.json"), service.describe(t, 1))
}

// describe is a job without what differs from run to run: its settings, the environment of its workers and its stages.
func (s *dataflowService) describe(t *testing.T, i int) []byte {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	job, model := s.jobs[i], s.models[i]
	var stages []string
	for _, transform := range model.GetComponents().GetTransforms() {
		if len(transform.GetSubtransforms()) == 0 {
			stages = append(stages, transform.GetUniqueName()+" "+transform.GetSpec().GetUrn())
		}
	}
	slices.Sort(stages)
	environments := map[string]any{}
	for name, e := range model.GetComponents().GetEnvironments() {
		environments[name] = map[string]any{"urn": e.GetUrn(), "image": string(e.GetPayload()), "resource_hints": e.GetResourceHints()}
	}
	pool := job.Environment.WorkerPools[0]
	text, err := json.MarshalIndent(map[string]any{
		"name": job.Name, "type": job.Type, "labels": job.Labels, "worker_pool": pool, "environments": environments,
		"service_account": job.Environment.ServiceAccountEmail, "service_options": job.Environment.ServiceOptions,
		"experiments": job.Environment.Experiments, "stages": slices.Compact(stages), "stage_count": len(stages),
	}, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	text = regexp.MustCompile(`census-\d{4}-\d{6}-`).ReplaceAll(text, []byte("census-DATE-TIME-"))
	text = regexp.MustCompile(`go-1-\d+|go-2-\d+`).ReplaceAll(text, []byte("go-N-TIME"))
	text = regexp.MustCompile(`"sha256": "[0-9a-f]{64}"`).ReplaceAll(text, []byte(`"sha256": "HASH"`))
	return append(text, '\n')
}

// compareGolden compares with a file, which PENSTOCK_UPDATE=1 rewrites.
func compareGolden(t *testing.T, path string, got []byte) {
	t.Helper()
	if os.Getenv("PENSTOCK_UPDATE") != "" {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s differs:\n%s", path, diff)
	}
}

// What would fail only when machines have been started for it is refused before.
func TestDataflowIsCheckedFirst(t *testing.T) {
	good := map[string]string{
		"project": "a-project", "region": "europe-west1", "staging_location": "gs://bucket/staging", "job-dir": "gs://bucket/job", "train-files": "gs://bucket/data/train.csv",
	}
	for name, c := range map[string]struct{ flag, value, says string }{
		"no project":           {"project", "", "needs --project"},
		"a project's name":     {"project", "My Project", "no project's id"},
		"no region":            {"region", "", "needs --region"},
		"a zone":               {"region", "europe-west1-b", "no region"},
		"no staging":           {"staging_location", "", "--staging_location"},
		"staging on disk":      {"staging_location", "/tmp/staging", "gs://BUCKET/PATH"},
		"a job on disk":        {"job-dir", "job", "--job-dir on Cloud Storage"},
		"data on disk":         {"train-files", "data/train.csv", "--train-files on Cloud Storage"},
		"a job's name":         {"job_name", "Census", "--job_name"},
		"labels that are text": {"labels", "team=risk", "--labels"},
		"a label":              {"labels", `{"Team":"risk"}`, `"Team"`},
		"a template":           {"template_location", "gs://bucket/template", "several pipelines"},
		"an ARM machine":       {"worker_machine_type", "t2a-standard-1", "GOARCH=arm64"},
	} {
		t.Run(name, func(t *testing.T) {
			flags := maps.Clone(good)
			flags[c.flag] = c.value
			args := []string{"train", "--config", filepath.Join("..", "testdata", "census.yaml"), "--runner", "dataflow"}
			for flag, value := range flags {
				args = append(args, "--"+flag+"="+value)
			}
			cmd := exec.Command("penstock", args...)
			out, err := cmd.CombinedOutput()
			if err == nil || cmd.ProcessState.ExitCode() != exitUsage || !strings.Contains(string(out), c.says) || strings.Count(string(out), "\n") != 1 {
				t.Errorf("%v, and it says %q; want a sentence with %q", err, out, c.says)
			}
		})
	}
}

// A bucket that is not there is found before anything is uploaded.
func TestDataflowNeedsItsBucket(t *testing.T) {
	storagetest.StartCloud(t, "bucket")
	service := startDataflow(t)
	if err := storage.WriteFile(context.Background(), "gs://bucket/data/train.csv", []byte("1\n")); err != nil {
		t.Fatal(err)
	}
	args := append([]string{
		"train", "--config", filepath.Join("..", "testdata", "census.yaml"), "--train-files", "gs://bucket/data/train.csv", "--job-dir", "gs://bucket/job",
	}, service.flags()...)
	out, err := exec.Command("penstock", append(args, "--staging_location", "gs://missing/staging")...).CombinedOutput()
	if err == nil || !strings.Contains(string(out), "gs://missing/staging") || service.count() > 0 {
		t.Errorf("%v with %d jobs: %s", err, service.count(), out)
	}
}
