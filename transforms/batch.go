package transforms

import (
	"github.com/penstock-ml/penstock/models/predictor"
	"github.com/penstock-ml/penstock/models/records"
)

// batch holds copies of consecutive records, so that they can be scored together while the scanner goes on. Its memory
// is used again by the next fill.
type batch struct {
	records []records.Record
	bytes   []byte
	fields  [][]byte
}

// fill takes the next n records, malformed ones included, or what is left of them.
func (b *batch) fill(scanner *records.Scanner, n int) {
	b.fillOnly(scanner, n, func(*records.Record) bool { return true })
}

// fillOnly takes the next n records that are wanted.
func (b *batch) fillOnly(scanner *records.Scanner, n int, wanted func(*records.Record) bool) {
	b.records, b.bytes, b.fields = b.records[:0], b.bytes[:0], b.fields[:0]
	for len(b.records) < n && scanner.Scan() {
		if r := scanner.Record(); wanted(r) {
			b.records = append(b.records, b.copy(r))
		}
	}
}

func (b *batch) copy(r *records.Record) records.Record {
	kept := *r
	kept.Raw = b.copyBytes(r.Raw)
	begin := len(b.fields)
	for _, field := range r.Fields {
		if at := r.IndexOf(field); at >= 0 {
			b.fields = append(b.fields, kept.Raw[at:at+len(field)])
		} else {
			b.fields = append(b.fields, b.copyBytes(field))
		}
	}
	kept.Fields = b.fields[begin:len(b.fields):len(b.fields)]
	return kept
}

// copyBytes keeps nil, an absent field, apart from the empty one. When bytes grows, earlier copies stay where they were.
// The copies' capacities reach into the memory behind them, as those of a scanner's fields do: encoders read faster so.
func (b *batch) copyBytes(text []byte) []byte {
	if text == nil {
		return nil
	}
	begin := len(b.bytes)
	b.bytes = append(b.bytes, text...)
	return b.bytes[begin:]
}

// score returns a result for each record; add is how the scorer takes one.
func (b *batch) score(scorer *predictor.Scorer, add func(*predictor.Scorer, [][]byte)) ([]predictor.Result, error) {
	for i := range b.records {
		if err := b.records[i].Err; err != nil {
			scorer.Reject(err)
		} else {
			add(scorer, b.records[i].Fields)
		}
	}
	return scorer.Score()
}
