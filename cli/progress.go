package cli

import (
	"fmt"
	"sync/atomic"
	"time"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"
)

// lineEvery is how often progress is written where there is no terminal.
const lineEvery = 5 * time.Second

// progress tells on standard error how far a job is: with a bar on a terminal, else with a line now and then. It is
// used by one goroutine at a time.
type progress struct {
	console  *console
	now      func() time.Time
	position func(done, total int64) string
	bar      *mpb.Bar
	shown    atomic.Pointer[beside]
	began    time.Time // when the first update came
	first    int64     // and how far it was
	lastLine time.Time
}

// beside is the text left and right of the bar, which another goroutine draws.
type beside struct{ position, details string }

// newProgress makes the progress of a job; position puts into words that done of total are done.
func (a *app) newProgress(position func(done, total int64) string) *progress {
	return &progress{console: a.console, now: time.Now, position: position}
}

// say writes a line.
func (p *progress) say(format string, args ...any) {
	fmt.Fprintf(p.console, format+"\n", args...)
}

// update tells that done of total are done; details say more about where the job is.
func (p *progress) update(done, total int64, details string) {
	now := p.now()
	if p.began.IsZero() {
		p.began, p.first = now, done
	}
	details += p.remaining(now, done, total)
	if p.console.terminal {
		p.draw(done, total, details)
		return
	}
	if done == total || now.Sub(p.lastLine) >= lineEvery {
		p.lastLine = now
		p.say("%s, %s", p.position(done, total), details)
	}
}

// remaining estimates the time left from the pace since the first update.
func (p *progress) remaining(now time.Time, done, total int64) string {
	if done <= p.first || done >= total {
		return ""
	}
	left := time.Duration(float64(now.Sub(p.began)) * float64(total-done) / float64(done-p.first))
	if left < time.Second {
		return ""
	}
	return fmt.Sprintf(", %v left", left.Round(time.Second))
}

func (p *progress) draw(done, total int64, details string) {
	p.shown.Store(&beside{p.position(done, total), details})
	if p.bar == nil {
		p.bar = p.console.showBars().AddBar(total,
			mpb.PrependDecorators(decor.Any(func(decor.Statistics) string { return p.shown.Load().position })),
			mpb.AppendDecorators(decor.Any(func(decor.Statistics) string { return " " + p.shown.Load().details })),
		)
	}
	p.bar.SetCurrent(done)
}

// close removes the bar. It has to be called before the result is printed.
func (p *progress) close() {
	if p.bar != nil {
		p.bar.Abort(true)
		p.console.hideBars()
		p.bar = nil
	}
}
