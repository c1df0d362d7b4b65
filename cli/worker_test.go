package cli

import (
	"strings"
	"testing"
)

func TestIsWorker(t *testing.T) {
	for line, want := range map[string]bool{
		"--worker=true --id=1-1 --logging_endpoint=localhost:1": true,
		"--id=1-1 -worker":              true,
		"--worker=false":                false,
		"--workers":                     false,
		"train --worker=true":           false,
		"train --config a.yaml -worker": false,
		"":                              false,
	} {
		if got := isWorker(strings.Fields(line)); got != want {
			t.Errorf("isWorker(%q) = %v, want %v", line, got, want)
		}
	}
}
