package cli

import (
	"flag"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/penstock-ml/penstock/storage"
)

// addRunnerFlags gives a command --runner and, hidden, the options that Beam and its runners define as flags of the
// standard library.
func addRunnerFlags(cmd *cobra.Command, runner string) *runnerValue {
	v := newRunnerValue(runner)
	cmd.Flags().Var(v, "runner", "`runner` of the pipeline: direct, prism, flink or dataflow")
	cmd.PreRunE = func(*cobra.Command, []string) error { return v.runner.Check() }
	flag.CommandLine.VisitAll(func(f *flag.Flag) {
		if isRunnerOption(f.Name) && cmd.Flags().Lookup(f.Name) == nil {
			bridge(cmd.Flags(), f)
		}
	})
	showRunnerOptions(cmd.Flags())
	return v
}

// isRunnerOption leaves out what the boot program of a worker sets, and the flags of a test binary.
func isRunnerOption(name string) bool {
	boot := []string{"worker", "id", "logging_endpoint", "control_endpoint", "semi_persist_dir", "options"}
	return !slices.Contains(boot, name) && !strings.HasPrefix(name, "test.")
}

// bridge makes a flag of the standard library one of the command's. pflag.AddGoFlag would not do: Beam looks for options
// with flag.Visit, which sees only what was set through the flag set itself.
func bridge(to *pflag.FlagSet, f *flag.Flag) {
	bridged := &pflag.Flag{Name: f.Name, Usage: f.Usage, DefValue: f.DefValue, Value: goFlag{f}, Hidden: true}
	if b, ok := f.Value.(interface{ IsBoolFlag() bool }); ok && b.IsBoolFlag() {
		bridged.NoOptDefVal = "true"
	}
	to.AddFlag(bridged)
}

// showRunnerOptions unhides the options that Penstock's own runners are steered by, in its words.
func showRunnerOptions(flags *pflag.FlagSet) {
	for name, usage := range map[string]string{
		"endpoint":              "`address` of Beam's job server, for flink",
		"parallelism":           "`parts` that flink computes at a time (default 1)",
		"project":               "Google Cloud `project`, for dataflow",
		"region":                "Google Cloud `region`, for dataflow",
		"staging_location":      "`directory` on Cloud Storage (gs://) for what dataflow is given",
		"worker_machine_type":   "`machine` type of dataflow's workers",
		"num_workers":           "`workers` that dataflow begins with",
		"max_num_workers":       "`workers` that dataflow may grow to",
		"autoscaling_algorithm": "`word` NONE or THROUGHPUT_BASED, for dataflow",
		"service_account_email": "service `account` of dataflow's workers",
		"subnetwork":            "`subnetwork` of dataflow's workers",
		"labels":                "JSON `object` of labels of dataflow's jobs",
		"job_name":              "beginning of the `name` of the runner's jobs",
	} {
		f := flags.Lookup(name)
		f.Usage, f.Hidden = usage, false
	}
}

// requireCloud refuses paths that the workers of a runner cannot reach.
func requireCloud(v *runnerValue, flag string, paths ...string) error {
	for _, path := range paths {
		if v.runner.NeedsCloud() && path != "" && storage.IsLocal(path) {
			return fmt.Errorf("--runner %s needs --%s on Cloud Storage (gs://BUCKET/...), not %s", v.name, flag, path)
		}
	}
	return nil
}

// goFlag is a pflag.Value that sets a global flag of the standard library.
type goFlag struct{ *flag.Flag }

func (f goFlag) String() string         { return f.Value.String() }
func (f goFlag) Type() string           { return "string" }
func (f goFlag) Set(value string) error { return flag.CommandLine.Set(f.Name, value) }

// initBeam readies Beam for a pipeline, once all flags are set.
var initBeam = sync.OnceFunc(beam.Init)
