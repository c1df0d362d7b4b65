package runners

import (
	"strings"
	"testing"
)

func TestIsWorker(t *testing.T) {
	for line, want := range map[string]bool{
		"--worker=true --id=1-1 --logging_endpoint=localhost:1": true,
		"--id=1-1 -worker": true,
		"--id='1-1' --provision_endpoint=localhost:1": true,
		"train --provision_endpoint=localhost:1":      false,
		"--worker=false":                              false,
		"--workers":                                   false,
		"train --worker=true":                         false,
		"train --config a.yaml -worker":               false,
		"":                                            false,
	} {
		if got := IsWorker(strings.Fields(line)); got != want {
			t.Errorf("IsWorker(%q) = %v, want %v", line, got, want)
		}
	}
}
