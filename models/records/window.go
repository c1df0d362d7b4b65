package records

import (
	"bytes"
	"io"
)

const (
	// blockBytes is the size of a read.
	blockBytes = 256 << 10

	// maxRecordBytes bounds the memory that one record can take.
	maxRecordBytes = 16 << 20

	// padding is how many bytes of readable memory lie behind all that a window holds: a block of the field splitter.
	padding = blockBits

	// emptyReads is how often in a row a reader may return nothing.
	emptyReads = 100
)

// window holds the bytes of a stream from the current record on. Positions are
// relative to start, which only consume moves, so that they outlive a fill.
type window struct {
	source io.Reader
	buf    []byte // buf[start:end] is unread; padding follows
	start  int
	end    int
	offset int64 // of buf[start] in the stream
	quote  int   // no quote in buf[start:quote]
	limit  int   // of the bytes that the window may hold, maxRecordBytes
	err    error // what ended the stream, once it has: io.EOF or a failure
}

func newWindow(source io.Reader, offset int64, size int) window {
	return window{source: source, offset: offset, buf: make([]byte, size+padding), limit: maxRecordBytes}
}

// size returns how many bytes are held.
func (w *window) size() int { return w.end - w.start }

// bytes returns the bytes of [from, to). The slice is valid until the next fill
// and has padding behind it.
func (w *window) bytes(from, to int) []byte { return w.buf[w.start+from : w.start+to] }

// consume moves the window's start. The bytes before it stay valid until the
// next fill.
func (w *window) consume(n int) {
	w.start += n
	w.offset += int64(n)
}

// line returns the end of the line that begins at from, without its line end,
// and the begin of the next one. The stream's last line may have no line end.
// Without a line, ok is false: the stream has ended, failed, or has no line end
// within the limit.
func (w *window) line(from int) (end, next int, ok bool) {
	for searched := from; ; {
		if i := bytes.IndexByte(w.buf[w.start+searched:w.end], '\n'); i >= 0 {
			end = searched + i
			return w.trimReturn(from, end), end + 1, end < w.limit
		}
		searched = w.size()
		if !w.fill() {
			return w.trimReturn(from, searched), searched, w.err == io.EOF && from < searched && !w.full()
		}
	}
}

// trimReturn drops the '\r' of a line's end.
func (w *window) trimReturn(from, end int) int {
	if end > from && w.buf[w.start+end-1] == '\r' {
		return end - 1
	}
	return end
}

// hasQuote reports whether [0, end) may hold a quote. It looks ahead over the
// whole window, so that files without quotes are searched once and fast.
func (w *window) hasQuote(end int) bool {
	if w.quote < w.start {
		w.quote = w.end
		if i := bytes.IndexByte(w.buf[w.start:w.end], '"'); i >= 0 {
			w.quote = w.start + i
		}
	}
	return w.quote < w.start+end
}

// full reports whether no more bytes may be held.
func (w *window) full() bool { return w.size() >= w.limit }

// fill reads more bytes. It returns false when there are none or no room.
func (w *window) fill() bool {
	if w.err != nil || w.full() {
		return false
	}
	w.makeRoom()
	room := w.buf[w.end : len(w.buf)-padding]
	for range emptyReads {
		n, err := w.source.Read(room)
		w.end += n
		w.err = err
		if n > 0 || err != nil {
			return n > 0
		}
	}
	w.err = io.ErrNoProgress
	return false
}

// makeRoom moves the unread bytes to the front, into a larger buffer if they
// fill this one.
func (w *window) makeRoom() {
	buf := w.buf
	if w.size()+padding == len(buf) {
		buf = make([]byte, 2*w.size()+padding)
	}
	copy(buf, w.buf[w.start:w.end])
	w.buf = buf
	w.end -= w.start
	w.quote -= w.start
	w.start = 0
}
