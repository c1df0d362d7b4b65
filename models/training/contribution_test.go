package training

import (
	"bytes"
	"context"
	"math"
	"math/big"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/penstock-ml/penstock/models/kernel"
)

// contributions draws what a shard may give: exact sums, a few table rows, perhaps an omission.
func contributions(dense, dim int) *rapid.Generator[*Contribution] {
	return rapid.Custom(func(t *rapid.T) *Contribution {
		if rapid.IntRange(0, 4).Draw(t, "left out") == 0 {
			return &Contribution{LeftOut: []Omission{{Shard: rapid.IntRange(0, 9).Draw(t, "shard"), Reason: "of a reason"}}}
		}
		value := rapid.Int64Range(-1<<50, 1<<50)
		rows := rapid.SliceOfNDistinct(rapid.Int32Range(0, 20), 0, 6, rapid.ID[int32]).Draw(t, "rows")
		return &Contribution{
			Shards: 1,
			Weight: value.Draw(t, "weight"),
			Loss:   value.Draw(t, "loss"),
			Dense:  rapid.SliceOfN(value, dense, dense).Draw(t, "dense"),
			Sparse: []SparseSum{{Rows: sorted(rows), Values: rapid.SliceOfN(value, len(rows)*dim, len(rows)*dim).Draw(t, "values")}},
		}
	})
}

func sorted(rows []int32) []int32 {
	for i := range rows {
		for j := i; j > 0 && rows[j] < rows[j-1]; j-- {
			rows[j], rows[j-1] = rows[j-1], rows[j]
		}
	}
	return rows
}

func encoded(t *rapid.T, c *Contribution) string {
	data, err := c.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// However contributions are ordered and grouped, their sum has the same bytes; and merging changes no input.
func TestMergeIsOrderFree(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		parts := rapid.SliceOfN(contributions(3, 2), 1, 8).Draw(t, "parts")
		before := make([]string, len(parts))
		whole := &Contribution{}
		for i, p := range parts {
			before[i] = encoded(t, p)
			whole.Merge(p)
		}
		groups := make([]*Contribution, rapid.IntRange(1, 4).Draw(t, "groups"))
		for i := range groups {
			groups[i] = &Contribution{}
		}
		for _, i := range rapid.Permutation(indices(len(parts))).Draw(t, "order") {
			groups[rapid.IntRange(0, len(groups)-1).Draw(t, "group")].Merge(parts[i])
		}
		regrouped := &Contribution{}
		for _, i := range rapid.Permutation(indices(len(groups))).Draw(t, "order of groups") {
			regrouped.Merge(groups[i])
		}
		if encoded(t, whole) != encoded(t, regrouped) {
			t.Fatalf("another order gave another sum:\n%s", cmp.Diff(whole, regrouped, ofContributions))
		}
		for i, p := range parts {
			if encoded(t, p) != before[i] {
				t.Fatalf("merging changed part %d", i)
			}
		}
	})
}

func indices(n int) []int {
	x := make([]int, n)
	for i := range x {
		x[i] = i
	}
	return x
}

func TestContributionsSurviveTheirBytes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := contributions(3, 2).Draw(t, "contribution")
		var back Contribution
		data := encoded(t, c)
		if err := back.UnmarshalBinary([]byte(data)); err != nil {
			t.Fatal(err)
		}
		if encoded(t, &back) != data {
			t.Fatalf("the bytes changed:\n%s", cmp.Diff(c, &back, ofContributions))
		}
		cut := rapid.IntRange(0, len(data)-1).Draw(t, "cut")
		if err := back.UnmarshalBinary([]byte(data[:cut])); err == nil {
			t.Fatalf("%d of %d bytes were accepted", cut, len(data))
		}
	})
}

