package cli

import (
	"flag"
	"testing"

	"github.com/spf13/cobra"
)

// Beam finds options with flag.Visit: a value that does not show there is lost on the way to the workers.
func TestRunnerOptionsReachBeam(t *testing.T) {
	cmd := &cobra.Command{RunE: func(*cobra.Command, []string) error { return nil }}
	runner := addRunnerFlags(cmd, "direct")
	cmd.SetArgs([]string{"--runner", "prism", "--job_name=census", "--async"})
	t.Cleanup(func() {
		flag.CommandLine.Set("job_name", "")
		flag.CommandLine.Set("async", "false")
	})
	if err := cmd.Execute(); err != nil {
		t.Fatal(err)
	}
	seen := map[string]string{}
	flag.Visit(func(f *flag.Flag) { seen[f.Name] = f.Value.String() })
	if seen["job_name"] != "census" || seen["async"] != "true" {
		t.Errorf("Beam sees %v", seen)
	}
	if runner.name != "prism" {
		t.Errorf("the runner is %s, want prism", runner.name)
	}
}

func TestRunnerOptionsAreHidden(t *testing.T) {
	cmd := &cobra.Command{}
	addRunnerFlags(cmd, "direct")
	if f := cmd.Flags().Lookup("environment_type"); f == nil || !f.Hidden {
		t.Errorf("environment_type is %v, want a hidden flag", f)
	}
	for _, name := range []string{"worker", "id", "control_endpoint", "test.v"} {
		if cmd.Flags().Lookup(name) != nil {
			t.Errorf("--%s would reach a command", name)
		}
	}
}
