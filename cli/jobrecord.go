package cli

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/penstock-ml/penstock/runners"
	"github.com/penstock-ml/penstock/storage"
)

// States of a job.
const (
	jobRunning   = "running"
	jobDone      = "done"
	jobFailed    = "failed"
	jobCancelled = "cancelled"
	jobLost      = "lost" // its process is gone, and did not say how it ended
)

// jobRecord is what is kept of a command that runs pipelines: in the user's state directory, with a log beside it, and
// as job.json in a training run's job directory.
type jobRecord struct {
	ID      string     `json:"id"`
	Command string     `json:"command"` // as it was given
	Runner  string     `json:"runner"`
	Dir     string     `json:"directory"`
	State   string     `json:"state"`
	Error   string     `json:"error,omitempty"`
	Started time.Time  `json:"started"`
	Ended   *time.Time `json:"ended,omitempty"`
	Host    string     `json:"host"`
	PID     int        `json:"pid"`
	Program string     `json:"program"`
	// Remote are the jobs that the runner was given, the newest last.
	Remote []runners.Remote `json:"remote_jobs,omitempty"`
}

// recorder keeps the record of the command that runs. Where nothing can be kept, the command goes on without.
type recorder struct {
	mu      sync.Mutex
	record  jobRecord
	inDir   bool // job.json as well
	console *console
	log     *os.File
	begun   bool
}

// newRecorder prepares a record. Nothing is written before begin: the command may yet be refused.
func (a *app) newRecorder(kind, runner, dir string, inDir bool) *recorder {
	host, _ := os.Hostname()
	program, _ := os.Executable()
	if abs, err := filepath.Abs(dir); err == nil && storage.IsLocal(dir) {
		dir = abs
	}
	now := time.Now().UTC()
	id := fmt.Sprintf("%s-%s-%s", kind, now.Format("20060102-150405"), strings.ToLower(rand.Text()[:4]))
	r := &recorder{inDir: inDir, console: a.console, record: jobRecord{
		ID: id, Command: a.commandLine(), Runner: runner, Dir: dir, State: jobRunning, Started: now.Truncate(time.Millisecond), Host: host,
		PID: os.Getpid(), Program: program,
	}}
	return r
}

// begin writes the record and sends what the console shows to the log as well.
func (r *recorder) begin() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.begun {
		return
	}
	r.begun = true
	dir, err := jobsDir()
	if err != nil || os.MkdirAll(dir, 0o777) != nil {
		return
	}
	if r.log, err = os.Create(filepath.Join(dir, r.record.ID+".log")); err == nil {
		r.console.alsoTo(r.log)
	}
	r.write()
	runners.OnSubmit(r.add)
}

func (r *recorder) add(job runners.Remote) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.record.Remote = append(r.record.Remote, job)
	r.write()
}

// end tells how the command ended.
func (r *recorder) end(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.begun {
		return
	}
	runners.OnSubmit(nil)
	r.console.alsoTo(nil)
	now := time.Now().UTC().Truncate(time.Second)
	r.record.State, r.record.Ended = jobDone, &now
	if err != nil {
		r.record.State, r.record.Error = jobFailed, describe(err)
	}
	if errors.Is(err, context.Canceled) {
		r.record.State = jobCancelled
	}
	if r.log != nil {
		fmt.Fprintln(r.log, strings.TrimSuffix(r.record.State+": "+r.record.Error, ": "))
		r.log.Close()
	}
	r.write()
}

// write keeps the record where it can be kept.
func (r *recorder) write() {
	data, err := json.MarshalIndent(r.record, "", "  ")
	if err != nil {
		return
	}
	data = append(data, '\n')
	if dir, err := jobsDir(); err == nil {
		_ = storage.WriteFile(context.Background(), filepath.Join(dir, r.record.ID+".json"), data)
	}
	if r.inDir {
		_ = storage.WriteFile(context.Background(), storage.Join(r.record.Dir, "job.json"), data)
	}
}

// jobsDir is where the user's records are, after the XDG base directory specification.
func jobsDir() (string, error) {
	if dir := os.Getenv("XDG_STATE_HOME"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "penstock", "jobs"), nil
	}
	home, err := os.UserHomeDir()
	return filepath.Join(home, ".local", "state", "penstock", "jobs"), err
}

// readJobs returns the records, the newest first.
func readJobs() ([]jobRecord, error) {
	dir, err := jobsDir()
	if err != nil {
		return nil, err
	}
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	jobs := []jobRecord{}
	for _, entry := range entries {
		if id, isRecord := strings.CutSuffix(entry.Name(), ".json"); isRecord {
			job, err := readJob(id)
			if err != nil {
				return nil, err
			}
			jobs = append(jobs, *job)
		}
	}
	slices.SortFunc(jobs, func(a, b jobRecord) int { return cmp.Or(b.Started.Compare(a.Started), cmp.Compare(b.ID, a.ID)) })
	return jobs, nil
}

// readJob returns a record, its state as it is now.
func readJob(id string) (*jobRecord, error) {
	dir, err := jobsDir()
	if err != nil {
		return nil, err
	}
	path := filepath.Join(dir, id+".json")
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) || id != filepath.Base(id) {
		return nil, fmt.Errorf("there is no job %q: see penstock jobs list", id)
	}
	if err != nil {
		return nil, err
	}
	job := &jobRecord{}
	if err := json.Unmarshal(data, job); err != nil {
		return nil, fmt.Errorf("%s is damaged: %w", path, err)
	}
	if job.State == jobRunning && job.here() && !job.alive() {
		job.State = jobLost
	}
	return job, nil
}

// here tells whether the job's process is, or was, on this machine.
func (j *jobRecord) here() bool {
	host, err := os.Hostname()
	return err == nil && host == j.Host
}

// alive tells whether the job's process runs, and not another that got its number.
func (j *jobRecord) alive() bool {
	if syscall.Kill(j.PID, 0) != nil {
		return false
	}
	program, err := os.Readlink(fmt.Sprintf("/proc/%d/exe", j.PID))
	return err != nil || strings.TrimSuffix(program, " (deleted)") == j.Program
}
