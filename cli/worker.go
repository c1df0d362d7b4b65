package cli

import (
	"flag"
	"strconv"
	"strings"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"
)

// isWorker tells whether Beam's boot program started this process: it gives --worker before any word without a dash, so
// that a command's own argument never makes a worker of it.
func isWorker(args []string) bool {
	for _, arg := range args {
		name, isFlag := strings.CutPrefix(arg, "-")
		if !isFlag {
			return false
		}
		name, value, hasValue := strings.Cut(strings.TrimPrefix(name, "-"), "=")
		if name == "worker" {
			on, err := strconv.ParseBool(value)
			return !hasValue || err == nil && on
		}
	}
	return false
}

// work serves a runner. Beam ends the process itself, so to return at all is a failure.
func work(args []string) int {
	if err := flag.CommandLine.Parse(args); err != nil {
		return exitUsage
	}
	beam.Init()
	return exitFailed
}
