package pipelines

import (
	"context"
	"encoding/json"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/penstock-ml/penstock/storage"
	"github.com/penstock-ml/penstock/storage/storagetest"
)

// onBothStorages runs a test with a job directory on disk, and with one in Cloud Storage.
func onBothStorages(t *testing.T, test func(t *testing.T, jobDir string)) {
	t.Run("disk", func(t *testing.T) { test(t, t.TempDir()) })
	t.Run("cloud", func(t *testing.T) {
		storagetest.StartCloud(t, "bucket")
		test(t, "gs://bucket/job")
	})
}

func TestASecondRunIsRefused(t *testing.T) {
	train, _, _ := censusFiles(t, 2000)
	onBothStorages(t, func(t *testing.T, jobDir string) {
		refused := 0
		o := censusOptions(t, train, "", 20)
		o.JobDir = jobDir
		o.Observer.Step = func(TrainProgress) {
			second := censusOptions(t, train, "", 20)
			second.JobDir, second.Resume = jobDir, true
			_, err := Train(context.Background(), second)
			if err == nil || !strings.Contains(err.Error(), jobDir+" is in use by process ") {
				t.Errorf("a second run in %s: %v, want an error that names the first", jobDir, err)
			}
			refused++
		}
		mustTrain(t, o)
		if refused == 0 {
			t.Error("the run did not call Step")
		}
		if _, owner := readLock(t, jobDir); owner != nil {
			t.Errorf("the finished run left the lock of %s", owner)
		}
		o.Observer.Step, o.Resume = nil, true
		mustTrain(t, o)
	})
}

// readLock returns the lock of a job directory, nil if it has none.
func readLock(t *testing.T, jobDir string) (int64, *lockOwner) {
	t.Helper()
	generation, owner, err := (&jobLock{path: storage.Join(jobDir, lockName)}).read(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return generation, owner
}

func writeLock(t *testing.T, jobDir string, owner lockOwner) {
	t.Helper()
	data, err := json.Marshal(owner)
	if err != nil {
		t.Fatal(err)
	}
	if err := storage.WriteFile(context.Background(), storage.Join(jobDir, lockName), data); err != nil {
		t.Fatal(err)
	}
}

// deadProcess is an owner that showed itself just before it ended.
func deadProcess(t *testing.T) lockOwner {
	t.Helper()
	cmd := exec.Command("true")
	if err := cmd.Run(); err != nil {
		t.Fatal(err)
	}
	owner := thisProcess()
	owner.PID, owner.Alive = cmd.Process.Pid, time.Now()
	return owner
}

func TestStaleLocksAreTakenOver(t *testing.T) {
	elsewhere := thisProcess()
	elsewhere.Host, elsewhere.Processes = "elsewhere", "another table"
	silent, dead, alive := elsewhere, deadProcess(t), elsewhere
	silent.Alive, alive.Alive = time.Now().Add(-lockLife-time.Second), time.Now().Add(-lockLife/2)
	for name, c := range map[string]struct {
		owner lockOwner
		stale bool
	}{"a silent owner elsewhere": {silent, true}, "a dead process": {dead, true}, "an owner that was alive of late": {alive, false}} {
		if name == "a dead process" && dead.Processes == "" {
			continue // where processes cannot be told apart, age alone decides
		}
		t.Run(name, func(t *testing.T) {
			onBothStorages(t, func(t *testing.T, jobDir string) {
				writeLock(t, jobDir, c.owner)
				var warnings []string
				_, lock, err := lockJob(context.Background(), jobDir, func(s string) { warnings = append(warnings, s) })
				if (err == nil) != c.stale {
					t.Fatalf("taking the lock returned %v", err)
				}
				if !c.stale {
					if _, owner := readLock(t, jobDir); owner.Token != c.owner.Token {
						t.Errorf("the refused run left the lock of %s", owner)
					}
					return
				}
				if len(warnings) != 1 || !strings.Contains(warnings[0], "taken over from process") {
					t.Errorf("the warnings are %q, want one that names the owner before", warnings)
				}
				lock.release()
				if _, owner := readLock(t, jobDir); owner != nil {
					t.Errorf("the lock of %s stays", owner)
				}
			})
		})
	}
}

// However many find a stale lock at the same time, one takes it.
func TestOneOfManyTakesAStaleLock(t *testing.T) {
	onBothStorages(t, func(t *testing.T, jobDir string) {
		for range 10 {
			writeLock(t, jobDir, lockOwner{Token: "stale"})
			var taken atomic.Int32
			var group sync.WaitGroup
			locks := make(chan *jobLock, 8)
			for range 8 {
				group.Go(func() {
					_, lock, err := lockJob(context.Background(), jobDir, func(string) {})
					if err == nil {
						taken.Add(1)
						locks <- lock
					}
				})
			}
			group.Wait()
			if n := taken.Load(); n != 1 {
				t.Fatalf("%d of 8 took the lock", n)
			}
			(<-locks).release()
		}
	})
}

func TestALockIsRenewed(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		held, lock, err := lockJob(t.Context(), dir, func(s string) { t.Error(s) })
		if err != nil {
			t.Fatal(err)
		}
		defer lock.release()
		for _, spoil := range []func(){func() {}, func() { storage.Delete(t.Context(), storage.Join(dir, lockName)) }} {
			spoil()
			time.Sleep(2*lockLife + time.Second)
			if _, owner := readLock(t, dir); owner == nil || owner.Token != lock.owner.Token || time.Since(owner.Alive) > lockRenewal {
				t.Errorf("after a while the lock is that of %v", owner)
			}
			if err := context.Cause(held); err != nil {
				t.Errorf("the lock is lost: %v", err)
			}
		}
	})
}

func TestALostLockEndsTheRun(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		held, lock, err := lockJob(t.Context(), dir, func(s string) { t.Error(s) })
		if err != nil {
			t.Fatal(err)
		}
		other := lockOwner{Token: "another", Host: "elsewhere", Alive: time.Now().Add(time.Hour)}
		writeLock(t, dir, other)
		time.Sleep(lockRenewal + time.Second)
		if err := context.Cause(held); err == nil || !strings.Contains(err.Error(), "elsewhere") {
			t.Errorf("with another's lock in its place the run goes on: %v", err)
		}
		lock.release()
		if _, owner := readLock(t, dir); owner == nil || owner.Token != other.Token {
			t.Errorf("the lock is that of %v, want the other's", owner)
		}
	})
}

func TestADamagedLockIsNamed(t *testing.T) {
	dir := t.TempDir()
	writeFile(t, storage.Join(dir, lockName), []byte("{"))
	_, _, err := lockJob(t.Context(), dir, func(string) {})
	if err == nil || !strings.Contains(err.Error(), lockName+" is not a lock") {
		t.Errorf("a damaged lock: %v", err)
	}
}
