package cli

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/penstock-ml/penstock/runners"
	"github.com/penstock-ml/penstock/runners/flinkcluster"
)

// distributed are the flags for a cluster that lives as long as the command.
type distributed struct {
	on      bool
	workers int
}

func (d *distributed) define(cmd *cobra.Command) {
	d.workers = 2
	cmd.Flags().BoolVar(&d.on, "distributed", false, "start a Flink cluster on this machine, run on it and take it down; needs Java and Maven")
	cmd.Flags().Var(atLeast(&d.workers, 1), "worker-count", "`workers` of --distributed, each a process")
}

// check finds flags that do not go together.
func (d *distributed) check(flags interface{ Changed(name string) bool }) error {
	switch {
	case !d.on && flags.Changed("worker-count"):
		return errors.New("--worker-count needs --distributed")
	case d.on && (flags.Changed("runner") || flags.Changed("endpoint") || flags.Changed("parallelism")):
		return errors.New("--distributed starts its own cluster: leave out --runner, --endpoint and --parallelism")
	case d.on:
		return flinkcluster.Missing()
	}
	return nil
}

// start returns the runner of a cluster that has just been started for the command, which has to stop it.
func (d *distributed) start(ctx context.Context, say func(sentence string)) (*runners.Runner, func(), error) {
	dir, err := os.MkdirTemp("", "penstock-flink-")
	if err != nil {
		return nil, nil, err
	}
	cluster, err := flinkcluster.Start(ctx, flinkcluster.Options{Dir: dir, TaskManagers: d.workers, Slots: 1, Say: say})
	if err != nil {
		return nil, nil, err // which names the directory, for its logs
	}
	stop := func() {
		cluster.Stop()
		_ = os.RemoveAll(dir) // of no use to anyone, and no harm
	}
	runner, err := flinkAt(cluster.Endpoint(), d.workers)
	if err != nil {
		stop()
		return nil, nil, err
	}
	return runner, stop, nil
}

// flinkAt sets Beam's options as the flags of a user would.
func flinkAt(endpoint string, parallelism int) (*runners.Runner, error) {
	for name, value := range map[string]string{"endpoint": endpoint, "parallelism": fmt.Sprint(parallelism)} {
		if err := flag.Set(name, value); err != nil {
			return nil, err
		}
	}
	runner, err := runners.Get("flink")
	if err != nil {
		return nil, err
	}
	return runner, runner.Check()
}
