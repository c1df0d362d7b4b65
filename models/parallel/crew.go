package parallel

import (
	"sync"
	"sync/atomic"
)

// A training step is 0.2 ms, and waking a sleeping core takes a good part of that. So helpers outlive the work they are
// hired for, and look out for more for a while before they sleep. The bounds are in pauses of a few nanoseconds to some
// tens of them, depending on the processor: tenths of a millisecond.
const (
	patience = 1 << 13 // of a helper without work
	courtesy = 1 << 12 // of a caller whose helpers are not done
)

// crew are the helpers without work, the last to become so first: it is the least likely to sleep.
var crew struct {
	sync.Mutex
	idle []*helper
}

// A helper is a goroutine that does one task after the other.
type helper struct {
	task   atomic.Pointer[task]
	asleep atomic.Bool
	wake   chan struct{}
}

// A task is one worker's share of a call of Each.
type task struct {
	do      func(worker int)
	worker  int
	pending *pending
}

// pending counts tasks that are not done.
type pending struct {
	count atomic.Int32
	group sync.WaitGroup
}

// wait returns when all tasks are done.
func (p *pending) wait() {
	for range courtesy {
		if p.count.Load() == 0 {
			return
		}
		pause()
	}
	p.group.Wait()
}

func (p *pending) done() {
	p.count.Add(-1)
	p.group.Done()
}

// hire returns n helpers, to be dismissed when they are done.
func hire(n int) []*helper {
	crew.Lock()
	defer crew.Unlock()
	hired := make([]*helper, 0, n)
	for len(hired) < n && len(crew.idle) > 0 {
		last := len(crew.idle) - 1
		hired = append(hired, crew.idle[last])
		crew.idle = crew.idle[:last]
	}
	for len(hired) < n {
		h := &helper{wake: make(chan struct{}, 1)}
		go h.run()
		hired = append(hired, h)
	}
	return hired
}

func dismiss(helpers []*helper) {
	crew.Lock()
	defer crew.Unlock()
	crew.idle = append(crew.idle, helpers...)
}

// start gives a hired helper its task.
func (h *helper) start(t *task) {
	h.task.Store(t)
	if h.asleep.CompareAndSwap(true, false) {
		h.wake <- struct{}{}
	}
}

func (h *helper) run() {
	for {
		t := h.await()
		t.do(t.worker)
		t.pending.done()
	}
}

func (h *helper) await() *task {
	for {
		for range patience {
			if t := h.take(); t != nil {
				return t
			}
			pause()
		}
		h.asleep.Store(true)
		// A task that came before the helper was seen asleep is not announced by a wake.
		if h.task.Load() != nil && h.asleep.CompareAndSwap(true, false) {
			continue
		}
		<-h.wake
	}
}

func (h *helper) take() *task {
	t := h.task.Load()
	if t != nil {
		h.task.Store(nil)
	}
	return t
}
