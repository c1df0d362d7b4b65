package transforms

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"reflect"
	"slices"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/register"

	"github.com/penstock-ml/penstock/models/parallel"
	"github.com/penstock-ml/penstock/storage"
)

func init() {
	beam.RegisterDoFn(reflect.TypeFor[NumberErrorsFn]())
	register.Function3x2((&NumberErrorsFn{}).ProcessElement)
	beam.RegisterDoFn(reflect.TypeFor[WriteSummaryFn]())
	register.Function3x1((&WriteSummaryFn{}).ProcessElement)
	register.Iter1[int]()
}

// NumberErrorsFn writes the files of errors of a group of ranges: what their partial files have, with the lines counted
// from the beginning of each file of records.
type NumberErrorsFn struct {
	Output PredictionFiles
}

// ProcessElement returns how many errors it has written. whole is the outcome of all ranges.
func (f *NumberErrorsFn) ProcessElement(ctx context.Context, part, whole *Outcome) (int, error) {
	before := whole.linesBefore()
	counts := make([]int, len(part.Ranges))
	err := parallel.Each(ctx, len(part.Ranges), func(_, i int) (err error) {
		r := &part.Ranges[i]
		counts[i], err = f.number(ctx, r, before[r.Index])
		if err == nil && int64(counts[i]) != r.Errors {
			err = fmt.Errorf("%s has %d errors instead of %d: no other job may write to %s",
				f.Output.partialErrors(r.Index), counts[i], r.Errors, f.Output.Dir)
		}
		return err
	})
	total := 0
	for _, n := range counts {
		total += n
	}
	return total, fail(err)
}

func (f *NumberErrorsFn) number(ctx context.Context, r *RangeOutcome, before int64) (n int, err error) {
	final, err := storage.Create(ctx, f.Output.errors(r.Index))
	if err != nil {
		return 0, err
	}
	defer final.Abort()
	if r.Errors > 0 {
		if n, err = f.rewrite(ctx, final, r, before); err != nil {
			return n, err
		}
	}
	return n, final.Close()
}

func (f *NumberErrorsFn) rewrite(ctx context.Context, final io.Writer, r *RangeOutcome, before int64) (n int, err error) {
	partial, err := storage.Open(ctx, f.Output.partialErrors(r.Index), 0, -1)
	if err != nil {
		return 0, err
	}
	defer partial.Close()
	w := bufio.NewWriter(final)
	for decoder := json.NewDecoder(partial); decoder.More(); n++ {
		var e RecordError
		if err := decoder.Decode(&e); err != nil {
			return n, fmt.Errorf("%s: %w", f.Output.partialErrors(r.Index), err)
		}
		e.File = r.File
		e.Line += before
		if err := writeRecordError(w, &e); err != nil {
			return n, err
		}
	}
	return n, w.Flush()
}

// WriteSummaryFn ends a batch prediction: it checks the counts, removes the partial files and writes the statistics and,
// last, the summary.
type WriteSummaryFn struct {
	Output PredictionFiles
}

// ProcessElement takes the outcome of all ranges and how many errors have been written of each group.
func (f *WriteSummaryFn) ProcessElement(ctx context.Context, whole *Outcome, numbered func(*int) bool) error {
	written := int64(0)
	for n := 0; numbered(&n); {
		written += int64(n)
	}
	summary, err := f.sum(whole, written)
	if err != nil {
		return fail(err)
	}
	for _, r := range whole.Ranges {
		if r.Errors == 0 {
			continue
		}
		if err := storage.Delete(ctx, f.Output.partialErrors(r.Index)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fail(err)
		}
	}
	return fail(f.write(ctx, summary))
}

// sum adds the outcomes up and holds them to what must be true of them.
func (f *WriteSummaryFn) sum(whole *Outcome, written int64) (*PredictionSummary, error) {
	s := &PredictionSummary{Shards: len(whole.Ranges), ErrorTypes: []ErrorCount{}}
	types := map[string]int64{}
	for i, r := range whole.Ranges {
		if r.Index != i {
			return nil, fmt.Errorf("range %d of %s was lost or done twice", i, r.File)
		}
		s.Records += r.Records
		s.Predictions += r.Predictions
		s.Errors += r.Errors
		for t, n := range r.Types {
			types[t] += n
		}
	}
	if s.Shards != f.Output.Shards || s.Records != s.Predictions+s.Errors || s.Errors != written {
		return nil, fmt.Errorf("the counts do not agree: %d of %d ranges with %d records have %d predictions and %d errors, of which %d were written",
			s.Shards, f.Output.Shards, s.Records, s.Predictions, s.Errors, written)
	}
	for _, t := range slices.Sorted(maps.Keys(types)) {
		s.ErrorTypes = append(s.ErrorTypes, ErrorCount{t, types[t]})
	}
	slices.SortStableFunc(s.ErrorTypes, func(a, b ErrorCount) int { return cmp.Compare(b.Count, a.Count) })
	return s, nil
}

func (f *WriteSummaryFn) write(ctx context.Context, s *PredictionSummary) error {
	var stats []byte
	for _, c := range s.ErrorTypes {
		line, err := json.Marshal(c)
		if err != nil {
			return err
		}
		stats = append(append(stats, line...), '\n')
	}
	if err := storage.WriteFile(ctx, f.Output.stats(), stats); err != nil {
		return err
	}
	data, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return err
	}
	return storage.WriteFile(ctx, f.Output.Summary(), append(data, '\n'))
}
