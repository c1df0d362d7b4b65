package flinkcluster

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"sync/atomic"
	"syscall"
	"time"
)

// process is a program that is started again whenever it ends, until its context does. What it says goes to a file.
type process struct {
	name    string
	log     string // path
	program string
	args    []string

	pid  atomic.Int64
	done chan struct{}
}

// start returns once the program runs for the first time.
func (p *process) start(ctx context.Context) error {
	p.done = make(chan struct{})
	wait, err := p.launch(ctx)
	if err != nil {
		close(p.done)
		return fmt.Errorf("start the %s: %w", p.name, err)
	}
	go p.supervise(ctx, wait)
	return nil
}

// supervise starts the program again when it ends. One that cannot be started is tried again a second later, as one
// that ends at once is.
func (p *process) supervise(ctx context.Context, wait func() error) {
	defer close(p.done)
	for {
		if wait != nil {
			_ = wait() // however it ended
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(time.Second):
		}
		wait, _ = p.launch(ctx)
	}
}

func (p *process) launch(ctx context.Context) (wait func() error, err error) {
	log, err := os.OpenFile(p.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o666)
	if err != nil {
		return nil, err
	}
	defer log.Close() // the program has its own by then
	cmd := exec.CommandContext(ctx, p.program, p.args...)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = attributes()
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	p.pid.Store(int64(cmd.Process.Pid))
	return cmd.Wait, nil
}
