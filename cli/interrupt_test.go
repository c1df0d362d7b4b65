package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"testing"
)

func TestFirstInterruptCancels(t *testing.T) {
	ctx, stop := interruptible(context.Background())
	defer stop()
	interruptSelf()
	<-ctx.Done()
}

func TestSecondInterruptExits(t *testing.T) {
	err := exec.Command("interrupted-twice").Run()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != exitFailed {
		t.Errorf("ended with %v, want status %d", err, exitFailed)
	}
}

// interruptedTwice would wait for ever, but for the second interrupt.
func interruptedTwice() {
	ctx, stop := interruptible(context.Background())
	defer stop()
	interruptSelf()
	<-ctx.Done()
	interruptSelf()
	select {}
}

func interruptSelf() {
	if err := syscall.Kill(os.Getpid(), syscall.SIGINT); err != nil {
		panic(err)
	}
}

func TestInterrupted(t *testing.T) {
	other := errors.New("disk full")
	for _, c := range []struct {
		err  error
		want string
	}{
		{context.Canceled, "interrupted; go on"},
		{fmt.Errorf("interrupted after step 7: %w", context.Canceled), "interrupted after step 7; go on"},
		{other, "disk full"},
	} {
		if got := interrupted(c.err, "go on").Error(); got != c.want {
			t.Errorf("interrupted(%v) = %q, want %q", c.err, got, c.want)
		}
	}
}

func TestResumeCommand(t *testing.T) {
	a := &app{program: "./penstock", args: []string{"train", "--config", "my model.yaml", "--train-files=data/*.csv", "--job-dir", "it's"}}
	want := `./penstock train --config 'my model.yaml' '--train-files=data/*.csv' --job-dir 'it'\''s'`
	if got := a.resumeCommand(true); got != want {
		t.Errorf("of a run that was resumed: %s, want %s", got, want)
	}
	if got := a.resumeCommand(false); got != want+" --resume" {
		t.Errorf("of a new run: %s, want %s --resume", got, want)
	}
}
