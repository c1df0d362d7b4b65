package draft

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/penstock-ml/penstock/models/features"
	"github.com/penstock-ml/penstock/models/records"
)

// mostRecords is how much of a file is looked at.
const mostRecords = 500_000

// A profile is what was seen of a file.
type profile struct {
	format  records.Format
	columns []*column
	records int64
	all     bool // the file has no more
}

func newProfile(ctx context.Context, o Options) (*profile, error) {
	format, err := sniff(ctx, o)
	if err != nil {
		return nil, err
	}
	if format.Kind == records.JSONL {
		if format.Columns, err = jsonNames(ctx, o.Input); err != nil {
			return nil, err
		}
	}
	if i := repeated(format.Columns); i >= 0 {
		return nil, fmt.Errorf("%s: two columns are called %q; give each a name of its own", o.Input, format.Columns[i])
	}
	p := &profile{format: format}
	for _, name := range format.Columns {
		p.columns = append(p.columns, newColumn(name))
	}
	return p, p.read(ctx, o.Input)
}

func repeated(names []string) int {
	for i, name := range names {
		if slices.Contains(names[:i], name) {
			return i
		}
	}
	return -1
}

// read counts the values of all columns.
func (p *profile) read(ctx context.Context, file string) error {
	multiline := false
	complete, err := eachRecord(ctx, file, p.format, func(r *records.Record) error {
		p.records++
		for i, field := range r.Fields {
			p.columns[i].add(string(features.Trim(field)))
			multiline = multiline || bytes.IndexByte(field, '\n') >= 0
		}
		return nil
	})
	p.all, p.format.Multiline = complete, multiline && p.format.Kind == records.CSV
	if err == nil && p.records == 0 {
		return fmt.Errorf("%s: there is no record behind the header", file)
	}
	return err
}

// settle decides which markers stand for no value. A spec has one list of them for all columns: what a column of numbers
// has in place of a number is no value in any column, unless it is a word of the label.
func (p *profile) settle(label *column) {
	absent := map[string]bool{}
	for _, c := range p.columns {
		for text := range c.marked {
			labels := label.marked[text] > 0 && !label.numeric()
			absent[text] = absent[text] || markers[text] || c.numeric() && !labels
		}
	}
	for _, c := range p.columns {
		c.settle(absent)
	}
}

// eachRecord calls a function for the records that are looked at, and tells whether those were all.
func eachRecord(ctx context.Context, file string, f records.Format, visit func(r *records.Record) error) (complete bool, err error) {
	r, err := records.Whole(ctx, file)
	if err != nil {
		return false, err
	}
	scanner, err := records.Open(ctx, f, r)
	if err != nil {
		return false, err
	}
	defer scanner.Close()
	for n := 0; scanner.Scan(); n++ {
		record := scanner.Record()
		if n == mostRecords {
			return false, ctx.Err()
		}
		err := record.Err
		if err == nil {
			err = visit(record)
		}
		if err != nil {
			return false, fmt.Errorf("%s: line %d: %w", file, record.Line, err)
		}
	}
	return true, errors.Join(scanner.Err(), ctx.Err())
}

// jsonNames are the names in all objects, by first appearance.
func jsonNames(ctx context.Context, file string) (names []string, err error) {
	known := map[string]bool{}
	_, err = eachRecord(ctx, file, records.Format{Kind: records.JSONL}, func(r *records.Record) error {
		members, err := membersOf(r.Raw)
		for _, name := range members {
			if !known[name] {
				known[name] = true
				names = append(names, name)
			}
		}
		return err
	})
	if err == nil && len(names) == 0 {
		return nil, fmt.Errorf("%s: no object has a member", file)
	}
	return names, err
}

// membersOf are an object's names in order.
func membersOf(line []byte) (names []string, err error) {
	d := json.NewDecoder(bytes.NewReader(line))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return nil, errors.New("a JSON object is expected")
	}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return nil, fmt.Errorf("not JSON: %w", err)
		}
		names = append(names, strings.Clone(name.(string)))
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			return nil, fmt.Errorf("not JSON: %w", err)
		}
	}
	return names, nil
}
