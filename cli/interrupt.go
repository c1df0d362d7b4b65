package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
)

// interruptible returns a context that the first interrupt ends; the second ends the process at once.
func interruptible(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	done := make(chan struct{})
	go func() {
		for interrupts := 1; ; interrupts++ {
			select {
			case <-signals:
				if interrupts > 1 {
					os.Exit(exitFailed)
				}
				cancel()
			case <-done:
				return
			}
		}
	}()
	return ctx, func() {
		signal.Stop(signals)
		close(done)
		cancel()
	}
}

// interrupted rewords the error of a run that its context ended; others are returned as they are.
func interrupted(err error, hint string) error {
	if !errors.Is(err, context.Canceled) {
		return err
	}
	what := strings.TrimSuffix(err.Error(), context.Canceled.Error())
	what = strings.TrimSuffix(what, ": ")
	if what == "" {
		what = "interrupted"
	}
	return fmt.Errorf("%s; %s", what, hint)
}

// resumeCommand is the line that goes on with an interrupted run: the same one with --resume.
func (a *app) resumeCommand(resuming bool) string {
	if resuming {
		return a.commandLine()
	}
	return a.commandLine() + " --resume"
}

// commandLine is the command as one would type it into a shell.
func (a *app) commandLine() string {
	words := []string{shellQuote(a.program)}
	for _, arg := range a.args {
		words = append(words, shellQuote(arg))
	}
	return strings.Join(words, " ")
}

// shellQuote writes a word as a POSIX shell reads it.
func shellQuote(word string) string {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-_=./:,@%+", r)
	}
	if word != "" && strings.IndexFunc(word, func(r rune) bool { return !plain(r) }) < 0 {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}
