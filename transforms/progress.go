package transforms

import "sync"

// Progress is how much input a DoFn has dealt with since it last said so.
type Progress struct {
	Records int64
	Bytes   int64 // as stored
}

// watchers are functions of this process by the name that a DoFn carries. A worker in another process finds none.
var watchers sync.Map

// Watch calls watch, from several goroutines, with the progress of the DoFns of this process that carry the name; stop
// ends it.
func Watch(name string, watch func(Progress)) (stop func()) {
	watchers.Store(name, watch)
	return func() { watchers.Delete(name) }
}

func report(name string, p Progress) {
	if watch, ok := watchers.Load(name); ok {
		watch.(func(Progress))(p)
	}
}
