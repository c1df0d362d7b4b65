package cli

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/penstock-ml/penstock/runners/runnerstest"
)

func TestMain(m *testing.M) {
	runnerstest.WorkIfAsked()
	keepJobsApart()
	testscript.Main(m, map[string]func(){
		"penstock":          func() { os.Exit(Main(context.Background(), os.Args[1:])) },
		"interrupted-twice": interruptedTwice,
	})
}

// keepJobsApart has the commands of tests keep their records where nobody looks for jobs.
func keepJobsApart() {
	if os.Getenv("XDG_STATE_HOME") == "" {
		os.Setenv("XDG_STATE_HOME", filepath.Join(os.TempDir(), "penstock-test-state"))
	}
}

// TestScripts plays the transcripts in testdata/script. With PENSTOCK_UPDATE=1 it rewrites the outputs in them.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		UpdateScripts:       os.Getenv("PENSTOCK_UPDATE") != "",
		RequireUniqueNames:  true,
		RequireExplicitExec: true,
		Setup:               copySpec,
		Cmds:                map[string]func(*testscript.TestScript, bool, []string){"exits": exits, "json": jsonValue, "keep": keep, "serve": serveInBackground, "interrupt": interruptServer},
	})
}

// copySpec gives a script the spec of the census in census.yaml.
func copySpec(env *testscript.Env) error {
	data, err := os.ReadFile("../testdata/census.yaml")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(env.WorkDir, "census.yaml"), data, 0o644)
}

// exits STATUS COMMAND ARGUMENT... runs a command that has to end with that status.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits STATUS COMMAND ARGUMENT...")
	}
	status := 0
	err := ts.Exec(args[1], args[2:]...)
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		status = exit.ExitCode()
	} else if err != nil {
		ts.Fatalf("%s: %v", args[1], err)
	}
	if fmt.Sprint(status) != args[0] {
		ts.Fatalf("%s ended with status %d, not %s", args[1], status, args[0])
	}
}

// serve NAME COMMAND ARGUMENT... starts a server, waits until it says where it is, and puts its URL into $NAME, in capitals.
func serveInBackground(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: serve NAME COMMAND ARGUMENT...")
	}
	command, err := exec.LookPath(args[1])
	ts.Check(err)
	cmd := exec.Command(command, append(args[2:], "--format", "json")...)
	cmd.Dir, cmd.Env, cmd.Stderr = ts.MkAbs("."), os.Environ(), os.Stderr
	stdout, err := cmd.StdoutPipe()
	ts.Check(err)
	ts.Check(cmd.Start())
	ts.Defer(func() { cmd.Process.Kill() })
	line, err := bufio.NewReader(stdout).ReadString('\n')
	ts.Check(err)
	url, err := lookUp(line, "url")
	ts.Check(err)
	ts.Setenv(strings.ToUpper(args[0]), url)
	servers.Store(ts.MkAbs(".")+args[0], cmd)
}

// servers are those that scripts have started, by directory and name.
var servers sync.Map

// interrupt NAME ends a server, which has to exit with status 0.
func interruptServer(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: interrupt NAME")
	}
	cmd, known := servers.LoadAndDelete(ts.MkAbs(".") + args[0])
	if !known {
		ts.Fatalf("there is no server %s", args[0])
	}
	ts.Check(cmd.(*exec.Cmd).Process.Signal(os.Interrupt))
	ts.Check(cmd.(*exec.Cmd).Wait())
}

// json PATH OPERATOR VALUE compares a value of the last standard output, which has to be one line of JSON. PATH is keys
// and list indices with dots between.
func jsonValue(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 3 {
		ts.Fatalf("usage: [!] json PATH (=|<|>) VALUE")
	}
	if value := output(ts, args[0]); holds(value, args[1], args[2]) == neg {
		ts.Fatalf("%s is %s, to be compared with %s %s", args[0], value, args[1], args[2])
	}
}

// keep NAME PATH puts a value of the last standard output into a variable.
func keep(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: keep NAME PATH")
	}
	ts.Setenv(args[0], output(ts, args[1]))
}

// output returns a value of the last standard output.
func output(ts *testscript.TestScript, path string) string {
	out := ts.ReadFile("stdout")
	if strings.Count(out, "\n") != 1 || !strings.HasSuffix(out, "\n") {
		ts.Fatalf("standard output is not one line:\n%s", out)
	}
	value, err := lookUp(out, path)
	ts.Check(err)
	return value
}

// lookUp returns a value in JSON as it is written there, a string without its quotes.
func lookUp(text, path string) (string, error) {
	value := json.RawMessage(text)
	for key := range strings.SplitSeq(path, ".") {
		var object map[string]json.RawMessage
		var list []json.RawMessage
		if i, err := strconv.Atoi(key); err == nil && json.Unmarshal(value, &list) == nil && i < len(list) {
			value = list[i]
		} else if err := json.Unmarshal(value, &object); err == nil && object[key] != nil {
			value = object[key]
		} else {
			return "", fmt.Errorf("there is no %s of %s in %s", key, path, text)
		}
	}
	if value[0] != '"' {
		return string(value), nil
	}
	var s string
	return s, json.Unmarshal(value, &s)
}

func holds(value, operator, bound string) bool {
	if operator == "=" {
		return value == bound
	}
	x, errX := strconv.ParseFloat(value, 64)
	y, errY := strconv.ParseFloat(bound, 64)
	return errX == nil && errY == nil && (operator == "<" && x < y || operator == ">" && x > y)
}
