package records

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math"
)

// Scanner reads the records of one range. It is for one goroutine.
type Scanner struct {
	window
	format  Format
	name    string
	closer  io.Closer // nil: the caller's own reader
	stop    int64     // lines that begin here or later belong to the next range
	partial bool      // the window begins in a line of the range before
	begun   bool
	lines   int64
	record  Record
	csv     csvParser
	json    *JSONDecoder
	values  [][]byte // of a JSON record
	failure error
}

// Open begins to read a range. The caller closes the scanner.
func Open(ctx context.Context, f Format, r Range) (*Scanner, error) {
	if r.Start == 0 {
		return open(ctx, f, r, 0)
	}
	if !f.splittable(r.File) {
		return nil, fmt.Errorf("%s: the range begins at byte %d, but such a file can only be read from its start", r.File, r.Start)
	}
	// A line begins at Start only if the byte before it ends one.
	s, err := open(ctx, f, r, r.Start-1)
	if err == nil {
		s.partial = true
	}
	return s, err
}

// OpenAt begins to read a range at the record that begins at offset (of the
// expanded file, where it is compressed). Lines are counted from there. Offset
// 0 is the same as Open.
func OpenAt(ctx context.Context, f Format, r Range, offset int64) (*Scanner, error) {
	if offset < r.Start || (offset > r.End && !r.Compressed) {
		return nil, fmt.Errorf("%s: offset %d is outside of the range from %d to %d", r.File, offset, r.Start, r.End)
	}
	return open(ctx, f, r, offset)
}

func open(ctx context.Context, f Format, r Range, offset int64) (*Scanner, error) {
	if err := f.check(); err != nil {
		return nil, err
	}
	source, err := openSource(ctx, r, offset)
	if err != nil {
		return nil, err
	}
	s := newScanner(source, f, r.File, offset, blockBytes)
	s.closer = source
	if !r.Compressed {
		s.stop = r.End
	}
	return s, nil
}

// NewScanner reads all records of a stream. The name stands for the file in
// errors. The reader stays the caller's to close.
func NewScanner(r io.Reader, f Format, name string) *Scanner {
	s := newScanner(r, f, name, 0, blockBytes)
	s.failure = f.check()
	return s
}

// One returns the fields of data that have to be one record, a header apart. They
// are parts of memory that belongs to the caller.
func One(data []byte, f Format) ([][]byte, error) {
	f.Header = false
	s := newScanner(bytes.NewReader(data), f, "", 0, len(data)+1)
	if s.failure = f.check(); s.failure != nil {
		return nil, s.failure
	}
	if !s.Scan() {
		if s.failure == nil {
			s.failure = malformed(FieldCount, "there is no record")
		}
		return nil, s.failure
	}
	record := s.record
	if record.Err != nil {
		return nil, record.Err
	}
	fields := make([][]byte, len(record.Fields))
	for i, field := range record.Fields {
		fields[i] = bytes.Clone(field)
	}
	if s.Scan() {
		return nil, malformed(FieldCount, "there is more than one record")
	}
	return fields, s.failure
}

func newScanner(source io.Reader, f Format, name string, offset int64, block int) *Scanner {
	s := &Scanner{
		window: newWindow(source, offset, block),
		format: f,
		name:   name,
		stop:   math.MaxInt64,
		csv:    newCSVParser(f),
	}
	if f.Kind == JSONL && len(f.Columns) > 0 {
		s.json = NewJSONDecoder(f.Columns)
		s.values = make([][]byte, len(f.Columns))
	}
	return s
}

// Record returns the record of the last Scan, valid until the next.
func (s *Scanner) Record() *Record { return &s.record }

// Lines returns how many line ends the lines of this range have had so far:
// after the last Scan, the sum over the ranges before it turns a record's Line
// into its line in the file.
func (s *Scanner) Lines() int64 { return s.lines }

// Err returns what ended the scan before the range's end, nil if nothing did.
func (s *Scanner) Err() error { return s.failure }

// Close frees the file. The record and its bytes stay valid.
func (s *Scanner) Close() error {
	if s.closer == nil {
		return nil
	}
	return s.closer.Close()
}

// Scan reads the next record, malformed ones included. It returns false at the
// end of the range or when reading fails; Err tells which.
func (s *Scanner) Scan() bool {
	if !s.begun {
		s.begin()
	}
	return s.scan()
}

func (s *Scanner) scan() bool {
	for s.failure == nil && s.offset < s.stop {
		end, next, ok := s.line(0)
		if !ok {
			return s.endOfBytes()
		}
		if !s.blank(s.bytes(0, end)) {
			s.read(end, next)
			return s.failure == nil
		}
		s.advance(end, next)
	}
	return false
}

// blank reports whether a line holds no record.
func (s *Scanner) blank(line []byte) bool {
	if len(line) > 0 && s.format.Kind == JSONL {
		return len(bytes.TrimLeft(line, " \t\r")) == 0
	}
	return len(line) == 0
}

