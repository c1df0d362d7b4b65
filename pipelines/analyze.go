package pipelines

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"

	"github.com/penstock-ml/penstock/models/features"
	"github.com/penstock-ml/penstock/models/records"
	"github.com/penstock-ml/penstock/models/saved"
	"github.com/penstock-ml/penstock/models/spec"
	"github.com/penstock-ml/penstock/models/training"
	"github.com/penstock-ml/penstock/storage"
	"github.com/penstock-ml/penstock/transforms"
)

// analysisRangeBytes is how much of a file one range of the analysis has. Nothing that is fitted depends on it.
const analysisRangeBytes = 4 << 20

// analyze fits the features of a spec to the training files and leaves them, and the index of the records, in the job
// directory. An analysis that is complete there is taken as it is when reuse is set.
func analyze(ctx context.Context, o TrainOptions, files []storage.Info, reuse bool) (*features.Fitted, []training.IndexedRange, error) {
	if reuse {
		if fitted, index, err := readAnalysis(ctx, o.JobDir); !errors.Is(err, saved.ErrNotCommitted) {
			return fitted, index, err
		}
	}
	if err := storage.DeleteDir(ctx, transforms.FeaturesDir(o.JobDir)); err != nil {
		return nil, nil, err
	}
	data, err := o.Spec.Marshal()
	if err != nil {
		return nil, nil, err
	}
	ranges := records.Split(files, o.Spec.Format(), analysisRangeBytes)
	err = run(ctx, o.Runner, func(scope beam.Scope) { analysisGraph(scope, o, data, ranges) })
	if err != nil {
		return nil, nil, err
	}
	return readAnalysis(ctx, o.JobDir)
}

func analysisGraph(s beam.Scope, o TrainOptions, specYAML []byte, ranges []records.Range) {
	transforms.Analyze(s, specYAML, o.MaxBadRecords, o.JobDir, transforms.Ranges(s, ranges, o.Runner.Elements()))
}

func readAnalysis(ctx context.Context, jobDir string) (*features.Fitted, []training.IndexedRange, error) {
	fitted, err := saved.ReadFeatures(ctx, transforms.FeaturesDir(jobDir))
	if err != nil {
		return nil, nil, err
	}
	index, err := transforms.ReadIndex(ctx, jobDir)
	return fitted, index, err
}

// listFiles returns the files that the patterns match, each once, sorted by path. flag names the option in errors.
func listFiles(ctx context.Context, flag string, patterns []string) ([]storage.Info, error) {
	var files []storage.Info
	for _, pattern := range patterns {
		found, err := storage.Glob(ctx, pattern)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", flag, err)
		}
		files = append(files, found...)
	}
	slices.SortFunc(files, func(a, b storage.Info) int { return strings.Compare(a.Path, b.Path) })
	return slices.Compact(files), nil
}

// resolveColumns names the columns of a spec that does not, from the first file's header or its number of fields.
func resolveColumns(ctx context.Context, s *spec.Spec, first storage.Info) error {
	if len(s.Data.Columns) > 0 {
		return nil
	}
	if s.Data.Header {
		columns, err := records.ReadHeader(ctx, first.Path, s.Format())
		if err != nil {
			return err
		}
		return s.ResolveColumns(columns)
	}
	ranges := records.Split([]storage.Info{first}, s.Format(), first.Size+1)
	scanner, err := records.Open(ctx, s.Format(), ranges[0])
	if err != nil {
		return err
	}
	defer scanner.Close()
	if !scanner.Scan() {
		if err := scanner.Err(); err != nil {
			return err
		}
		return fmt.Errorf("%s is empty, so its columns cannot be counted: give it records or list data.columns in the spec", first.Path)
	}
	return s.ResolveColumns(spec.NumberColumns(len(scanner.Record().Fields)))
}
