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
	out io.Writer

	mu   sync.Mutex
	bars *mpb.Progress // nil without a bar
}

// Write writes whole lines.
func (c *console) Write(line []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.bars != nil {
		return c.bars.Write(line)
	}
	return c.out.Write(line)
}

// isTerminal tells whether somebody watches, and not a file.
func (c *console) isTerminal() bool {
	f, ok := c.out.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

func (c *console) showBars() *mpb.Progress {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.bars = mpb.New(mpb.WithOutput(c.out))
	return c.bars
}

func (c *console) hideBars() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.bars.Wait()
	c.bars = nil
}
