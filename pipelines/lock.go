package pipelines

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/penstock-ml/penstock/storage"
)

const (
	lockName = "lock.json"
	// lockRenewal is how often the owner of a lock shows that it is alive, and lockLife how long it may fail to before
	// others take the lock to be stale.
	lockRenewal = 20 * time.Second
	lockLife    = 6 * lockRenewal
)

var errInUse = errors.New("is in use")

// lockOwner is what a lock's file says.
type lockOwner struct {
	Token string `json:"token"` // tells this lock from all others
	Host  string `json:"host"`
	PID   int    `json:"pid"`
	// Processes names the table of processes in which PID counts, or is empty where that is unknown.
	Processes string    `json:"processes,omitempty"`
	Since     time.Time `json:"since"`
	Alive     time.Time `json:"alive"` // when the owner last showed itself
}

// thisProcess is the owner of a new lock.
func thisProcess() lockOwner {
	host, err := os.Hostname()
	if err != nil {
		host = "a host without a name"
	}
	return lockOwner{Token: rand.Text(), Host: host, PID: os.Getpid(), Processes: processTable(), Since: time.Now().UTC().Truncate(time.Second)}
}

// processTable differs between machines, their boots and, on one machine, containers.
func processTable() string {
	boot, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	namespace, err2 := os.Readlink("/proc/self/ns/pid")
	if cmp.Or(err, err2) != nil {
		return ""
	}
	return strings.TrimSpace(string(boot)) + " " + namespace
}

// stale tells whether the owner is gone: as a process that this one would see, or since it has not shown itself.
func (o *lockOwner) stale() bool {
	if o.Processes != "" && o.Processes == processTable() && errors.Is(syscall.Kill(o.PID, 0), syscall.ESRCH) {
		return true
	}
	return time.Since(o.Alive) > lockLife
}

func (o *lockOwner) String() string {
	return fmt.Sprintf("process %d on %s, which began on %s and was last seen %s ago",
		o.PID, o.Host, o.Since.Format(time.DateTime+" UTC"), max(0, time.Since(o.Alive)).Round(time.Second))
}

// jobLock keeps other runs out of a job directory. On every storage it is a file that is replaced and deleted only in
// the version that its owner, or who takes it over, has seen.
type jobLock struct {
	path       string
	owner      lockOwner
	generation int64                 // of the file, as this process wrote it
	warn       func(sentence string) // is told whose lock is taken over

	lose context.CancelCauseFunc // ends the run
	stop context.CancelFunc      // ends the renewals
	kept sync.WaitGroup
}

// lockJob takes the lock of a job directory. The context that it returns ends, with the reason as its cause, when the
// lock is lost. The caller releases the lock.
func lockJob(ctx context.Context, jobDir string, warn func(sentence string)) (context.Context, *jobLock, error) {
	l := &jobLock{path: storage.Join(jobDir, lockName), owner: thisProcess(), warn: warn}
	if err := l.acquire(ctx); err != nil {
		return nil, nil, err
	}
	held, lose := context.WithCancelCause(ctx)
	renewals, stop := context.WithCancel(held)
	l.lose, l.stop = lose, stop
	l.kept.Go(func() { l.keep(renewals) })
	return held, l, nil
}

// acquire writes the lock if there is none, or one that is this process's or stale.
func (l *jobLock) acquire(ctx context.Context) error {
	for {
		generation, other, err := l.read(ctx)
		if err != nil {
			return err
		}
		takesOver := other != nil && other.Token != l.owner.Token
		if takesOver && !other.stale() {
			return l.refusal(other)
		}
		err = l.write(ctx, generation)
		if err == nil && takesOver {
			l.warn(fmt.Sprintf("the lock of %s is taken over from %s", storage.Dir(l.path), other))
		}
		if !errors.Is(err, storage.ErrPrecondition) {
			return err
		}
	}
}

func (l *jobLock) refusal(other *lockOwner) error {
	return fmt.Errorf("%s %w by %s: wait until it ends or choose another --job-dir; if it is surely gone, delete %s",
		storage.Dir(l.path), errInUse, other, l.path)
}

// read returns the lock's owner and the version of its file: nil and 0 where there is none.
func (l *jobLock) read(ctx context.Context) (int64, *lockOwner, error) {
	info, err := storage.Stat(ctx, l.path)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil, nil
	}
	if err != nil {
		return 0, nil, err
	}
	data, err := storage.ReadFile(ctx, l.path)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil, nil
	}
	if err != nil {
		return 0, nil, err
	}
	owner := &lockOwner{}
	if err := json.Unmarshal(data, owner); err != nil {
		return 0, nil, fmt.Errorf("%s is not a lock that penstock wrote (%w): delete it if no run uses the directory", l.path, err)
	}
	return info.Generation, owner, nil
}

func (l *jobLock) write(ctx context.Context, generation int64) error {
	owner := l.owner
	owner.Alive = time.Now().UTC()
	data, err := json.Marshal(owner)
	if err != nil {
		return err
	}
	written, err := storage.WriteFileIf(ctx, l.path, append(data, '\n'), generation)
	if err == nil {
		l.owner.Alive, l.generation = owner.Alive, written
	}
	return err
}

// keep renews the lock until the context ends.
func (l *jobLock) keep(ctx context.Context) {
	every(ctx, lockRenewal, func() bool {
		err := l.renew(ctx)
		if err != nil && ctx.Err() == nil {
			l.lose(fmt.Errorf("the run ends, since its lock is lost: %w", err))
			return false
		}
		return true
	})
}

// every does something at intervals until it says that it is enough or the context ends.
func every(ctx context.Context, interval time.Duration, do func() (more bool)) {
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		if !do() {
			return
		}
	}
}

// renew returns an error when the lock is another's, or cannot be renewed for so long that others may take it.
func (l *jobLock) renew(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, lockRenewal)
	defer cancel()
	err := l.write(ctx, l.generation)
	if errors.Is(err, storage.ErrPrecondition) {
		err = l.acquire(ctx)
	}
	if err == nil || !errors.Is(err, errInUse) && time.Since(l.owner.Alive) < lockLife {
		return nil
	}
	return err
}

// release gives the lock back. One that is another's by now stays.
func (l *jobLock) release() {
	l.stop()
	l.kept.Wait()
	ctx, cancel := context.WithTimeout(context.Background(), lockRenewal)
	defer cancel()
	err := storage.DeleteIf(ctx, l.path, l.generation)
	if err != nil && !errors.Is(err, storage.ErrPrecondition) {
		l.warn(fmt.Sprintf("the lock of %s could not be released: %v", storage.Dir(l.path), err))
	}
	l.lose(nil)
}
