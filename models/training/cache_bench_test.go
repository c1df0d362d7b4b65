package training

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/penstock-ml/penstock/models/features"
	"github.com/penstock-ml/penstock/models/parallel"
	"github.com/penstock-ml/penstock/models/records"
	"github.com/penstock-ml/penstock/models/spec"
	"github.com/penstock-ml/penstock/models/synthetic"
)

// BenchmarkEncode reads eight shards of generated census records into the cache, as a run does once: in memory, and beyond
// its budget in files. Bytes are those of the CSV.
func BenchmarkEncode(b *testing.B) {
	job, shards, size := censusJob(b, 200_000)
	for name, budget := range map[string]int64{"memory": 1 << 30, "spilled": 0} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(size)
			job.CacheBytes = budget
			for b.Loop() {
				trainer, err := NewTrainer(*job)
				if err != nil {
					b.Fatal(err)
				}
				err = parallel.Each(context.Background(), len(shards), func(_, i int) error {
					_, err := trainer.cache.shard(context.Background(), shards[i])
					return err
				})
				if err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// censusJob is the job of the walkthrough over a file of so many bytes with generated records.
func censusJob(b *testing.B, n int64) (*Job, []Shard, int64) {
	b.Helper()
	text, err := os.ReadFile("../../testdata/census.yaml")
	if err != nil {
		b.Fatal(err)
	}
	s, err := spec.Parse("census.yaml", text)
	if err != nil {
		b.Fatal(err)
	}
	var file bytes.Buffer
	if _, err := synthetic.Census(context.Background(), &file, 1, 0, n); err != nil {
		b.Fatal(err)
	}
	path, size := filepath.Join(b.TempDir(), "train.csv"), int64(file.Len())
	if err := os.WriteFile(path, file.Bytes(), 0o666); err != nil {
		b.Fatal(err)
	}
	index := IndexedRange{Range: records.Range{File: path, End: size, Size: size}}
	statistics := features.NewStatistics(s)
	for scanner := records.NewScanner(&file, s.Format(), path); scanner.Scan(); index.Records++ {
		if index.Records%MarkEvery == 0 {
			index.Marks = append(index.Marks, scanner.Record().Offset)
		}
		if err := statistics.Add(scanner.Record().Fields); err != nil {
			b.Fatal(err)
		}
	}
	fitted, err := statistics.Fit(s)
	if err != nil {
		b.Fatal(err)
	}
	shards, err := PlanShards([]IndexedRange{index}, 8)
	if err != nil {
		b.Fatal(err)
	}
	return &Job{Spec: s, Features: fitted, Shards: 8, Batch: 512, Seed: 1}, shards, size
}

// BenchmarkGather takes batches of 64 rows in random order from the encoded records of eight shards in turn, which are
// more than the second cache holds.
func BenchmarkGather(b *testing.B) {
	job, shards, _ := censusJob(b, 200_000)
	job.CacheBytes = 1 << 30
	trainer, err := NewTrainer(*job)
	if err != nil {
		b.Fatal(err)
	}
	entries := make([]*cachedShard, len(shards))
	for i, shard := range shards {
		if entries[i], err = trainer.cache.shard(context.Background(), shard); err != nil {
			b.Fatal(err)
		}
		entries[i].order.reset(1, 0, i, shard.Rows)
	}
	const batch = 64
	dst := &features.Rows{
		N: batch, Numeric: make([]float32, batch*len(trainer.layout.Numeric)), IDs: make([]int32, batch*len(trainer.layout.Categorical)),
		Labels: make([]float32, batch), Weights: make([]float32, batch),
	}
	b.SetBytes(int64(batch * 4 * entries[0].rows.words()))
	for i := 0; b.Loop(); i++ {
		entry := entries[i%len(entries)]
		from := i / len(entries) * batch % (len(entry.order.rows) - batch)
		if err := entry.rows.gather(dst, entry.order.rows[from:from+batch], nil); err != nil {
			b.Fatal(err)
		}
	}
}
