package runners

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"github.com/apache/beam/sdks/v2/go/container/tools"
	"github.com/apache/beam/sdks/v2/go/pkg/beam"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/artifact"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/core/runtime"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/core/runtime/harness"
	fnpb "github.com/apache/beam/sdks/v2/go/pkg/beam/model/fnexecution_v1"
	pipepb "github.com/apache/beam/sdks/v2/go/pkg/beam/model/pipeline_v1"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/util/grpcx"
)

// A runner that computes in processes of their own starts them in one of two ways. In a container Beam's boot program
// fetches the staged binary and starts it with --worker. On a machine it starts a command, which has to do both: so the
// binary is its own boot program, known by --provision_endpoint.

// IsWorker tells whether a runner started this process to be a worker, by its arguments: a flag before any word without
// a dash, so that a command's own argument never makes a worker of it.
func IsWorker(args []string) bool {
	for _, arg := range args {
		name, isFlag := strings.CutPrefix(arg, "-")
		if !isFlag {
			return false
		}
		name, value, hasValue := strings.Cut(strings.TrimPrefix(name, "-"), "=")
		switch name {
		case "provision_endpoint":
			return true
		case "worker":
			on, err := strconv.ParseBool(value)
			return !hasValue || err == nil && on
		}
	}
	return false
}

// Work serves a runner until it needs the worker no more. Behind Beam's boot program it does not return: Beam ends the
// process itself.
func Work(ctx context.Context, args []string) error {
	b, err := parseBoot(args)
	if err != nil {
		return err
	}
	if b.provision == "" {
		if err := flag.CommandLine.Parse(args); err != nil {
			return err
		}
		beam.Init()
		return errors.New("the worker was not given what to do")
	}
	return b.work(grpcx.WriteWorkerID(ctx, b.id))
}

// boot is what a runner says to a command that is to become its worker. See
// https://s.apache.org/beam-fn-api-container-contract.
type boot struct {
	id, logging, control, artifacts, provision string
	dir                                        string // for the staged binary
}

func parseBoot(args []string) (*boot, error) {
	b := &boot{}
	flags := flag.NewFlagSet("worker", flag.ContinueOnError)
	flags.StringVar(&b.id, "id", "", "")
	flags.StringVar(&b.logging, "logging_endpoint", "", "")
	flags.StringVar(&b.control, "control_endpoint", "", "")
	flags.StringVar(&b.artifacts, "artifact_endpoint", "", "")
	flags.StringVar(&b.provision, "provision_endpoint", "", "")
	flags.StringVar(&b.dir, "semi_persist_dir", os.TempDir(), "")
	flags.Bool("worker", false, "")
	flags.String("options", "", "")
	if err := flags.Parse(args); err != nil {
		return nil, err
	}
	b.id = strings.Trim(b.id, "'") // prism quotes it as if for a shell
	return b, nil
}

func (b *boot) work(ctx context.Context) error {
	info, err := tools.ProvisionInfo(ctx, b.provision)
	if err != nil {
		return fmt.Errorf("ask %s what to do: %w", b.provision, err)
	}
	b.take(info)
	if err := importOptions(info); err != nil {
		return fmt.Errorf("read the pipeline's options: %w", err)
	}
	if err := b.becomeStaged(ctx, info); err != nil {
		return fmt.Errorf("start the staged binary: %w", err)
	}
	beam.Init()
	return harness.MainWithOptions(ctx, b.logging, b.control, harness.Options{
		StatusEndpoint:     info.GetStatusEndpoint().GetUrl(),
		RunnerCapabilities: info.GetRunnerCapabilities(),
	})
}

// take replaces addresses by those that the runner gave later.
func (b *boot) take(info *fnpb.ProvisionInfo) {
	for address, given := range map[*string]*pipepb.ApiServiceDescriptor{
		&b.logging: info.GetLoggingEndpoint(), &b.control: info.GetControlEndpoint(), &b.artifacts: info.GetArtifactEndpoint(),
	} {
		if given.GetUrl() != "" {
			*address = given.GetUrl()
		}
	}
}

// workerHash is the pipeline option that has the sha256 of the binary that the launcher has staged: job servers may drop
// the hash that Beam itself gives them.
const workerHash = "penstock_worker_sha256"

// stagedIn is the environment variable that names the directory of a staged binary to its process.
const stagedIn = "PENSTOCK_STAGED_IN"

// becomeStaged turns this process into the binary that the launcher has staged, unless it is that one already: then
// nothing need be fetched.
func (b *boot) becomeStaged(ctx context.Context, info *fnpb.ProvisionInfo) error {
	if dir := os.Getenv(stagedIn); dir != "" {
		return os.RemoveAll(dir) // the process holds the file
	}
	same, err := isStaged()
	if same || err != nil {
		return err
	}
	dir, err := os.MkdirTemp(b.dir, "penstock-worker-")
	if err != nil {
		return err
	}
	if err := b.exec(ctx, info, dir); err != nil {
		return errors.Join(err, os.RemoveAll(dir))
	}
	return nil
}

// isStaged tells whether the staged binary is that of this process.
func isStaged() (bool, error) {
	self, err := os.Executable()
	if err != nil {
		return false, err
	}
	hash, err := fileHash(self)
	return hash == runtime.GlobalOptions.Get(workerHash), err
}

// exec returns only where it fails.
func (b *boot) exec(ctx context.Context, info *fnpb.ProvisionInfo, dir string) error {
	staged, err := artifact.Materialize(ctx, b.artifacts, info.GetDependencies(), info.GetRetrievalToken(), dir)
	if err != nil {
		return err
	}
	if len(staged) != 1 {
		return fmt.Errorf("%d files were staged in place of one", len(staged))
	}
	name, _ := artifact.MustExtractFilePayload(staged[0])
	path := filepath.Join(dir, name)
	return syscall.Exec(path, append([]string{path}, os.Args[1:]...), append(os.Environ(), stagedIn+"="+dir))
}

func importOptions(info *fnpb.ProvisionInfo) error {
	text, err := tools.ProtoToJSON(info.GetPipelineOptions())
	if err != nil {
		return err
	}
	var options runtime.RawOptionsWrapper
	if err := json.Unmarshal([]byte(text), &options); err != nil {
		return err
	}
	runtime.GlobalOptions.Import(options.Options)
	return nil
}
