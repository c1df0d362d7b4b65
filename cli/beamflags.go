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
// standard library. places are the command's flags for paths that workers read or write.
func addRunnerFlags(cmd *cobra.Command, runner string, places ...string) *runnerValue {
	v := newRunnerValue(runner)
	v.places = places
	cmd.Flags().Var(v, "runner", "`runner` of the pipeline: direct, prism, flink or dataflow")
	cmd.PreRunE = func(cmd *cobra.Command, _ []string) error { return v.check(cmd.Flags()) }
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

// check finds what the runner lacks, and paths that its workers cannot reach.
func (v *runnerValue) check(flags *pflag.FlagSet) error {
	if err := v.runner.Check(); err != nil || !v.runner.NeedsCloud() {
		return err
	}
	for _, place := range v.places {
		f := flags.Lookup(place)
		if !f.Changed || place == "model" && flags.Changed("registry") { // which makes it a name
			continue
		}
		for _, path := range pathsOf(f) {
			if storage.IsLocal(path) {
				return fmt.Errorf("--runner %s needs --%s on Cloud Storage (gs://BUCKET/...), not %s", v.name, place, path)
			}
		}
	}
	return nil
}

// pathsOf is what a flag for one path or for several was given.
func pathsOf(f *pflag.Flag) []string {
	if list, ok := f.Value.(pflag.SliceValue); ok {
		return list.GetSlice()
	}
	return []string{f.Value.String()}
}

// goFlag is a pflag.Value that sets a global flag of the standard library.
type goFlag struct{ *flag.Flag }

func (f goFlag) String() string         { return f.Value.String() }
func (f goFlag) Type() string           { return "string" }
func (f goFlag) Set(value string) error { return flag.CommandLine.Set(f.Name, value) }

// initBeam readies Beam for a pipeline, once all flags are set.
var initBeam = sync.OnceFunc(beam.Init)
