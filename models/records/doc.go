// Package records turns the bytes of data files into records, a byte range at
// a time, fast and without losing count.
//
// Call Split to cut files into ranges, Open to scan one of them:
//
//	for _, r := range records.Split(files, format, 64<<20) {
//		s, err := records.Open(ctx, format, r)
//		...
//		for s.Scan() {
//			record := s.Record()
//		}
//		err = s.Err()
//		s.Close()
//	}
//
// # Ranges
//
// A record belongs to the range that holds its first byte; the scanner of that
// range reads on beyond its end to finish it. So any partition of a file gives
// each record exactly once, and the ranges in order give the records in order.
// Compressed files, and those whose quoted fields may hold line breaks, are
// one range each.
//
// # Formats
//
// CSV follows encoding/csv (and so RFC 4180): empty lines are skipped, "\r\n"
// ends a line as "\n" does, a field in quotes may hold delimiters and doubled
// quotes. It differs in three points: a byte-order mark at the start of a file
// is dropped, a record that is malformed never hides the next, and a quoted
// field holds a line break only with Format.Multiline. Where such a field is
// never closed, only its first line is taken for malformed.
//
// JSON lines hold one flat object each (RFC 8259, with UTF-8 and unique names
// required as by RFC 7493).
//
// A file whose name ends in ".gz" is read through gzip (RFC 1952).
//
// # Errors
//
// A malformed record carries its own error and the scan goes on. What ends a
// scan, such as a truncated file, is reported by Scanner.Err.
package records