// read makes the record of the line that ends at end.
func (s *Scanner) read(end, next int) {
	s.record = Record{Offset: s.offset, Line: s.lines + 1}
	switch {
	case s.json != nil:
		s.record.Err = s.json.Decode(s.bytes(0, end), s.values)
		s.record.Fields = s.values
	case s.format.Kind == JSONL:
	case s.hasQuote(end):
		end, next, s.record.Err = s.readQuoted(end, next)
		if s.record.Err == nil {
			s.record.Fields = s.csv.quoted(s.bytes(0, end))
		}
	default:
		s.record.Fields, s.record.Err = s.csv.plain(s.bytes(0, end))
	}
	if s.record.Err != nil {
		s.record.Fields = nil
	}
	s.record.Raw = s.bytes(0, end)
	s.advance(end, next)
}

// advance consumes the record of [0, end) with its line end.
func (s *Scanner) advance(end, next int) {
	if s.format.Multiline {
		s.lines += int64(bytes.Count(s.bytes(0, end), []byte{'\n'}))
	}
	if next > end && s.buf[s.start+next-1] == '\n' {
		s.lines++
	}
	s.consume(next)
}

// readQuoted parses a record with quotes, which with Multiline may go on for
// several lines. It returns the record's own end.
func (s *Scanner) readQuoted(end, next int) (int, int, error) {
	s.csv.reset()
	lineEnd, lineNext := end, next
	err := s.csv.line(s.bytes(0, end), 0)
	for err == nil && s.csv.open {
		if !s.format.Multiline {
			return end, next, s.csv.openError("if fields may hold line breaks, set data.multiline")
		}
		from, ok := lineNext, false
		if lineEnd, lineNext, ok = s.line(from); !ok {
			// Unless reading failed, the quote is a mistake: what follows it
			// cannot all belong to this record, and only its first line is lost.
			s.fail()
			return end, next, s.csv.openError("close it with a quote")
		}
		s.csv.breakLine()
		err = s.csv.line(s.bytes(from, lineEnd), from)
	}
	if err == nil {
		err = s.csv.checkCount(len(s.csv.spans))
	}
	return lineEnd, lineNext, err
}

// begin moves to the first record of the range.
func (s *Scanner) begin() {
	s.begun = true
	if s.partial {
		s.skipPartialLine()
	} else if s.offset == 0 && s.stop > 0 {
		s.skipByteOrderMark()
		if s.format.Header && s.format.Kind != JSONL {
			s.skipHeader()
		}
	}
}

// skipPartialLine drops the rest of a line that the range before this one owns.
// A line that covers all of this range is not followed beyond it.
func (s *Scanner) skipPartialLine() {
	for s.offset < s.stop {
		if i := bytes.IndexByte(s.bytes(0, s.size()), '\n'); i >= 0 {
			s.consume(i + 1)
			return
		}
		s.consume(s.size())
		if !s.fill() {
			s.fail()
			return
		}
	}
}

// skipByteOrderMark drops a UTF-8 mark. It is part of the first line, which
// belongs to this range even where that ends within the mark.
func (s *Scanner) skipByteOrderMark() {
	const mark = "\xef\xbb\xbf"
	for s.size() < len(mark) && s.fill() {
	}
	if bytes.HasPrefix(s.bytes(0, s.size()), []byte(mark)) {
		s.consume(len(mark))
		s.stop = max(s.stop, s.offset+1)
	}
}

// endOfBytes ends the scan where no whole line is left: at the end of the
// stream, at a failure, or with a record for a line that is too long.
func (s *Scanner) endOfBytes() bool {
	if !s.full() {
		s.fail()
		return false
	}
	const shown = 4 << 10
	s.record = Record{
		Offset: s.offset,
		Line:   s.lines + 1,
		Raw:    bytes.Clone(s.bytes(0, min(shown, s.size()))),
		Err:    malformed(TooLong, "the line is longer than %d MB: is the file in lines, and is it compressed without a name in .gz?", s.limit>>20),
	}
	s.skipLongLine()
	return true
}

// skipLongLine moves behind the next line end without keeping bytes.
func (s *Scanner) skipLongLine() {
	for {
		if i := bytes.IndexByte(s.bytes(0, s.size()), '\n'); i >= 0 {
			s.consume(i + 1)
			s.lines++
			return
		}
		s.consume(s.size())
		if !s.fill() {
			return // the next Scan reports why
		}
	}
}

// fail keeps what ended the stream, unless that is its end. Our own readers name
// the file in their errors, a caller's reader does not.
func (s *Scanner) fail() {
	switch {
	case s.err == nil || s.err == io.EOF:
	case s.closer != nil:
		s.failure = s.err
	default:
		s.failure = fmt.Errorf("%s: cannot read beyond byte %d: %w", s.name, s.offset+int64(s.size()), s.err)
	}
}
