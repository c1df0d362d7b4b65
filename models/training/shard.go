package training

import (
	"fmt"

	"github.com/penstock-ml/penstock/models/records"
)

// MarkEvery is the distance, in records, of the offsets that the analysis notes, so that reading a shard starts at most
// this many records before its first one.
const MarkEvery = 1024

// IndexedRange is a byte range whose records have been counted.
type IndexedRange struct {
	Range   records.Range `json:"range"`
	Records int           `json:"records"`
	// Marks are the offsets of the records 0, MarkEvery, 2*MarkEvery, ... of the range.
	Marks []int64 `json:"marks"`
}

// Shard is a descriptor: which records a shard holds. A worker reads and encodes them once and keeps the rows.
type Shard struct {
	Index int    `json:"index"`
	Rows  int    `json:"rows"`
	Parts []Part `json:"parts"`
}

// Part is a run of records within one range: Rows records after the first Skip ones at Offset.
type Part struct {
	Range  records.Range `json:"range"`
	Offset int64         `json:"offset"`
	Skip   int           `json:"skip"`
	Rows   int           `json:"rows"`
}

// PlanShards divides the records of the ranges, in order, into count shards of consecutive records whose sizes differ by
// one at most.
func PlanShards(ranges []IndexedRange, count int) ([]Shard, error) {
	total := 0
	for _, r := range ranges {
		total += r.Records
	}
	if total < count {
		return nil, fmt.Errorf("the training files have %d records, too few for %d shards: give at least one record a shard or a smaller --shards", total, count)
	}
	shards := make([]Shard, count)
	cursor := rangeCursor{ranges: ranges}
	for i := range shards {
		rows := (i+1)*total/count - i*total/count
		shards[i] = Shard{Index: i, Rows: rows, Parts: cursor.take(rows)}
	}
	return shards, nil
}

// rangeCursor walks the records of the ranges in order.
type rangeCursor struct {
	ranges []IndexedRange
	at     int // range
	row    int // record within it
}

func (c *rangeCursor) take(rows int) []Part {
	var parts []Part
	for rows > 0 {
		r := c.ranges[c.at]
		n := min(rows, r.Records-c.row)
		if n > 0 {
			mark := c.row / MarkEvery
			parts = append(parts, Part{Range: r.Range, Offset: r.Marks[mark], Skip: c.row - mark*MarkEvery, Rows: n})
		}
		c.row += n
		rows -= n
		if c.row == r.Records {
			c.at, c.row = c.at+1, 0
		}
	}
	return parts
}
