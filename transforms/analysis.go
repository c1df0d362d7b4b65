package transforms

import (
	"cmp"
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/register"

	"github.com/penstock-ml/penstock/models/features"
	"github.com/penstock-ml/penstock/models/parallel"
	"github.com/penstock-ml/penstock/models/records"
	"github.com/penstock-ml/penstock/models/saved"
	"github.com/penstock-ml/penstock/models/spec"
	"github.com/penstock-ml/penstock/models/training"
	"github.com/penstock-ml/penstock/storage"
)

func init() {
	beam.RegisterDoFn(reflect.TypeFor[AnalyzeFn]())
	register.Function0x1((&AnalyzeFn{}).Setup)
	register.Function2x2((&AnalyzeFn{}).ProcessElement)
	register.Combiner2[*Analysis, *Analysis](&MergeAnalysesFn{})
	beam.RegisterDoFn(reflect.TypeFor[WriteAnalysisFn]())
	register.Function2x1((&WriteAnalysisFn{}).ProcessElement)
	beam.RegisterCoder(reflect.TypeFor[*Analysis](), encodeAnalysis, decodeAnalysis)
}

// Analysis is what one pass over training files finds: the statistics of the columns and where the records lie.
type Analysis struct {
	Statistics *features.Statistics
	Ranges     []training.IndexedRange // with the records that are bad
	Bad        BadRecords
}

// Analyze reads all ranges once and writes what was found to jobDir: the fitted features, committed by their manifest,
// the index of the records (see ReadIndex) and those that cannot be used. More of these than the limit allows are an
// error that names the first. specYAML is the resolved spec.
func Analyze(s beam.Scope, specYAML []byte, limit BadLimit, jobDir string, ranges beam.PCollection) {
	s = s.Scope("Analyze")
	parts := beam.ParDo(s, &AnalyzeFn{Spec: specYAML}, ranges)
	whole := beam.Combine(s, &MergeAnalysesFn{Spec: specYAML}, parts)
	beam.ParDo0(s, &WriteAnalysisFn{Spec: specYAML, Limit: limit, Dir: jobDir}, whole)
}

// AnalyzeFn reads the ranges of an element on all cores.
type AnalyzeFn struct {
	Spec []byte

	spec *spec.Spec
}

// Setup parses the spec.
func (f *AnalyzeFn) Setup() (err error) {
	f.spec, err = spec.Parse("spec.yaml", f.Spec)
	return fail(err)
}

// ProcessElement returns what the group's ranges hold. A record that cannot be read or does not fit the spec is a bad one.
func (f *AnalyzeFn) ProcessElement(ctx context.Context, group RangeGroup) (*Analysis, error) {
	parts := make([]*Analysis, len(group.Ranges))
	err := parallel.Each(ctx, len(group.Ranges), func(_, i int) (err error) {
		parts[i], err = analyzeRange(ctx, f.spec, group.Ranges[i])
		return err
	})
	if err != nil {
		return nil, fail(err)
	}
	whole := newAnalysis(f.spec)
	for _, part := range parts {
		whole.merge(part)
	}
	return whole, nil
}

func newAnalysis(s *spec.Spec) *Analysis { return &Analysis{Statistics: features.NewStatistics(s)} }

// merge adds other. The statistics are exact and the ranges are kept in order, so the order of merges does not show.
func (a *Analysis) merge(other *Analysis) {
	a.Statistics.Merge(other.Statistics)
	a.Bad.merge(&other.Bad)
	a.Ranges = append(a.Ranges, other.Ranges...)
	slices.SortFunc(a.Ranges, func(x, y training.IndexedRange) int { return cmp.Compare(x.Range.Index, y.Range.Index) })
}

func analyzeRange(ctx context.Context, s *spec.Spec, r records.Range) (*Analysis, error) {
	found := newAnalysis(s)
	index := training.IndexedRange{Range: r}
	scanner, err := records.Open(ctx, s.Format(), r)
	if err != nil {
		return nil, err
	}
	defer scanner.Close()
	for scanner.Scan() {
		record := scanner.Record()
		if index.Records%training.MarkEvery == 0 {
			index.Marks = append(index.Marks, record.Offset)
		}
		index.Records++
		err := record.Err
		if err == nil {
			err = found.Statistics.Add(record.Fields)
		}
		if err != nil {
			found.Bad.add(r.File, record.Offset, err)
		}
	}
	found.Ranges = []training.IndexedRange{index}
	return found, cmp.Or(scanner.Err(), ctx.Err())
}

