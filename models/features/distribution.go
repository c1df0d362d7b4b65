package features

import (
	"cmp"
	"math"
	"slices"
)

// mostKeys bounds a distribution's memory.
const mostKeys = 1 << 16

// A distribution counts numbers by their value, in as many digits as keep the number of distinct ones within mostKeys. How
// many that are depends on all numbers together and not on the order in which they, or parts of them, came: of numbers
// with few distinct values every one is exact.
type distribution struct {
	dropped uint // low bits of keys that are left out
	counts  map[uint64]int64
}

func newDistribution() distribution { return distribution{counts: map[uint64]int64{}} }

// keyOf maps numbers to keys in their order.
func keyOf(x float64) uint64 {
	bits := math.Float64bits(x + 0) // so that -0 is 0
	if bits>>63 == 1 {
		return ^bits
	}
	return bits | 1<<63
}

// numberOf is the number of a key.
func numberOf(key uint64) float64 {
	if key>>63 == 1 {
		return math.Float64frombits(key &^ (1 << 63))
	}
	return math.Float64frombits(^key)
}

// add counts n times x.
func (d *distribution) add(x float64, n int64) { d.addCount(keyOf(x)>>d.dropped, n) }

func (d *distribution) addCount(key uint64, n int64) {
	d.counts[key] += n
	for len(d.counts) > mostKeys {
		d.drop(d.dropped + 1)
	}
}

// drop leaves out so many low bits.
func (d *distribution) drop(bits uint) {
	fewer := make(map[uint64]int64, len(d.counts))
	for key, n := range d.counts {
		fewer[key>>(bits-d.dropped)] += n
	}
	d.counts, d.dropped = fewer, bits
}

func (d *distribution) merge(other *distribution) {
	if other.dropped > d.dropped {
		d.drop(other.dropped)
	}
	for key, n := range other.counts {
		d.addCount(key>>(d.dropped-min(d.dropped, other.dropped)), n)
	}
}

func (d *distribution) clone() distribution {
	copied := newDistribution()
	copied.merge(d)
	return copied
}

// A tally is a value, the least of its key, with its count.
type tally struct {
	value float64
	count int64
}

// inOrder lists the values in ascending order.
func (d *distribution) inOrder() (list []tally) {
	keys := make([]uint64, 0, len(d.counts))
	for key := range d.counts {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	for _, key := range keys {
		list = append(list, tally{numberOf(key << d.dropped), d.counts[key]})
	}
	return list
}

// boundaries cut the numbers into at most n intervals with about as many each. A value that more than half of them have
// gets an interval of its own, and the others share the rest: their quantiles would else all be that value.
func (d *distribution) boundaries(n int) []float64 {
	list := d.inOrder()
	mode := slices.MaxFunc(list, func(a, b tally) int { return cmp.Compare(a.count, b.count) })
	total := int64(0)
	for _, t := range list {
		total += t.count
	}
	if 2*mode.count <= total {
		return quantiles(list, n)
	}
	at := slices.IndexFunc(list, func(t tally) bool { return t.value == mode.value })
	others := slices.Concat(list[:at], list[at+1:])
	cuts := quantiles(others, max(1, n-1))
	if at > 0 {
		cuts = append(cuts, mode.value)
	}
	if at+1 < len(list) {
		cuts = append(cuts, list[at+1].value)
	}
	slices.Sort(cuts)
	return slices.Compact(cuts)
}

// quantiles are the first values of the 2nd to nth interval, where those are different ones.
func quantiles(list []tally, n int) (cuts []float64) {
	total, before := int64(0), int64(0)
	for _, t := range list {
		total += t.count
	}
	next := 1 // the cut that is looked for
	for i, t := range list {
		if i > 0 && before*int64(n) >= int64(next)*total {
			cuts = append(cuts, t.value)
			for next < n && before*int64(n) >= int64(next)*total {
				next++
			}
		}
		if next == n {
			break
		}
		before += t.count
	}
	return cuts
}