func TestStatesSurviveTheirBytes(t *testing.T) {
	s := &State{
		Step: 7, Weights: []float32{1, -2, float32(math.Inf(1))}, Slots: []float32{0.5},
		Log: []StepLog{{Step: 7, Loss: 0.25, LeftOut: []Omission{{Shard: 3, Reason: "of a reason"}}}},
	}
	data, err := s.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	var back State
	if err := back.UnmarshalBinary(data); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(s, &back, ofStates); diff != "" {
		t.Error(diff)
	}
	for cut := range data {
		if err := back.UnmarshalBinary(data[:cut]); err == nil {
			t.Fatalf("%d of %d bytes were accepted", cut, len(data))
		}
	}
}

// ofContributions compares what is sent of contributions.
var ofContributions = cmpopts.IgnoreUnexported(Contribution{})

// Sums that leave out zeros merge as those do that have them, on either side, and are sent whole.
func TestCompactSumsMergeLikeWholeOnes(t *testing.T) {
	f := newWideFixture(t, "0")
	trainer := f.trainer(t)
	state := trainer.Initial()
	silence(trainer, state)
	contribute := func(shards []Shard, compact bool) *Contribution {
		c, err := trainer.Contribute(context.Background(), shards, state)
		if err != nil {
			t.Fatal(err)
		}
		if len(c.compact) == 0 {
			t.Fatal("the sums of a large model with zeros are not compact")
		}
		if !compact {
			c.expand()
		}
		return c
	}
	bytesOf := func(c *Contribution) []byte {
		data, err := c.MarshalBinary()
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	want := bytesOf(contribute(f.shards, false))
	if !bytes.Equal(bytesOf(contribute(f.shards, true)), want) {
		t.Error("compact sums are sent as others than whole ones")
	}
	for _, absorb := range []bool{false, true} {
		for _, compact := range [][2]bool{{true, true}, {true, false}, {false, true}} {
			sum, a, b := &Contribution{}, contribute(f.shards[:1], compact[0]), contribute(f.shards[1:], compact[1])
			for _, part := range []*Contribution{a, b} {
				if absorb {
					sum.Absorb(part)
				} else {
					sum.Merge(part)
				}
			}
			if !bytes.Equal(bytesOf(sum), want) {
				t.Errorf("absorbed %t, compact %v: the parts' sum differs from that of all", absorb, compact)
			}
		}
	}
}

// The sum over all shards, each at its limit, must stay within int64, for any number of shards.
func TestShardLimitLeavesRoomForAllShards(t *testing.T) {
	for _, count := range []int{1, 2, 3, 8, 9, 1000, 1 << 20} {
		limit := float64(shardLimit(count))
		if sum := limit * float64(count); sum > sumRange || sum <= sumRange/4 {
			t.Errorf("%d shards of at most %v sum to %v, want near %v and not beyond", count, limit, sum, float64(sumRange))
		}
		total := int64(0)
		for range min(count, 1000) {
			next := total + fixed(limit)*int64(max(1, count/1000))
			if next < total {
				t.Fatalf("%d shards at the limit wrapped", count)
			}
			total = next
		}
	}
}

// A sum of n numbers is within n halves of the resolution of the exact one.
func TestSumsAreAccurate(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		numbers := rapid.SliceOfN(rapid.Float32Range(-sumRange/64, sumRange/64), 1, 64).Draw(t, "numbers")
		if rapid.Bool().Draw(t, "small") {
			for i := range numbers {
				numbers[i] *= resolution
			}
		}
		sum, exact := make([]int64, 1), new(big.Float).SetPrec(200)
		for i := range numbers {
			kernel.FixedAdd(sum, numbers[i:i+1])
			exact.Add(exact, big.NewFloat(float64(numbers[i])))
		}
		got := new(big.Float).SetPrec(200).SetMantExp(new(big.Float).SetInt64(sum[0]), -40)
		off, _ := got.Sub(got, exact).Float64()
		if bound := float64(len(numbers)) * resolution / 2; math.Abs(off) > bound {
			t.Errorf("the sum of %v is off by %v, want at most %v", numbers, off, bound)
		}
	})
}
