package records

import (
	"cmp"
	"context"
	"fmt"
	"strconv"
	"strings"
)

// skipHeader reads the first line and checks it against the columns.
func (s *Scanner) skipHeader() {
	data := s.csv
	s.csv = newCSVParser(Format{Delimiter: data.delimiter}) // the header's count is checked below
	if s.scan() {
		s.failure = s.checkHeader(data.columns)
	} else if s.failure == nil && s.lines > 0 {
		s.failure = errEmptyHeader(s.name)
	}
	s.csv = data
}

func errEmptyHeader(name string) error {
	return fmt.Errorf("%s: line 1 should be the header but is empty: delete the empty lines before it", name)
}

func (s *Scanner) checkHeader(columns []string) error {
	switch {
	case s.record.Line != 1:
		return errEmptyHeader(s.name)
	case s.record.Err != nil:
		return fmt.Errorf("%s: line 1, the header: %w", s.name, s.record.Err)
	case len(columns) == 0:
		return nil
	case len(columns) != len(s.record.Fields):
		return fmt.Errorf("%s: line 1, the header, has %d columns where %d are expected: check data.columns and data.delimiter",
			s.name, len(s.record.Fields), len(columns))
	}
	for i, name := range s.record.Fields {
		if got := HeaderName(i, string(name)); got != columns[i] {
			return fmt.Errorf("%s: line 1, the header, names column %d %q where %q is expected: check data.columns",
				s.name, i+1, got, columns[i])
		}
	}
	return nil
}

// ReadHeader returns the fields of a CSV file's first record, trimmed: the
// column names where the file has a header, else a sample of how many there
// are.
func ReadHeader(ctx context.Context, file string, f Format) ([]string, error) {
	r, err := Whole(ctx, file)
	if err != nil {
		return nil, err
	}
	f.Header, f.Columns = false, nil
	s, err := Open(ctx, f, r)
	if err != nil {
		return nil, err
	}
	defer s.Close()
	if !s.Scan() {
		if s.Err() != nil {
			return nil, s.Err()
		}
		return nil, fmt.Errorf("%s: the file is empty", file)
	}
	if s.record.Err != nil {
		return nil, fmt.Errorf("%s: line %d: %w", file, s.record.Line, s.record.Err)
	}
	names := make([]string, len(s.record.Fields))
	for i, field := range s.record.Fields {
		names[i] = HeaderName(i, string(field))
	}
	return names, nil
}

// HeaderName is the name that the i-th field of a header gives its column: what
// stands there or, where that is nothing, the column's number from 1.
func HeaderName(i int, field string) string {
	return cmp.Or(strings.TrimSpace(field), strconv.Itoa(i+1))
}
