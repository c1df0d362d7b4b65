package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"runtime"
	"time"
)

// bench is a run of the program.
type bench struct {
	binary             string // Penstock
	peersDir, peersEnv string
	dir                string // for all files of the run
	cores, pairs       int
	quick              bool
	data               dataset
	limits             limits
	warmEpochs         map[string]int // by spec and flags: the epochs of a warm run

	results []result
	kernels []kernelResult
	skipped []skipped
	failed  bool // Penstock, in a row
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	b := &bench{warmEpochs: map[string]int{}}
	flag.StringVar(&b.binary, "binary", "bin/penstock", "the `file` of Penstock to measure")
	flag.StringVar(&b.peersDir, "peers", environment("PEERS_DIR", "../shared/peers"), "`directory` of the peers' scripts (PEERS_DIR)")
	flag.StringVar(&b.peersEnv, "peers-env", environment("PEERS_ENV", "bench/.peers-env"), "`directory` of the peers' virtual environments (PEERS_ENV)")
	census := flag.String("census", environment("CENSUS_DIR", "../shared/data/census"), "`directory` of adult.data.csv (CENSUS_DIR)")
	flag.IntVar(&b.cores, "cores", min(2, runtime.NumCPU()), "`cores` that both sides may use")
	flag.IntVar(&b.pairs, "pairs", 3, "`times` that both sides of a row are run")
	flag.BoolVar(&b.quick, "quick", false, "one pair and short lengths: shows that the rows run, not how fast")
	pattern := flag.String("run", "", "measure only rows whose names match this `regexp`")
	list := flag.Bool("list", false, "print the rows and exit")
	estimates := flag.String("estimates", "", "compare train --dry-run with what runs take, and write `NAME`.md and NAME.svg")
	extrapolations := flag.String("extrapolations", "", "compare what train --dry-run extrapolates with what runs on 1, 2 and 4 workers take, and write `NAME`.md")
	endpoint := flag.String("flink", "", "`address` of a Flink job server, for -estimates and -extrapolations")
	bare := flag.Bool("bare-handler", false, "be the HTTP server that serve is compared with")
	output := flag.String("output", "", "`file` to write (default: BENCHMARKS.md for a full run, else standard output)")
	flag.Parse()
	selected, err := regexp.Compile(*pattern)
	switch {
	case err != nil:
		return fmt.Errorf("-run: %w", err)
	case b.pairs < 1 || b.cores < 1:
		return errors.New("-pairs and -cores must be at least 1")
	case *bare:
		return serveBare(ctx)
	case *list:
		printNames()
		return nil
	case *estimates != "":
		return b.estimates(ctx, *estimates, *endpoint)
	case *extrapolations != "":
		return b.extrapolate(ctx, *extrapolations, *endpoint)
	}
	if *output == "" && *pattern == "" && !b.quick {
		*output = "BENCHMARKS.md"
	}
	if err := b.all(ctx, selected, *census); err != nil {
		return err
	}
	return b.finish(*output)
}

func environment(name, otherwise string) string {
	if value := os.Getenv(name); value != "" {
		return value
	}
	return otherwise
}

func printNames() {
	for _, r := range rows() {
		fmt.Printf("%-24s %s\n", r.name, r.work)
	}
	for _, k := range kernelRows() {
		fmt.Printf("kernel %s\n", k.name)
	}
}

// all measures what is selected, in a directory that is deleted in the end.
func (b *bench) all(ctx context.Context, selected *regexp.Regexp, census string) (err error) {
	if b.dir, err = os.MkdirTemp("", "penstock-bench"); err != nil {
		return err
	}
	defer os.RemoveAll(b.dir)
	for _, path := range []*string{&b.binary, &b.peersDir, &b.peersEnv, &census} { // peers run in another directory
		if *path, err = filepath.Abs(*path); err != nil {
			return err
		}
	}
	if err := b.findData(ctx, census); err != nil {
		return err
	}
	for _, r := range rows() {
		if ctx.Err() == nil && selected.MatchString(r.name) {
			b.measure(ctx, &r)
		}
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	// After the rows: on Linux a process inherits the most memory that its parent had when it started it, and these
	// take much.
	b.say("limits of the machine")
	runtime.GOMAXPROCS(b.cores)
	b.limits = measureLimits(b.cores)
	return b.measureKernels(selected)
}

func (b *bench) finish(output string) error {
	var text bytes.Buffer
	if err := b.write(&text, time.Now()); err != nil {
		return err
	}
	if output == "" {
		os.Stdout.Write(text.Bytes())
	} else if err := os.WriteFile(output, text.Bytes(), 0o666); err != nil {
		return err
	}
	if b.failed {
		return errors.New("a row failed on the side of Penstock: see \"Not measured\"")
	}
	return nil
}

func (b *bench) say(format string, values ...any) { fmt.Fprintf(os.Stderr, format+"\n", values...) }

// skip notes that something has no figure on this machine.
func (b *bench) skip(what, why string) {
	b.say("%s: %s", what, why)
	b.skipped = append(b.skipped, skipped{what, why})
}

// warmSeconds is how long a run of training is to last.
func (b *bench) warmSeconds() float64 {
	if b.quick {
		return 0.2
	}
	return warmSeconds
}

// scaled is a number of rows, less of a quick run.
func (b *bench) scaled(rows int) int {
	if b.quick {
		return rows / 20
	}
	return rows
}
