package records

import (
	"fmt"
	"strings"
)

// The kinds of files.
const (
	CSV   = "csv"
	JSONL = "jsonl"
)

// Format says how the bytes of a file make records.
type Format struct {
	Kind      string   // CSV (also when empty) or JSONL
	Delimiter byte     // between CSV fields; 0 stands for a comma
	Header    bool     // the first line of each CSV file names its columns
	Columns   []string // in the order of Record.Fields; empty: CSV fields as they come, JSON not decoded
	Multiline bool     // quoted CSV fields may hold line breaks
}

// delimiter returns the delimiter in force.
func (f Format) delimiter() byte {
	if f.Delimiter == 0 {
		return ','
	}
	return f.Delimiter
}

// splittable reports whether a scan may begin at any line of a file.
func (f Format) splittable(file string) bool {
	return !f.Multiline && !compressed(file)
}

// check refuses formats that no file can have.
func (f Format) check() error {
	if f.Kind != "" && f.Kind != CSV && f.Kind != JSONL {
		return fmt.Errorf("unknown data format %q: use %q or %q", f.Kind, CSV, JSONL)
	}
	if f.delimiter() >= 0x80 || strings.IndexByte("\"\r\n", f.Delimiter) >= 0 {
		return fmt.Errorf("the delimiter %q cannot separate fields: use an ASCII character that is no quote and no line break", f.Delimiter)
	}
	return nil
}

// compressed reports whether a file is read through gzip.
func compressed(file string) bool { return strings.HasSuffix(file, ".gz") }
