package metrics

import (
	"math"
	"slices"
)

// The Poisson bootstrap counts each example as often as a draw from Poisson(1) says,
// which is what drawing as many examples with replacement comes to where there are
// many, and needs nothing but the example itself (Chamandy et al., "Estimating
// Uncertainty for Massive Data Streams", 2012).

// Poisson returns a draw from Poisson(1), given 64 random bits.
func Poisson(random uint64) int {
	u, n := float64(random>>11)*0x1p-53, 0
	for p, sum := 1/math.E, 1/math.E; u >= sum && n < 20; sum += p {
		n++
		p /= float64(n)
	}
	return n
}

// Resampled is the curve, one bucket's, in the bootstrap sample of a number. Examples of
// one logit and class are told apart by their weight alone, as if each weighed 1.
func (c *Curve) Resampled(bucket, sample int) (*Curve, error) {
	if err := c.compact(); err != nil {
		return nil, err
	}
	random := generator(seedOf(uint64(bucket), sample))
	drawn := &Curve{points: make([]point, 0, len(c.points))}
	for _, p := range c.points {
		p.negatives, p.positives = random.weight(p.negatives), random.weight(p.positives)
		if p.negatives+p.positives > 0 {
			drawn.points = append(drawn.points, p)
		}
	}
	drawn.sorted = len(drawn.points)
	return drawn, nil
}

// Draw returns how often an example, known by a hash, is in the sample of a number.
func Draw(example uint64, sample int) int { return Poisson(seedOf(example, sample)) }

// seedOf makes random bits of a hash and the number of a sample.
func seedOf(hash uint64, sample int) uint64 {
	g := generator(hash + uint64(sample)*0x9e3779b97f4a7c15)
	return g.next()
}

// generator is SplitMix64 (Steele et al., 2014).
type generator uint64

func (g *generator) next() uint64 {
	*g += 0x9e3779b97f4a7c15
	x := uint64(*g)
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// weight is how much examples weigh in a sample: each of weight 1, and what is left of the sum like one more.
func (g *generator) weight(w uint64) uint64 {
	const one, most = 1 << weightBits, 1000
	if n := w / one; n > most { // nearly normal, with the sum of twelve uniform variables for a normal one
		z := -6.
		for range 12 {
			z += float64(g.next()>>11) * 0x1p-53
		}
		return uint64(max(0, math.Round(float64(n)+math.Sqrt(float64(n))*z))) * one
	}
	sum := uint64(0)
	for ; w >= one; w -= one {
		sum += uint64(Poisson(g.next())) * one
	}
	if w > 0 {
		sum += uint64(Poisson(g.next())) * w
	}
	return sum
}

// An Interval is where a figure lies with a probability of 95%.
type Interval [2]float64

// Intervals are those of each figure that is a single number, by the percentiles of
// bootstrap samples.
func Intervals(samples []*Metrics) map[string]Interval {
	values := map[string][]float64{}
	for _, m := range samples {
		for _, s := range m.Scalars() {
			values[s.Name] = append(values[s.Name], s.Value)
		}
	}
	intervals := map[string]Interval{}
	for name, list := range values {
		slices.Sort(list)
		intervals[name] = Interval{percentile(list, 0.025), percentile(list, 0.975)}
	}
	return intervals
}

// percentile is a value between neighbours of a sorted list.
func percentile(sorted []float64, share float64) float64 {
	at := share * float64(len(sorted)-1)
	low := int(at)
	high := min(low+1, len(sorted)-1)
	return sorted[low] + float64((at-float64(low))*(sorted[high]-sorted[low]))
}
