package features

import "fmt"

// A ColumnError says why a record's value in one column cannot be used.
type ColumnError struct {
	Column string
	Value  string // at most 64 bytes of it; "" when it is missing
	Reason string // completes the sentence, and says what to do
}

func (e *ColumnError) Error() string {
	if e.Value == "" {
		return fmt.Sprintf("column %s %s", e.Column, e.Reason)
	}
	return fmt.Sprintf("column %s: %q %s", e.Column, e.Value, e.Reason)
}

func columnError(column string, value []byte, format string, args ...any) error {
	return &ColumnError{Column: column, Value: string(value[:min(len(value), 64)]), Reason: fmt.Sprintf(format, args...)}
}
