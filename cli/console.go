package cli

import (
	"io"
	"os"
	"sync"

	"github.com/vbauerster/mpb/v8"
	"golang.org/x/term"
)

// console is standard error. While a progress bar is on it, what is written appears above the bar.
type console struct {
	out      io.Writer
	terminal bool // somebody watches, and not a file

	mu   sync.Mutex
	bars *mpb.Progress // nil without a bar
	also io.Writer     // a job's log, or nil
}

func newConsole(out io.Writer) *console {
	f, isFile := out.(*os.File)
	return &console{out: out, terminal: isFile && term.IsTerminal(int(f.Fd()))}
}

// Write writes whole lines.
func (c *console) Write(line []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.also != nil {
		_, _ = c.also.Write(line) // a log that is full must not end the job
	}
	if c.bars != nil {
		return c.bars.Write(line)
	}
	return c.out.Write(line)
}

// alsoTo has lines written to w, too, or no longer if it is nil.
func (c *console) alsoTo(w io.Writer) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.also = w
}

func (c *console) showBars() *mpb.Progress {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.bars = mpb.New(mpb.WithOutput(c.out), mpb.WithAutoRefresh())
	return c.bars
}

func (c *console) hideBars() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.bars.Wait()
	c.bars = nil
}
