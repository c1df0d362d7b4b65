package parallel

// pause tells the processor that this is a loop that waits, which leaves more of a shared core to its other thread.
//
//go:noescape
func pause()
