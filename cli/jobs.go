package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/penstock-ml/penstock/runners"
)

const jobsHelp = `Jobs are the commands that trained or predicted in batch for this user on this machine, wherever their pipelines ran.
Each has a record and a log in the user's state directory (XDG_STATE_HOME), and a training run has its record in its
job directory as well, as job.json.`

func newJobsCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{Use: "jobs", Short: "List, describe, cancel and follow jobs", Long: jobsHelp, RunE: needsCommand}
	list := &cobra.Command{
		Use: "list", Short: "List jobs, the newest first", Example: "  penstock jobs list", Args: noArguments,
		RunE: a.run(func(context.Context) error { return a.listJobs() }),
	}
	cmd.AddCommand(list,
		a.newJobCommand("describe", "Print all that is known of a job", a.describeJob),
		a.newJobCommand("cancel", "End a job after the round that it is at; a training run can be resumed", a.cancelJob),
		a.newJobCommand("stream-logs", "Print what a job has said, and what it says until it ends", a.streamLogs))
	return cmd
}

// newJobCommand makes a command on one job, whose id is its argument.
func (a *app) newJobCommand(name, short string, do func(ctx context.Context, job *jobRecord) error) *cobra.Command {
	cmd := &cobra.Command{Use: name + " JOB", Short: short, Example: "  penstock jobs " + name + " train-20261126-120000-ab3x"}
	cmd.Args = func(_ *cobra.Command, args []string) error {
		if len(args) != 1 {
			return errors.New("give one job's id, as penstock jobs list shows it")
		}
		return nil
	}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		return a.runUntilInterrupted(func(ctx context.Context) error {
			job, err := readJob(args[0])
			if err != nil {
				return err
			}
			return do(ctx, job)
		})(cmd, args)
	}
	return cmd
}

func (a *app) listJobs() error {
	jobs, err := readJobs()
	if err != nil {
		return err
	}
	return a.print(jobs, func(w io.Writer) {
		row(w, "JOB", "STATE", "RUNNER", "STARTED", "DIRECTORY")
		for _, j := range jobs {
			row(w, j.ID, j.State, j.Runner, j.Started.Local().Format(time.DateTime), j.Dir)
		}
	})
}

func (a *app) describeJob(_ context.Context, j *jobRecord) error {
	return a.print(j, func(w io.Writer) {
		row(w, "job", j.ID)
		row(w, "state", j.State)
		if j.Error != "" {
			row(w, "error", j.Error)
		}
		row(w, "runner", j.Runner)
		row(w, "directory", j.Dir)
		row(w, "command", j.Command)
		row(w, "started", j.Started.Local().Format(time.DateTime))
		if j.Ended != nil {
			row(w, "ended", j.Ended.Local().Format(time.DateTime))
		}
		row(w, "process", fmt.Sprintf("%d on %s", j.PID, j.Host))
		for _, r := range j.Remote {
			row(w, r.Runner+" job", r.ID)
		}
	})
}

// cancelJob interrupts the launcher, which ends its remote job and keeps its last checkpoint. Where the launcher is gone
// and left a remote job, that is ended.
func (a *app) cancelJob(ctx context.Context, j *jobRecord) error {
	switch {
	case j.State == jobRunning && j.here():
		if err := syscall.Kill(j.PID, syscall.SIGINT); err != nil {
			return fmt.Errorf("interrupt process %d: %w", j.PID, err)
		}
	case (j.State == jobLost || j.State == jobRunning) && len(j.Remote) > 0:
		a.startBeam()
		if err := runners.Cancel(ctx, j.Remote[len(j.Remote)-1]); err != nil {
			return err
		}
	case j.State == jobRunning:
		return fmt.Errorf("job %s runs on %s: cancel it there", j.ID, j.Host)
	default:
		return fmt.Errorf("job %s has ended: it is %s", j.ID, j.State)
	}
	return a.print(map[string]string{"cancelled": j.ID}, func(w io.Writer) { row(w, "cancelled", j.ID) })
}

// streamLogs copies the log until the job has ended.
func (a *app) streamLogs(ctx context.Context, j *jobRecord) error {
	dir, err := jobsDir()
	if err != nil {
		return err
	}
	log, err := os.Open(filepath.Join(dir, j.ID+".log"))
	if err != nil {
		return fmt.Errorf("job %s has no log: %w", j.ID, err)
	}
	defer log.Close()
	for {
		now, err := readJob(j.ID) // before the log is read to its end: what comes then is the last
		if err != nil {
			return err
		}
		if _, err := io.Copy(a.stdout, log); err != nil {
			return err
		}
		if err := a.flush(); err != nil || now.State != jobRunning {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(300 * time.Millisecond):
		}
	}
}
