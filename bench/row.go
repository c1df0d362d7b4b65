package main

import (
	"context"
	"slices"
)

// side runs one side of a pair once. The number of the pair, from 0, serves as a seed.
type side func(ctx context.Context, b *bench, pair int) (measurement, error)

// measurement is what one side of a pair has reached, in the row's unit.
type measurement struct {
	value    float64
	resident int64 // most bytes in memory; 0: not known
}

// row is one piece of work.
type row struct {
	name     string // what -run selects
	work     string // what BENCHMARKS.md calls it
	unit     string // "s" and "ms" are better when small, all others when large
	pairs    int    // 0: as -pairs says
	real     bool   // needs the real census data
	penstock side
	peers    []peer
	// flops is the least float32 operations that one example needs, 0 where a share of the peak makes no sense.
	flops float64
}

// peer is one alternative to Penstock for a row's work.
type peer struct {
	name string
	// environment is the virtual environment that runs the script, which needs the modules.
	environment string
	script      string
	modules     []string
	run         side
}

// result is a row with one of its peers, or with none.
type result struct {
	row               *row
	peer              string // empty: none
	penstock          float64
	peerFigure, ratio float64
	resident          int64
	pairs             int
}

// skipped is something that has no figure.
type skipped struct{ what, why string }

// measure runs a row against each of its peers, or alone where none can be run.
func (b *bench) measure(ctx context.Context, r *row) {
	if r.real && !b.data.real {
		b.skip(r.work, "needs the real census data")
		return
	}
	before := len(b.results)
	for i := range r.peers {
		p := &r.peers[i]
		if err := b.available(ctx, p); err != nil {
			b.skip(r.work+": "+p.name, err.Error())
			continue
		}
		b.add(ctx, r, p, r.work+": "+p.name)
	}
	if len(b.results) == before {
		b.add(ctx, r, nil, r.work)
	}
}

// add measures a row against a peer, or alone, and keeps the result, or why there is none.
func (b *bench) add(ctx context.Context, r *row, p *peer, what string) {
	b.say("%s", what)
	result, err := b.pair(ctx, r, p)
	if err != nil {
		b.skip(what, err.Error())
		return
	}
	b.results = append(b.results, *result)
}

// pair interleaves Penstock with a peer, or measures it alone.
func (b *bench) pair(ctx context.Context, r *row, p *peer) (*result, error) {
	found := &result{row: r, pairs: b.pairsOf(r)}
	var own, theirs, ratios []float64
	for i := range found.pairs {
		other, versus := measurement{}, ""
		if p != nil {
			var err error
			if other, err = b.insist(ctx, p, i); err != nil {
				return nil, err
			}
			versus = ", " + p.name + " " + number(other.value)
		}
		m, err := r.penstock(ctx, b, i)
		if err != nil {
			b.failed = true
			return nil, err
		}
		own, theirs = append(own, m.value), append(theirs, other.value)
		ratios = append(ratios, r.ratio(other.value, m.value))
		found.resident = max(found.resident, m.resident)
		b.say("  Penstock %s %s%s", number(m.value), r.unit, versus)
	}
	found.penstock = median(own)
	if p != nil {
		found.peer, found.peerFigure, found.ratio = p.name, median(theirs), median(ratios)
	}
	return found, nil
}

// peerAttempts is how often a peer is run for one figure: some abort now and then.
const peerAttempts = 3

// insist runs a peer until it does not fail.
func (b *bench) insist(ctx context.Context, p *peer, pair int) (m measurement, err error) {
	for range peerAttempts {
		if m, err = p.run(ctx, b, pair); err == nil || ctx.Err() != nil {
			break
		}
		b.say("  %s failed: %v", p.name, err)
	}
	return m, err
}

func (b *bench) pairsOf(r *row) int {
	switch {
	case b.quick:
		return 1
	case r.pairs > 0:
		return r.pairs
	}
	return b.pairs
}

// ratio is how many times better Penstock is.
func (r *row) ratio(peer, penstock float64) float64 {
	if r.unit == "s" || r.unit == "ms" {
		return peer / penstock
	}
	return penstock / peer
}

// median of at least one figure; of an even number the mean of the two in the middle.
func median(x []float64) float64 {
	sorted := slices.Sorted(slices.Values(x))
	middle := len(sorted) / 2
	if len(sorted)%2 == 1 {
		return sorted[middle]
	}
	return (sorted[middle-1] + sorted[middle]) / 2
}
