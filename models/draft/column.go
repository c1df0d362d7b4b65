package draft

import (
	"math"
	"slices"
	"time"

	"github.com/penstock-ml/penstock/models/features"
)

// mostDistinct bounds the values of a column that are counted each on its own.
const mostDistinct = 100_000

// markers are texts that often stand for no value. Those that might be a word do so where a column of numbers has them.
var markers = map[string]bool{
	"?": true, "NA": true, "N/A": true, "n/a": true, "NaN": true, "nan": true, "NULL": true, "null": true, "#N/A": true,
	"None": false, "none": false, "-": false, ".": false, "unknown": false, "Unknown": false, "missing": false,
}

// layouts of dates and times.
var layouts = []string{
	time.DateOnly, time.DateTime, time.RFC3339, "2006-01-02T15:04:05", "2006/01/02", "01/02/2006", "1/2/2006", "02.01.2006", "2006-01-02 15:04",
}

// A column is what was seen of one.
type column struct {
	name    string
	records int64
	missing int64            // empty, or absent
	marked  map[string]int64 // of markers, by text
	absent  []string         // the markers that count as no value, sorted; known once the file has been read
	numbers int64
	whole   int64 // numbers without a fraction
	texts   int64 // words: neither numbers nor no value
	dates   int64
	bytes   int64 // of texts
	min     float64
	max     float64

	steps    bool    // each number is the last one and the same step
	step     float64 // of it
	last     float64
	counts   map[string]int64 // by text, up to mostDistinct
	overflow bool             // there were more
	seen     []string         // texts by first appearance
}

func newColumn(name string) *column {
	return &column{name: name, marked: map[string]int64{}, counts: map[string]int64{}, min: math.Inf(1), max: math.Inf(-1), steps: true}
}

// add counts one value, trimmed.
func (c *column) add(text string) {
	c.records++
	if text == "" {
		c.missing++
		return
	}
	c.count(text)
	if _, marker := markers[text]; marker {
		c.marked[text]++
		return
	}
	if x, err := features.ParseNumber([]byte(text)); err == nil {
		c.addNumber(x)
		return
	}
	c.texts++
	c.bytes += int64(len(text))
	if isDate(text) {
		c.dates++
	}
}

func (c *column) count(text string) {
	if _, known := c.counts[text]; !known {
		if len(c.counts) == mostDistinct {
			c.overflow = true
			return
		}
		c.seen = append(c.seen, text)
	}
	c.counts[text]++
}

func (c *column) addNumber(x float64) {
	if c.numbers == 1 {
		c.step = x - c.last
	}
	if c.numbers > 0 && (x-c.last != c.step || c.step == 0) {
		c.steps = false
	}
	c.last = x
	c.numbers++
	if x == math.Trunc(x) {
		c.whole++
	}
	c.min, c.max = min(c.min, x), max(c.max, x)
}

func isDate(text string) bool {
	if len(text) < 8 || len(text) > 30 {
		return false
	}
	return slices.ContainsFunc(layouts, func(layout string) bool {
		_, err := time.Parse(layout, text)
		return err == nil
	})
}

// numeric tells that every value is a number or stands for none.
func (c *column) numeric() bool { return c.numbers > 0 && c.texts == 0 }

// settle makes words of the markers that do not stand for no value.
func (c *column) settle(absent map[string]bool) {
	for text, n := range c.marked {
		if absent[text] {
			c.absent = append(c.absent, text)
			continue
		}
		c.texts += n
		c.bytes += n * int64(len(text))
	}
	slices.Sort(c.absent)
}

// values is the number of records that have a value.
func (c *column) values() int64 {
	n := c.records - c.missing
	for _, text := range c.absent {
		n -= c.marked[text]
	}
	return n
}

// distinct is the number of values that differ.
func (c *column) distinct() int { return len(c.counts) - len(c.absent) }
