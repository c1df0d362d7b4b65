package cli

import (
	"flag"
	"slices"
	"strings"
	"sync"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// addRunnerFlags gives a command --runner and, hidden, the options that Beam and its runners define as flags of the
// standard library.
func addRunnerFlags(cmd *cobra.Command, runner string) *runnerValue {
	v := newRunnerValue(runner)
	cmd.Flags().Var(v, "runner", "`runner` of the pipeline: direct, prism or flink")
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
		"endpoint":    "`address` of Beam's job server, for flink",
		"parallelism": "`parts` that flink computes at a time (default 1)",
	} {
		f := flags.Lookup(name)
		f.Usage, f.Hidden = usage, false
	}
}

// goFlag is a pflag.Value that sets a global flag of the standard library.
type goFlag struct{ *flag.Flag }

func (f goFlag) String() string         { return f.Value.String() }
func (f goFlag) Type() string           { return "string" }
func (f goFlag) Set(value string) error { return flag.CommandLine.Set(f.Name, value) }

// initBeam readies Beam for a pipeline, once all flags are set.
var initBeam = sync.OnceFunc(beam.Init)
