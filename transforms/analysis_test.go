package transforms

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"

	"github.com/penstock-ml/penstock/models/records"
	"github.com/penstock-ml/penstock/models/spec"
	"github.com/penstock-ml/penstock/runners"
	"github.com/penstock-ml/penstock/runners/runnerstest"
	"github.com/penstock-ml/penstock/storage"
)

func TestAnalysisIsTheSameOnEveryRunner(t *testing.T) {
	read := func(runner string) (features, index string) {
		job, _ := roundsJob(t, runner)
		f, err := os.ReadFile(filepath.Join(FeaturesDir(job.Dir), "features.json"))
		if err != nil {
			t.Fatal(err)
		}
		i, err := os.ReadFile(indexPath(job.Dir))
		if err != nil {
			t.Fatal(err)
		}
		return string(f), strings.ReplaceAll(string(i), job.Dir, "")
	}
	wantFeatures, wantIndex := read("direct")
	features, index := read("prism")
	if features != wantFeatures {
		t.Errorf("prism fitted\n%s\ndirect\n%s", features, wantFeatures)
	}
	if index != wantIndex {
		t.Errorf("prism indexed\n%s\ndirect\n%s", index, wantIndex)
	}
}

// A person sees the sentence of the DoFn, whatever the runner puts around it.
func TestFailuresNameFileAndLineOnEveryRunner(t *testing.T) {
	for _, name := range runnerstest.Names {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			file := filepath.Join(dir, "bad.csv")
			if err := os.WriteFile(file, []byte("41,clerk,Ulm,low\nold,clerk,Ulm,high\n"), 0o666); err != nil {
				t.Fatal(err)
			}
			s, err := spec.Parse("spec.yaml", []byte(roundsSpec))
			if err != nil {
				t.Fatal(err)
			}
			ranges := records.Split([]storage.Info{{Path: file, Size: 34}}, s.Format(), 1<<20)
			r, err := runners.Get(name)
			if err != nil {
				t.Fatal(err)
			}
			p, scope := beam.NewPipelineWithRoot()
			Analyze(scope, []byte(roundsSpec), BadLimit{}, dir, Ranges(scope, ranges, r.Elements()))
			run, err := r.Prepare(p)
			if err != nil {
				t.Fatal(err)
			}
			err = Cause(run(context.Background()))
			if err == nil || !strings.HasPrefix(err.Error(), file+":2: ") || !strings.Contains(err.Error(), `"old"`) || strings.Contains(err.Error(), "\n") {
				t.Errorf("the error is %q, want one sentence that begins with the file and line and names the value", err)
			}
		})
	}
}

func TestCauseLeavesOtherErrorsAlone(t *testing.T) {
	if err := Cause(os.ErrNotExist); err != os.ErrNotExist {
		t.Errorf("got %v", err)
	}
	if err := Cause(nil); err != nil {
		t.Errorf("got %v", err)
	}
}
