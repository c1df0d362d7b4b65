package training

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/penstock-ml/penstock/models/records"
)

// Any ranges and any count: the shards hold every record once, in order, and differ by one record at most.
func TestPlanShardsPartitionsTheRecords(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		sizes := rapid.SliceOfN(rapid.IntRange(0, 5000), 1, 8).Draw(t, "records by range")
		ranges, total := indexed(sizes)
		count := rapid.IntRange(1, 20).Draw(t, "shards")
		shards, err := PlanShards(ranges, count)
		if total < count {
			if err == nil {
				t.Fatalf("%d records filled %d shards", total, count)
			}
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		next := 0
		for i, s := range shards {
			if s.Index != i || s.Rows < total/count || s.Rows > total/count+1 {
				t.Fatalf("shard %d is numbered %d and has %d of %d rows", i, s.Index, s.Rows, total)
			}
			rows := 0
			for _, p := range s.Parts {
				if p.Skip >= MarkEvery {
					t.Fatalf("shard %d skips %d records, with a mark every %d", i, p.Skip, MarkEvery)
				}
				if first := recordAt(sizes, p); first != next {
					t.Fatalf("shard %d has a part from record %d, want %d", i, first, next)
				}
				next += p.Rows
				rows += p.Rows
			}
			if rows != s.Rows {
				t.Fatalf("the parts of shard %d have %d rows, not %d", i, rows, s.Rows)
			}
		}
		if next != total {
			t.Fatalf("the shards have %d of %d records", next, total)
		}
	})
}

// indexed makes ranges of so many records of ten bytes each.
func indexed(sizes []int) (ranges []IndexedRange, total int) {
	for i, n := range sizes {
		r := IndexedRange{Range: records.Range{Index: i}, Records: n}
		for j := 0; j < n; j += MarkEvery {
			r.Marks = append(r.Marks, int64(10*j))
		}
		ranges = append(ranges, r)
		total += n
	}
	return ranges, total
}

// recordAt is the number of a part's first record among all.
func recordAt(sizes []int, p Part) int {
	at := int(p.Offset)/10 + p.Skip
	for _, n := range sizes[:p.Range.Index] {
		at += n
	}
	return at
}

func TestOrderIsAPermutationKeyedByEpochAndShard(t *testing.T) {
	const n = 1000
	draw := func(seed, epoch int64, shard int) []int32 {
		var o order
		o.reset(seed, epoch, shard, n)
		return o.rows
	}
	base := draw(1, 0, 0)
	seen := make([]bool, n)
	for _, row := range base {
		seen[row] = true
	}
	for row, ok := range seen {
		if !ok {
			t.Fatalf("row %d is not in the order", row)
		}
	}
	same := func(a, b []int32) int {
		equal := 0
		for i := range a {
			if a[i] == b[i] {
				equal++
			}
		}
		return equal
	}
	if same(base, draw(1, 0, 0)) != n {
		t.Error("the same key gave another order")
	}
	for name, other := range map[string][]int32{"seed": draw(2, 0, 0), "epoch": draw(1, 1, 0), "shard": draw(1, 0, 1)} {
		if k := same(base, other); k > 20 { // one is to be expected of random permutations
			t.Errorf("another %s left %d of %d rows in place", name, k, n)
		}
	}
}
