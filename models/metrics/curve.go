package metrics

import (
	"cmp"
	"math"
	"slices"
)

// Curve counts the weight of either class at every distinct logit: the table
// behind AUC, precision-recall and calibration. The zero Curve is empty and
// ready; a Curve is used by one goroutine at a time.
type Curve struct {
	points []point // [0, sorted) ascending and unique, the rest as it came
	sorted int
}

// Point is one distinct logit with the weight of each class there.
type Point struct {
	Logit                float32
	Negatives, Positives float64
}

type point struct {
	key                  uint32 // the logit, see logitKey
	negatives, positives uint64 // multiples of 2^-30
}

// Add counts one example. An example of weight 0 is padding and leaves no trace.
func (c *Curve) Add(logit, label, weight float32) error {
	if err := checkExample(logit, label); err != nil {
		return err
	}
	w, err := fixedWeight(weight)
	if err != nil || w == 0 {
		return err
	}
	p := point{key: logitKey(logit)}
	if label == 1 {
		p.positives = w
	} else {
		p.negatives = w
	}
	c.points = append(c.points, p)
	return c.compactLarge()
}

// Merge adds the examples of other, which stays as it was but for its inner order.
func (c *Curve) Merge(other *Curve) error {
	c.points = append(c.points, other.points...)
	return c.compactLarge()
}

// compactLarge sorts once the unsorted tail outgrows the rest, which costs a
// logarithm a point on average.
func (c *Curve) compactLarge() error {
	const least = 4096
	if len(c.points)-c.sorted < max(least, c.sorted) {
		return nil
	}
	return c.compact()
}

// compact sorts the points and folds equal logits into one.
func (c *Curve) compact() error {
	if c.sorted == len(c.points) {
		return nil
	}
	slices.SortFunc(c.points, func(a, b point) int { return cmp.Compare(a.key, b.key) })
	unique := c.points[:0]
	for _, p := range c.points {
		last := len(unique) - 1
		if last < 0 || unique[last].key != p.key {
			unique = append(unique, p)
			continue
		}
		if err := unique[last].add(p); err != nil {
			return err
		}
	}
	c.points, c.sorted = unique, len(unique)
	return nil
}

func (p *point) add(q point) (err error) {
	if p.negatives, err = addWeight(p.negatives, q.negatives); err != nil {
		return err
	}
	p.positives, err = addWeight(p.positives, q.positives)
	return err
}

// Points returns the table by ascending logit.
func (c *Curve) Points() ([]Point, error) {
	if err := c.compact(); err != nil {
		return nil, err
	}
	points := make([]Point, len(c.points))
	for i, p := range c.points {
		points[i] = Point{keyLogit(p.key), floatWeight(p.negatives), floatWeight(p.positives)}
	}
	return points, nil
}

// Area reduces the curve to the area under it.
func (c *Curve) Area() (Area, error) {
	var area Area
	if err := c.compact(); err != nil {
		return area, err
	}
	for _, p := range c.points {
		tie := Area{Negatives: p.negatives, Positives: p.positives}
		tie.addProduct(p.negatives, p.positives)
		if err := area.Append(tie); err != nil {
			return area, err
		}
	}
	return area, nil
}

// CurveFigures are the figures of a whole curve.
type CurveFigures struct {
	Area         Area
	PrecisionSum float64 // over the weight of the positives, of the precision among the logits that are at least as high
}

// Figures reduces the curve to its figures.
func (c *Curve) Figures() (*CurveFigures, error) {
	area, err := c.Area()
	return &CurveFigures{area, c.PrecisionSum(Area{})}, err
}

// PrecisionSum is the curve's part of [CurveFigures]; above are all examples with
// higher logits. The curve has to be compact, as it is after Area.
func (c *Curve) PrecisionSum(above Area) (sum float64) {
	negatives, positives := above.Negatives, above.Positives
	for _, p := range slices.Backward(c.points) {
		negatives += p.negatives
		positives += p.positives
		if p.positives > 0 {
			precision := floatWeight(positives) / (floatWeight(positives) + floatWeight(negatives))
			sum += float64(floatWeight(p.positives) * precision)
		}
	}
	return sum
}

// logitKey maps finite floats to integers of the same order, with one key for
// the two zeros.
func logitKey(logit float32) uint32 {
	if logit == 0 {
		logit = 0 // drops the sign
	}
	b := math.Float32bits(logit)
	if b>>31 != 0 {
		return ^b
	}
	return b | 1<<31
}

func keyLogit(key uint32) float32 {
	if key>>31 != 0 {
		return math.Float32frombits(key &^ (1 << 31))
	}
	return math.Float32frombits(^key)
}
