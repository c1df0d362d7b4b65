package features

import (
	"fmt"
	"slices"

	"github.com/penstock-ml/penstock/models/spec"
)

// A crossing combines the ids of several categorical features into one. When
// all combinations fit into the buckets, each has its own id, in mixed radix;
// otherwise the combinations are hashed into the buckets.
type crossing struct {
	parts   []int // columns of ids
	sizes   []int // of the parts
	size    int
	hashed  bool
	buckets uint64
}

func newCrossing(f *spec.Feature, l *Layout) (crossing, error) {
	c := crossing{size: 1, buckets: uint64(f.Buckets)}
	for _, name := range f.Features {
		i := slices.IndexFunc(l.Categorical, func(c Categorical) bool { return c.Name == name })
		if i < 0 {
			return c, fmt.Errorf("cross %s combines %s, which is no categorical feature; name one that is", f.Name, name)
		}
		c.parts = append(c.parts, i)
		c.sizes = append(c.sizes, l.Categorical[i].Size)
		// Sizes stay below 2^31 and the product is given up beyond the
		// buckets, so that it cannot overflow.
		c.size *= l.Categorical[i].Size
		c.hashed = c.hashed || c.size > f.Buckets
		if c.hashed {
			c.size = f.Buckets
		}
	}
	return c, nil
}

// id combines the ids of a row.
func (c *crossing) id(row []int32) int32 {
	if c.hashed {
		return c.hash(row)
	}
	id := 0
	for i, part := range c.parts {
		id = id*c.sizes[i] + int(row[part])
	}
	return int32(id)
}

func (c *crossing) hash(row []int32) int32 {
	var h uint64
	for _, part := range c.parts {
		h = mix64(h + uint64(row[part]) + 0x9e3779b97f4a7c15)
	}
	return int32(h % c.buckets)
}

// mix64 is the finalizer of SplitMix64 (Steele, Lea and Flood, "Fast Splittable
// Pseudorandom Number Generators", 2014): a bijection in which every input bit
// changes half of the output bits.
func mix64(h uint64) uint64 {
	h = (h ^ h>>30) * 0xbf58476d1ce4e5b9
	h = (h ^ h>>27) * 0x94d049bb133111eb
	return h ^ h>>31
}

// fitCrosses fills in the crosses, whose sizes follow from those of their parts.
func fitCrosses(s *spec.Spec, f *Fitted) error {
	for i := range s.Features {
		cross := &s.Features[i]
		if cross.Kind != spec.Cross {
			continue
		}
		f.Features[i] = FittedFeature{Name: cross.Name, Kind: cross.Kind}
		c, err := newCrossing(cross, f.Layout(s))
		if err != nil {
			return err
		}
		f.Features[i].Size = c.size
	}
	return nil
}
