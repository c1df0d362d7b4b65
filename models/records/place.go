package records

import (
	"context"
	"fmt"
)

// Place adds to an error the file and the line of the record that begins at an
// offset of the (expanded) file: "FILE:LINE: sentence". It reads the file up to
// there, and where that fails it names the offset instead of the line.
func Place(ctx context.Context, file string, offset int64, err error) error {
	line, lineErr := LineAt(ctx, file, offset)
	if lineErr != nil {
		return fmt.Errorf("%s, byte %d: %w", file, offset, err)
	}
	return fmt.Errorf("%s:%d: %w", file, line, err)
}
