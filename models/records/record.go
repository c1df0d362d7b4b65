package records

import (
	"fmt"
	"unsafe"
)

// Record is one record of a file. It and all that it refers to are valid until
// the next Scan.
type Record struct {
	Offset int64  // of its first byte in the (expanded) file
	Line   int64  // of its first byte, from 1, counted from where the range's first line begins
	Raw    []byte // without the line end
	// Fields are one for each column of the format, nil where JSON has null or nothing; none when Err is set. Memory of
	// the record may follow up to a field's capacity: nothing may be appended to one.
	Fields [][]byte
	Err    error // a *RecordError: this record alone is malformed
}

// IndexOf returns where in Raw the bytes of one of the fields lie, for who copies records; -1 for a field that is nil, or
// had to be decoded and lies elsewhere.
func (r *Record) IndexOf(field []byte) int {
	at := uintptr(unsafe.Pointer(unsafe.SliceData(field))) - uintptr(unsafe.Pointer(unsafe.SliceData(r.Raw)))
	if field == nil || at > uintptr(len(r.Raw)) || at+uintptr(len(field)) > uintptr(len(r.Raw)) {
		return -1
	}
	return int(at)
}

// The types of a RecordError.
const (
	FieldCount   = "field count"
	Quotes       = "quotes"
	TooLong      = "too long"
	JSONSyntax   = "json syntax"
	JSONEncoding = "json encoding"
	UnknownField = "unknown field"
	NestedValue  = "nested value"
	Duplicate    = "duplicate field"
)

// RecordError tells why one record cannot be read.
type RecordError struct {
	Type   string // one of the constants above, for counting
	Reason string // a sentence that says where in the record and what to do
}

func (e *RecordError) Error() string { return e.Reason }

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

func malformed(kind, format string, args ...any) error {
	return &RecordError{Type: kind, Reason: fmt.Sprintf(format, args...)}
}