// MergeAnalysesFn adds analyses up.
type MergeAnalysesFn struct {
	Spec []byte
}

// CreateAccumulator returns the analysis of nothing.
func (f *MergeAnalysesFn) CreateAccumulator() (*Analysis, error) {
	s, err := spec.Parse("spec.yaml", f.Spec)
	if err != nil {
		return nil, fail(err)
	}
	return newAnalysis(s), nil
}

// AddInput adds one part.
func (f *MergeAnalysesFn) AddInput(sum, part *Analysis) *Analysis {
	return f.MergeAccumulators(sum, part)
}

// MergeAccumulators adds b to a.
func (*MergeAnalysesFn) MergeAccumulators(a, b *Analysis) *Analysis {
	a.merge(b)
	return a
}

// WriteAnalysisFn fits the features and writes them and the index to a job directory.
type WriteAnalysisFn struct {
	Spec  []byte
	Limit BadLimit
	Dir   string
}

// ProcessElement writes the index first: features that are committed imply an index.
func (f *WriteAnalysisFn) ProcessElement(ctx context.Context, whole *Analysis) error {
	s, err := spec.Parse("spec.yaml", f.Spec)
	if err != nil {
		return fail(err)
	}
	if err := whole.Bad.write(ctx, f.Dir); err != nil {
		return fail(err)
	}
	if err := whole.Bad.check(ctx, f.Limit, whole.Bad.Count+whole.Statistics.Records()); err != nil {
		return fail(err)
	}
	if whole.Statistics.Records() == 0 && len(whole.Ranges) > 0 {
		return fail(fmt.Errorf("%s: the training files, of which this is the first, have no records", whole.Ranges[0].Range.File))
	}
	fitted, err := whole.Statistics.Fit(s)
	if err != nil {
		return fail(err)
	}
	fitted.Bad = whole.Bad.Count
	index, err := json.Marshal(whole.Ranges)
	if err != nil {
		return fail(err)
	}
	if err := storage.WriteFile(ctx, indexPath(f.Dir), index); err != nil {
		return fail(err)
	}
	return fail(saved.WriteFeatures(ctx, FeaturesDir(f.Dir), fitted))
}

func indexPath(jobDir string) string { return storage.Join(jobDir, "records.json") }

// ReadIndex reads where the training records lie, as Analyze left it.
func ReadIndex(ctx context.Context, jobDir string) ([]training.IndexedRange, error) {
	data, err := storage.ReadFile(ctx, indexPath(jobDir))
	if err != nil {
		return nil, err
	}
	var ranges []training.IndexedRange
	if err := json.Unmarshal(data, &ranges); err != nil {
		return nil, fmt.Errorf("%s: %w", indexPath(jobDir), err)
	}
	return ranges, nil
}

// found is what an analysis has besides the statistics.
type found struct {
	Ranges []training.IndexedRange `json:"ranges"`
	Bad    BadRecords              `json:"bad"`
}

// The statistics have a binary form, the rest is JSON; a length stands before the first.
func encodeAnalysis(a *Analysis) ([]byte, error) {
	statistics, err := a.Statistics.MarshalBinary()
	if err != nil {
		return nil, err
	}
	rest, err := json.Marshal(found{a.Ranges, a.Bad})
	if err != nil {
		return nil, err
	}
	data := binary.AppendUvarint(nil, uint64(len(statistics)))
	data = append(data, statistics...)
	return append(data, rest...), nil
}

func decodeAnalysis(data []byte) (*Analysis, error) {
	size, n := binary.Uvarint(data)
	if n <= 0 || size > uint64(len(data)-n) {
		return nil, fmt.Errorf("transforms: truncated analysis of %d bytes", len(data))
	}
	a := &Analysis{Statistics: &features.Statistics{}}
	if err := a.Statistics.UnmarshalBinary(data[n : n+int(size)]); err != nil {
		return nil, err
	}
	var rest found
	err := json.Unmarshal(data[n+int(size):], &rest)
	a.Ranges, a.Bad = rest.Ranges, rest.Bad
	return a, err
}
