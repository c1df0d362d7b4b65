package synthetic

import (
	"context"
	"fmt"
	"io"
	"strconv"

	"github.com/penstock-ml/penstock/models/metrics"
	"github.com/penstock-ml/penstock/models/parallel"
)

// Columns are the names of a record's columns; the last is the label.
var Columns = []string{"age", "workclass", "fnlwgt", "education", "education_num", "marital_status", "occupation",
	"relationship", "race", "gender", "capital_gain", "capital_loss", "hours_per_week", "native_country", "income_bracket"}

// Row is one generated record.
type Row struct {
	person
	Logit float32 // of ">50K", the truth: its sigmoid is the probability of the label
	Label bool    // ">50K"
}

// NewRow returns the record of a number, at least 0, under a seed.
func NewRow(seed, number int64) Row {
	var r Row
	s := newStream(seed, number)
	r.draw(&s)
	r.Logit = float32(r.person.logit())
	r.Label = s.uniform() < metrics.Sigmoid(r.Logit)
	return r
}

// AppendCSV appends the record as a line of CSV.
func (r *Row) AppendCSV(b []byte) []byte {
	b = appendInt(b, r.age)
	b = appendName(b, workclasses[r.workclass])
	b = appendInt(b, r.fnlwgt)
	b = appendName(b, educations[r.education])
	b = appendInt(b, r.educationNum)
	b = appendName(b, maritalStatuses[r.marital])
	b = appendName(b, occupations[r.occupation])
	b = appendName(b, relationships[r.relationship])
	b = appendName(b, races[r.race])
	b = appendName(b, genders[r.gender])
	b = appendInt(b, r.capitalGain)
	b = appendInt(b, r.capitalLoss)
	b = appendInt(b, r.hours)
	b = appendName(b, countries[r.country])
	b = append(b, labels[boolIndex(r.Label)]...)
	return append(b, '\n')
}

func appendInt(b []byte, x int) []byte { return append(strconv.AppendInt(b, int64(x), 10), ',') }

func appendName(b []byte, name string) []byte { return append(append(b, name...), ',') }

// Census writes the rows [from, to) of a seed as CSV, on all cores; the bytes do
// not depend on their number. It returns the figures that the true probabilities
// reach on these very rows: their AUC, ties half, is the best that a model can
// expect, as is their loss.
func Census(ctx context.Context, w io.Writer, seed, from, to int64) (*metrics.Metrics, error) {
	if from < 0 || to <= from {
		return nil, fmt.Errorf("synthetic: rows [%d, %d) are none; give a positive number of rows", from, to)
	}
	g := generator{seed: seed, parts: make([]part, parallel.Workers(int((to-from+partRows-1)/partRows)))}
	for start := from; start < to; {
		var used int
		for used = 0; used < len(g.parts) && start < to; used++ {
			g.parts[used].from, g.parts[used].to = start, min(start+partRows, to)
			start = g.parts[used].to
		}
		if err := g.write(ctx, w, g.parts[:used]); err != nil {
			return nil, err
		}
	}
	return g.truth()
}

// partRows is how many rows a core generates before they are written.
const partRows = 8192

type generator struct {
	seed  int64
	parts []part // as many as cores work at once
}

// part is a range of rows and what one core makes of it.
type part struct {
	from, to int64
	lines    []byte
	figures  *metrics.Figures
	curve    metrics.Curve
}

// write generates parts at the same time and writes them in order.
func (g *generator) write(ctx context.Context, w io.Writer, parts []part) error {
	err := parallel.Each(ctx, len(parts), func(_, i int) error { return parts[i].generate(g.seed) })
	if err != nil {
		return err
	}
	for i := range parts {
		if _, err := w.Write(parts[i].lines); err != nil {
			return fmt.Errorf("synthetic: cannot write rows [%d, %d): %w", parts[i].from, parts[i].to, err)
		}
	}
	return nil
}

func (p *part) generate(seed int64) error {
	p.lines = p.lines[:0]
	if p.figures == nil {
		p.figures = metrics.NewFigures(metrics.Task{Classes: 2})
	}
	for number := p.from; number < p.to; number++ {
		row := NewRow(seed, number)
		p.lines = row.AppendCSV(p.lines)
		label := float32(boolIndex(row.Label))
		if err := p.figures.Add([]float32{row.Logit}, label, 1); err != nil {
			return err
		}
		if err := p.curve.Add(row.Logit, label, 1); err != nil {
			return err
		}
	}
	return nil
}

// truth merges what the parts have counted of all ranges.
func (g *generator) truth() (*metrics.Metrics, error) {
	all := &g.parts[0]
	for i := range g.parts[1:] {
		if err := all.figures.Merge(g.parts[i+1].figures); err != nil {
			return nil, err
		}
		if err := all.curve.Merge(&g.parts[i+1].curve); err != nil {
			return nil, err
		}
	}
	curve, err := all.curve.Figures()
	if err != nil {
		return nil, err
	}
	return all.figures.Metrics(curve)
}
