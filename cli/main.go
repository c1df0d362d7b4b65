package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/penstock-ml/penstock/models/kernel"
	"github.com/penstock-ml/penstock/models/spec"
	_ "github.com/penstock-ml/penstock/models/widedeep" // the kind of model that every penstock has
	"github.com/penstock-ml/penstock/runners"
)

// Exit statuses.
const (
	exitDone   = 0
	exitFailed = 1
	exitUsage  = 2
)

// Main runs the command that args, without the program's name, ask for and returns the exit status. Where they are
// those of a Beam worker it is the worker instead, so it has to be the first thing that a program calls.
func Main(ctx context.Context, args []string) int {
	if runners.IsWorker(args) {
		return work(ctx, args)
	}
	return newApp(args, os.Stdin, os.Stdout, os.Stderr).main(ctx)
}

// work serves a runner. Its log is what the runner keeps of a worker that it could not start.
func work(ctx context.Context, args []string) int {
	if err := runners.Work(ctx, args); err != nil {
		fmt.Fprintf(os.Stderr, "penstock worker: %v\n", err)
		return exitFailed
	}
	return exitDone
}

// app is one run of the program.
type app struct {
	program string // as the user calls it
	args    []string
	stdin   io.Reader
	stdout  io.Writer
	flush   func() error // standard output, which is buffered
	console *console     // standard error

	format  string
	verbose bool
	began   bool // the command line was right: an error from here on is a failure
}

func newApp(args []string, stdin io.Reader, stdout, stderr io.Writer) *app {
	return &app{program: os.Args[0], args: args, stdin: stdin, stdout: stdout, console: newConsole(stderr)}
}

func (a *app) main(ctx context.Context) int {
	out := bufio.NewWriter(a.stdout)
	a.stdout, a.flush = out, out.Flush
	root := newRootCommand(a)
	root.SetArgs(a.args)
	root.SetIn(a.stdin)
	root.SetOut(a.stdout)
	root.SetErr(a.console)
	cmd, err := root.ExecuteContextC(ctx)
	if flushErr := out.Flush(); err == nil && flushErr != nil {
		a.began, err = true, fmt.Errorf("write standard output: %w", flushErr)
	}
	if err == nil {
		return exitDone
	}
	if !a.began {
		fmt.Fprintf(a.console, "penstock: %s; see %s --help\n", sentence(err)+nearestFlag(err, cmd), cmd.CommandPath())
		return exitUsage
	}
	fmt.Fprintf(a.console, "penstock: %s\n", describe(err))
	return exitFailed
}

// run is what a command does once its flags are known to be right.
func (a *app) run(f func(ctx context.Context) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, _ []string) error {
		a.began = true
		a.setLogging()
		if err := kernel.Err(); err != nil {
			return err
		}
		return f(cmd.Context())
	}
}

// runUntilInterrupted is run for what takes long: the first interrupt ends its context.
func (a *app) runUntilInterrupted(f func(ctx context.Context) error) func(*cobra.Command, []string) error {
	return a.run(func(ctx context.Context) error {
		ctx, stop := interruptible(ctx)
		defer stop()
		return f(ctx)
	})
}

// describe puts several complaints about a spec one a line, where editors find their positions.
func describe(err error) string {
	if errors.Is(err, context.Canceled) {
		return "interrupted"
	}
	var complaints spec.Errors
	if errors.As(err, &complaints) && len(complaints) > 1 {
		return fmt.Sprintf("the spec has %d mistakes\n%v", len(complaints), complaints)
	}
	return strings.TrimRight(err.Error(), "\n")
}

// nearestFlag suggests a flag in place of one that is unknown.
func nearestFlag(err error, cmd *cobra.Command) string {
	wrong, ok := strings.CutPrefix(err.Error(), "unknown flag: --")
	if !ok {
		return ""
	}
	var names []string
	cmd.Flags().VisitAll(func(f *pflag.Flag) { names = append(names, f.Name) })
	near, ok := spec.Nearest(wrong, names)
	if !ok {
		return ""
	}
	return "; did you mean --" + near + "?"
}

// sentence makes one of cobra's paragraphs with suggestions.
func sentence(err error) string {
	text, suggestions, found := strings.Cut(err.Error(), "\n\nDid you mean this?\n")
	if !found {
		return text
	}
	return text + "; did you mean " + strings.Join(strings.Fields(suggestions), " or ") + "?"
}
