package transforms

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"
	"github.com/google/go-cmp/cmp"

	"github.com/penstock-ml/penstock/models/records"
	"github.com/penstock-ml/penstock/models/saved"
	"github.com/penstock-ml/penstock/models/spec"
	"github.com/penstock-ml/penstock/models/training"
	_ "github.com/penstock-ml/penstock/models/widedeep"
	"github.com/penstock-ml/penstock/runners"
	"github.com/penstock-ml/penstock/storage"
)

const roundsSpec = `
version: 1
name: rounds
data: {columns: [age, job, city, income]}
label: {column: income, classes: [low, high]}
features:
  - {name: age, kind: numeric, transform: [zscore]}
  - {name: job, kind: vocabulary}
  - {name: city, kind: hash, buckets: 70000}
model:
  kind: wide_deep
  wide: [job, city]
  deep: {numeric: [age], indicator: [job], embedding: [{feature: city, dimension: 2}], hidden: [6, 3]}
training:
  batch_size: 32
  optimizer: {wide: {kind: ftrl}, deep: {kind: adam}}
`

// roundsJob writes a spec and two files of records, analyses them on a runner and returns the job and its shards.
func roundsJob(t *testing.T, runner string) (JobRef, []training.Shard) {
	t.Helper()
	ctx, dir := context.Background(), t.TempDir()
	s, err := spec.Parse("spec.yaml", []byte(roundsSpec))
	if err != nil {
		t.Fatal(err)
	}
	text, err := s.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	if err := storage.WriteFile(ctx, SpecPath(dir), text); err != nil {
		t.Fatal(err)
	}
	files := writeRecords(t, dir)
	execute(t, runner, func(scope beam.Scope, elements int) {
		Analyze(scope, text, BadLimit{}, dir, Ranges(scope, records.Split(files, s.Format(), 700), elements))
	})
	index, err := ReadIndex(ctx, dir)
	if err != nil {
		t.Fatal(err)
	}
	shards, err := training.PlanShards(index, 4)
	if err != nil {
		t.Fatal(err)
	}
	job := JobRef{Run: runner, Dir: dir, Shards: 4, Batch: 32, Seed: 1, CacheBytes: 1 << 20}
	t.Cleanup(job.Release)
	return job, shards
}

func writeRecords(t *testing.T, dir string) []storage.Info {
	r := rand.New(rand.NewPCG(1, 2))
	for _, name := range []string{"a.csv", "b.csv"} {
		var text strings.Builder
		for range 120 {
			age, job, city := 18+r.IntN(60), r.IntN(5), r.IntN(40)
			income := "low"
			if age+10*job+r.IntN(30) > 70 {
				income = "high"
			}
			fmt.Fprintf(&text, "%d,job %d,city %d,%s\n", age, job, city, income)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text.String()), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	files, err := storage.Glob(context.Background(), filepath.Join(dir, "*.csv"))
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func execute(t *testing.T, runner string, build func(s beam.Scope, elements int)) {
	t.Helper()
	r, err := runners.Get(runner)
	if err != nil {
		t.Fatal(err)
	}
	p, s := beam.NewPipelineWithRoot()
	build(s, r.Elements())
	run, err := r.Prepare(p)
	if err != nil {
		t.Fatal(err)
	}
	if err := run(context.Background()); err != nil {
		t.Fatal(Cause(err))
	}
}

// trainRounds runs a segment of rounds from a fresh state and returns the checkpoint it ends with.
func trainRounds(t *testing.T, runner string, rounds int) *saved.Checkpoint {
	t.Helper()
	job, shards := roundsJob(t, runner)
	execute(t, runner, func(s beam.Scope, elements int) {
		Rounds(s, Segment{Job: job, Rounds: rounds}, Shards(s, shards, elements))
	})
	checkpoint, err := saved.ReadCheckpoint(context.Background(), job.Dir, int64(rounds))
	if err != nil {
		t.Fatal(err)
	}
	return checkpoint
}

func TestRoundsGiveTheSameBitsOnEveryRunner(t *testing.T) {
	want := trainRounds(t, "direct", 12)
	meta, err := ReadMeta(want)
	if err != nil {
		t.Fatal(err)
	}
	if first, last := meta.Log[0], meta.Log[11]; last.Step != 12 || last.Loss >= first.Loss {
		t.Errorf("the loss went from %v to %v over %d steps, want it to fall over 12", first.Loss, last.Loss, last.Step)
	}
	if diff := cmp.Diff(want, trainRounds(t, "prism", 12)); diff != "" {
		t.Errorf("prism's checkpoint differs from direct's:\n%s", diff)
	}
}
