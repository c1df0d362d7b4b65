package cli

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"
)

func TestProgressWithoutTerminal(t *testing.T) {
	var out bytes.Buffer
	clock := time.Unix(1_000_000_000, 0)
	p := newTestProgress(&console{out: &out})
	p.now = func() time.Time { return clock }
	for step := int64(100); step <= 1000; step += 100 {
		p.update(step, 1000, "loss 0.5")
		clock = clock.Add(2 * time.Second)
	}
	p.close()
	want := `step 100 of 1000, loss 0.5
step 400 of 1000, loss 0.5, 12s left
step 700 of 1000, loss 0.5, 6s left
step 1000 of 1000, loss 0.5
`
	if out.String() != want {
		t.Errorf("wrote\n%swant\n%s", out.String(), want)
	}
}

// Lines that are written while the bar is drawn appear beside it, and after it the console is plain again.
func TestProgressOnTerminal(t *testing.T) {
	var out bytes.Buffer
	c := &console{out: &out, terminal: true}
	p := newTestProgress(c)
	p.update(1, 2, "loss 0.5")
	p.say("evaluated")
	p.update(2, 2, "loss 0.4")
	p.close()
	fmt.Fprintln(c, "done")
	for _, want := range []string{"evaluated\n", "step 2 of 2", "[====", "loss 0.4"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("drew %q, without %q", out.String(), want)
		}
	}
	if !strings.HasSuffix(out.String(), "\ndone\n") {
		t.Errorf("drew %q, which does not end with the line after the bar", out.String())
	}
}

func newTestProgress(c *console) *progress {
	return (&app{console: c}).newProgress(func(done, total int64) string { return fmt.Sprintf("step %d of %d", done, total) })
}
