// Command flinkup runs a Flink cluster with Beam's job server on this machine, for make flink-up and make flink-down.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/penstock-ml/penstock/runners/flinkcluster"
)

func main() {
	o := flinkcluster.Options{Say: func(sentence string) { fmt.Fprintln(os.Stderr, sentence) }}
	flag.StringVar(&o.Dir, "dir", "flink", "directory for configurations and logs")
	flag.IntVar(&o.TaskManagers, "task-managers", 2, "TaskManagers")
	flag.IntVar(&o.Slots, "slots", 4, "slots of a TaskManager")
	flag.IntVar(&o.RESTPort, "rest-port", 8081, "port of the JobManager's REST interface")
	flag.IntVar(&o.JobPort, "job-port", 8099, "port of Beam's job server")
	stop := flag.Bool("stop", false, "stop the cluster of the directory")
	detach := flag.Bool("detach", false, "return once the cluster works, and leave it running")
	flag.Parse()
	if err := command(o, *stop, *detach); err != nil {
		fmt.Fprintln(os.Stderr, "flinkup:", err)
		os.Exit(1)
	}
}

func command(o flinkcluster.Options, stop, detach bool) error {
	switch {
	case stop:
		return stopCluster(o.Dir)
	case detach:
		return detached(o.Dir)
	}
	return run(o)
}

// run serves until it is told to end.
func run(o flinkcluster.Options) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	cluster, err := flinkcluster.Start(ctx, o)
	if err != nil {
		return err
	}
	defer os.Remove(pidPath(o.Dir)) // last, when the cluster is gone
	defer cluster.Stop()
	fmt.Printf("the job server is at %s, and Flink's page at http://localhost:%d\n", cluster.Endpoint(), cluster.RESTPort)
	if err := os.WriteFile(pidPath(o.Dir), []byte(strconv.Itoa(os.Getpid())), 0o666); err != nil {
		return err
	}
	<-ctx.Done()
	return nil
}

func pidPath(dir string) string { return filepath.Join(dir, "flinkup.pid") }

// detached starts this program again, without -detach, and waits until its cluster works.
func detached(dir string) error {
	if pid, err := runningPID(dir); err != nil || pid != 0 {
		return errors.Join(err, fmt.Errorf("a cluster runs in %s already", dir))
	}
	var args []string
	for _, arg := range os.Args[1:] {
		if strings.TrimLeft(arg, "-") != "detach" {
			args = append(args, arg)
		}
	}
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return err
	}
	log, err := os.Create(filepath.Join(dir, "flinkup.log"))
	if err != nil {
		return err
	}
	defer log.Close()
	cmd := exec.Command(os.Args[0], args...)
	cmd.Stdout, cmd.Stderr = log, log // not this program's: a pipe behind it would wait for the cluster's end
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		return err
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	for {
		if pid, _ := runningPID(dir); pid == cmd.Process.Pid {
			return show(log.Name())
		}
		select {
		case err := <-ended:
			return errors.Join(errors.New("the cluster did not start"), err, show(log.Name()))
		case <-time.After(50 * time.Millisecond):
		}
	}
}

func show(path string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	_, err = os.Stdout.Write(text)
	return err
}

// runningPID is the process that serves the directory, or 0.
func runningPID(dir string) (int, error) {
	text, err := os.ReadFile(pidPath(dir))
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	pid, err := strconv.Atoi(string(text))
	if err != nil {
		return 0, nil // it is being written
	}
	if syscall.Kill(pid, 0) != nil {
		return 0, nil // it died without cleaning up
	}
	return pid, nil
}

func stopCluster(dir string) error {
	pid, err := runningPID(dir)
	if err != nil || pid == 0 {
		return err
	}
	if err := syscall.Kill(pid, syscall.SIGTERM); err != nil {
		return err
	}
	for {
		if pid, err := runningPID(dir); err != nil || pid == 0 {
			return err
		}
		time.Sleep(50 * time.Millisecond)
	}
}
