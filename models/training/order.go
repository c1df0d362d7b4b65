package training

import (
	"math/bits"
	"math/rand/v2"
)

// order is the sequence of a shard's rows in one epoch: a permutation keyed by (seed, epoch, shard), made once an epoch.
type order struct {
	epoch int64
	rows  []int32
}

// reset makes o the order of n rows in that epoch; made already, it stays.
func (o *order) reset(seed, epoch int64, shard, n int) {
	if o.rows != nil && o.epoch == epoch {
		return
	}
	if o.rows == nil {
		o.rows = make([]int32, n)
	}
	for i := range o.rows {
		o.rows[i] = int32(i)
	}
	shuffle(o.rows, rand.NewPCG(mix(uint64(seed)), mix(uint64(epoch)<<24|uint64(shard))))
	o.epoch = epoch
}

// shuffle is Fisher and Yates' with Lemire's multiplication for the bounded draw; written out, because the standard
// library's shuffle may change with its version and the order of rows reaches the weights.
func shuffle(rows []int32, source *rand.PCG) {
	for i := len(rows) - 1; i > 0; i-- {
		j, _ := bits.Mul64(source.Uint64(), uint64(i+1))
		rows[i], rows[j] = rows[j], rows[i]
	}
}

// rowKey is what the random numbers of a shard's i-th row in a step depend on.
func rowKey(seed, step int64, shard, i int) int32 {
	return int32(mix(mix(mix(uint64(seed))+uint64(step)) + uint64(shard)<<32 + uint64(i)))
}

// mix spreads neighbouring keys over 64 bits (the finalizer of SplitMix64, Steele et al. 2014).
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
