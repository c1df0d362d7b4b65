package cli

import (
	"bytes"
	"fmt"
	"testing"
	"time"
)

func TestProgressWithoutTerminal(t *testing.T) {
	var out bytes.Buffer
	clock := time.Unix(1_000_000_000, 0)
	p := (&app{console: &console{out: &out}}).newProgress(func(done, total int64) string { return fmt.Sprintf("step %d of %d", done, total) })
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
