package records

import (
	"slices"
	"strings"

	"github.com/penstock-ml/penstock/storage"
)

// Range is a part of a file: the records whose first byte lies in [Start, End).
// It is plain data and may travel as JSON.
type Range struct {
	File       string
	Size       int64 // of the whole file, in bytes as stored
	Index      int   // among all ranges of a Split, from 0
	Start, End int64 // in bytes as stored; a compressed file's range is all of it
	Compressed bool  // with gzip
}

// Split cuts files into ranges of rangeBytes each (the last of a file is what
// is left), ordered by file name, then by offset. A file that cannot be entered
// in the middle is one range, and so is an empty one; rangeBytes <= 0 cuts no
// file.
func Split(files []storage.Info, f Format, rangeBytes int64) []Range {
	files = slices.Clone(files)
	slices.SortStableFunc(files, func(a, b storage.Info) int { return strings.Compare(a.Path, b.Path) })
	var ranges []Range
	for _, file := range files {
		step := rangeBytes
		if step <= 0 || !f.splittable(file.Path) {
			step = max(file.Size, 1)
		}
		for start := int64(0); start == 0 || start < file.Size; start += step {
			ranges = append(ranges, Range{
				File:       file.Path,
				Size:       file.Size,
				Index:      len(ranges),
				Start:      start,
				End:        min(start+step, file.Size),
				Compressed: compressed(file.Path),
			})
		}
	}
	return ranges
}
