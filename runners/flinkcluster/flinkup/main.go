// Command flinkup runs a Flink cluster with Beam's job server on this machine until it is interrupted.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/penstock-ml/penstock/runners/flinkcluster"
)

func main() {
	o := flinkcluster.Options{Say: func(sentence string) { fmt.Fprintln(os.Stderr, sentence) }}
	flag.StringVar(&o.Dir, "dir", "flink", "directory for configurations and logs")
	flag.IntVar(&o.TaskManagers, "task-managers", 2, "TaskManagers")
	flag.IntVar(&o.Slots, "slots", 4, "slots of a TaskManager")
	flag.IntVar(&o.RESTPort, "rest-port", 8081, "port of the JobManager's REST interface")
	flag.IntVar(&o.JobPort, "job-port", 8099, "port of Beam's job server")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, o); err != nil {
		fmt.Fprintln(os.Stderr, "flinkup:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, o flinkcluster.Options) error {
	cluster, err := flinkcluster.Start(ctx, o)
	if err != nil {
		return err
	}
	defer cluster.Stop()
	fmt.Printf("the job server is at %s\n", cluster.Endpoint())
	<-ctx.Done()
	return nil
}
