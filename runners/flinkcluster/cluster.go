package flinkcluster

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"
)

// Options say what cluster to start.
type Options struct {
	// Dir gets configurations, logs and temporary files.
	Dir string
	// TaskManagers is how many machines the cluster plays, and Slots how many parts of a job each computes at a time.
	TaskManagers, Slots int
	// RESTPort is the JobManager's and JobPort the job server's; 0 chooses a free one.
	RESTPort, JobPort int
	// Say is told what takes a while; it may be nil.
	Say func(sentence string)

	rpcPort, artifactPort, expansionPort int
	jars                                 string
}

// Cluster is a running cluster.
type Cluster struct {
	Options
	stop         context.CancelFunc
	processes    []*process
	taskManagers []*process
}

// Start starts a JobManager, TaskManagers and Beam's job server and waits until they work. The caller stops the cluster.
func Start(ctx context.Context, o Options) (*Cluster, error) {
	if o.Say == nil {
		o.Say = func(string) {}
	}
	if err := o.complete(ctx); err != nil {
		return nil, err
	}
	running, stop := context.WithCancel(context.WithoutCancel(ctx))
	c := &Cluster{Options: o, stop: stop}
	if err := c.start(ctx, running); err != nil {
		c.Stop()
		return nil, err
	}
	return c, nil
}

// complete fills in what the caller leaves open.
func (o *Options) complete(ctx context.Context) (err error) {
	if o.Dir, err = filepath.Abs(o.Dir); err != nil {
		return err
	}
	for _, port := range []*int{&o.RESTPort, &o.JobPort, &o.rpcPort, &o.artifactPort, &o.expansionPort} {
		if *port == 0 {
			if *port, err = freePort(); err != nil {
				return err
			}
		}
	}
	o.jars, err = Assemble(ctx, o.Say)
	return err
}

// Endpoint is the address of the job server.
func (c *Cluster) Endpoint() string { return fmt.Sprintf("localhost:%d", c.JobPort) }

// TaskManager returns the process id of a TaskManager. One that died has another when it runs again.
func (c *Cluster) TaskManager(number int) int { return int(c.taskManagers[number].pid.Load()) }

// temp is where Flink and Beam put what nobody needs after them.
func (c *Cluster) temp() string { return filepath.Join(c.Dir, "tmp") }

// Stop kills all parts of the cluster, since none of them keeps anything, and removes their temporary files.
func (c *Cluster) Stop() {
	c.stop()
	for _, p := range c.processes {
		<-p.done
	}
	if err := os.RemoveAll(c.temp()); err != nil {
		c.Say(err.Error())
	}
}

func (c *Cluster) start(ctx, running context.Context) error {
	c.Say("starting a Flink cluster")
	if err := c.launch(running); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	if err := c.await(ctx, c.taskManagersReady); err != nil {
		return err
	}
	return c.await(ctx, c.jobServerReady)
}

// launch starts all parts; they find each other in any order.
func (c *Cluster) launch(running context.Context) error {
	if err := os.MkdirAll(c.temp(), 0o777); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(c.Dir, overridesName), overrides, 0o666); err != nil {
		return err
	}
	conf, err := c.writeConf("jobmanager", c.common())
	if err != nil {
		return err
	}
	err = c.add(running, c.java("jobmanager", "org.apache.flink.runtime.entrypoint.StandaloneSessionClusterEntrypoint", "--configDir", conf))
	if err != nil {
		return err
	}
	for number := range c.TaskManagers {
		if err := c.addTaskManager(running, number); err != nil {
			return err
		}
	}
	server := c.java("jobserver", "org.apache.beam.runners.flink.FlinkJobServerDriver",
		fmt.Sprintf("--flink-master=localhost:%d", c.RESTPort), "--flink-conf-dir="+conf, "--job-host=localhost",
		fmt.Sprintf("--job-port=%d", c.JobPort), fmt.Sprintf("--artifact-port=%d", c.artifactPort),
		fmt.Sprintf("--expansion-port=%d", c.expansionPort), "--artifacts-dir="+filepath.Join(c.temp(), "artifacts"))
	return c.add(running, server)
}

func (c *Cluster) addTaskManager(running context.Context, number int) error {
	name := fmt.Sprintf("taskmanager-%d", number)
	conf, err := c.writeConf(name, c.taskManager(number))
	if err != nil {
		return err
	}
	p := c.java(name, "org.apache.flink.runtime.taskexecutor.TaskManagerRunner", "--configDir", conf)
	c.taskManagers = append(c.taskManagers, p)
	return c.add(running, p)
}

func (c *Cluster) add(running context.Context, p *process) error {
	if err := p.start(running); err != nil {
		return err
	}
	c.processes = append(c.processes, p)
	return nil
}

func (c *Cluster) java(name, class string, args ...string) *process {
	classPath := filepath.Join(c.Dir, overridesName) + string(filepath.ListSeparator) + filepath.Join(c.jars, "*")
	flags := append(javaFlags(), "-Xmx1g", "-Djava.io.tmpdir="+c.temp(), "-cp", classPath, class)
	return &process{name: name, log: filepath.Join(c.Dir, name+".log"), program: "java", args: append(flags, args...)}
}

func (c *Cluster) writeConf(name string, conf map[string]string) (dir string, err error) {
	dir = filepath.Join(c.Dir, name)
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return "", err
	}
	return dir, os.WriteFile(filepath.Join(dir, "flink-conf.yaml"), yaml(conf), 0o666)
}

// await asks until the answer is yes.
func (c *Cluster) await(ctx context.Context, ready func(context.Context) error) error {
	for {
		err := ready(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("the Flink cluster does not start (%w): its logs are in %s", err, c.Dir)
		case <-time.After(100 * time.Millisecond):
		}
	}
}

func (c *Cluster) taskManagersReady(ctx context.Context) error {
	var overview struct {
		TaskManagers int `json:"taskmanagers"`
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, fmt.Sprintf("http://localhost:%d/overview", c.RESTPort), nil)
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if err := json.NewDecoder(response.Body).Decode(&overview); err != nil {
		return err
	}
	if overview.TaskManagers < c.Options.TaskManagers {
		return fmt.Errorf("%d of %d TaskManagers are there", overview.TaskManagers, c.Options.TaskManagers)
	}
	return nil
}

func (c *Cluster) jobServerReady(ctx context.Context) error {
	connection, err := (&net.Dialer{}).DialContext(ctx, "tcp", c.Endpoint())
	if err != nil {
		return err
	}
	return connection.Close()
}

func freePort() (int, error) {
	listener, err := net.Listen("tcp", "localhost:0")
	if err != nil {
		return 0, err
	}
	defer listener.Close()
	return listener.Addr().(*net.TCPAddr).Port, nil
}
