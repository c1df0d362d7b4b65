// Package runnerstest is for the tests of packages whose pipelines run: it lets their test binary be the worker of its
// own pipelines.
package runnerstest

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"testing"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"

	"github.com/penstock-ml/penstock/runners"
)

// Names are the runners that need nothing but this process.
var Names = []string{"direct", "prism"}

// Main is what a package's TestMain does. With PENSTOCK_WORKERS=process prism's workers are processes, as a cluster's
// are: what a DoFn then uses of this process's memory, flags or environment is not there.
func Main(m *testing.M) {
	WorkIfAsked()
	flag.Parse()
	if kind := os.Getenv("PENSTOCK_WORKERS"); kind != "" {
		if err := flag.Set("environment_type", kind); err != nil {
			panic(err)
		}
	}
	beam.Init()
	slog.SetDefault(slog.New(slog.DiscardHandler)) // what prism says of its own accord
	os.Exit(m.Run())
}

// WorkIfAsked makes this process the worker that a runner started it to be, and does not return then.
func WorkIfAsked() {
	if !runners.IsWorker(os.Args[1:]) {
		return
	}
	if err := runners.Work(context.Background(), os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}
