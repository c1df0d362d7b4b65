package transforms

import (
	"sync"
	"time"
)

// StreamProgress is what a puller has done with a batch.
type StreamProgress struct {
	Messages, Rejected int64
	Lag                time.Duration // of the oldest message, from its publication to its answer
	Full               bool          // as many as a batch may have: more are likely to wait
	Version            string        // of the model
}

// streams are the streams of this process by the name that their DoFns carry. A worker in another process than the
// launcher's has its own, which nobody watches or stops.
var streams = streamTable{table: map[string]*streamEntry{}}

type streamTable struct {
	mu    sync.Mutex
	table map[string]*streamEntry
}

type streamEntry struct {
	watch   func(StreamProgress) // nil: nobody
	stop    bool
	lastOne time.Time // message
}

// entry is that of a stream. The caller holds the lock.
func (t *streamTable) entry(name string) *streamEntry {
	e := t.table[name]
	if e == nil {
		e = &streamEntry{lastOne: time.Now()}
		t.table[name] = e
	}
	return e
}

// WatchStream calls watch with the progress of a stream's pullers in this process, by one goroutine at a time. stop has
// them end after the batches that they are at.
func WatchStream(name string, watch func(StreamProgress)) (stop, unwatch func()) {
	streams.mu.Lock()
	defer streams.mu.Unlock()
	streams.entry(name).watch = watch
	stop = func() {
		streams.mu.Lock()
		defer streams.mu.Unlock()
		streams.entry(name).stop = true
	}
	unwatch = func() {
		streams.mu.Lock()
		defer streams.mu.Unlock()
		delete(streams.table, name)
	}
	return stop, unwatch
}

func (t *streamTable) report(name string, p StreamProgress) {
	t.mu.Lock()
	defer t.mu.Unlock()
	e := t.entry(name)
	e.lastOne = time.Now()
	if e.watch != nil {
		e.watch(p)
	}
}

// stopping tells whether a stream shall end: it was told to, or nothing has come for as long as it may be idle.
func (t *streamTable) stopping(name string, idleExit time.Duration) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	e := t.entry(name)
	return e.stop || idleExit > 0 && time.Since(e.lastOne) > idleExit
}
