package pipelines

import (
	"strings"
	"testing"
	"time"
)

func TestLongRunsAreToldOfLocalRounds(t *testing.T) {
	if said := paceWarning(3*time.Second, 5, 400); said != "" {
		t.Errorf("a run of four minutes is told %q", said)
	}
	said := paceWarning(3*time.Second, 5, 10_000)
	for _, want := range []string{"10000 rounds", "1h40m0s", "--local-steps 64", "157 rounds", "1m34s"} {
		if !strings.Contains(said, want) {
			t.Errorf("%q lacks %q", said, want)
		}
	}
}
