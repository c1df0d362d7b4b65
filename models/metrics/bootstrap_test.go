package metrics

import (
	"math"
	"testing"
)

func TestPoisson(t *testing.T) {
	var counts [8]float64
	const draws = 200_000
	random := generator(1)
	for range draws {
		counts[min(Poisson(random.next()), 7)]++
	}
	p := 1 / math.E
	for n := range 7 {
		if n > 0 {
			p /= float64(n)
		}
		if got := counts[n] / draws; math.Abs(got-p) > 5*math.Sqrt(p/draws) {
			t.Errorf("%d is drawn with the probability %v, want %v", n, got, p)
		}
	}
	if Poisson(math.MaxUint64) > 20 {
		t.Error("a draw without an end")
	}
}

// TestResampledCurves: a sample's weights have the mean of the whole's and the variance of Poisson's draws.
func TestResampledCurves(t *testing.T) {
	const samples = 4000
	for _, n := range []int{1, 10, 5000} {
		var c Curve
		for range n {
			if err := c.Add(0.5, 1, 1); err != nil {
				t.Fatal(err)
			}
		}
		sum, squares := 0., 0.
		for seed := range samples {
			sample, err := c.Resampled(7, seed)
			if err != nil {
				t.Fatal(err)
			}
			points, err := sample.Points()
			if err != nil {
				t.Fatal(err)
			}
			for _, p := range points {
				sum += p.Positives
				squares += p.Positives * p.Positives
			}
		}
		mean := sum / samples
		variance := squares/samples - mean*mean
		if lambda := float64(n); math.Abs(mean-lambda) > 5*math.Sqrt(lambda/samples) || math.Abs(variance/lambda-1) > 0.15 {
			t.Errorf("of %d examples samples have the mean %v and the variance %v", n, mean, variance)
		}
	}
}

func TestIntervals(t *testing.T) {
	var samples []*Metrics
	for i := range 201 {
		samples = append(samples, &Metrics{Loss: float64((i * 37) % 201)})
	}
	if got := Intervals(samples)["loss"]; got != (Interval{5, 195}) {
		t.Errorf("the interval is %v", got)
	}
}
