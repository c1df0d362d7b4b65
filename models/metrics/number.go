package metrics

import (
	"fmt"
	"math"

	"github.com/penstock-ml/penstock/models/exact"
)

// number are the sums of a number, all of labels and outputs in deviations.
type number struct {
	task       Task
	count      int64
	weight     uint64 // multiples of 2^-30
	label      exact.Sum
	squares    exact.Sum // of labels
	output     exact.Sum
	loss       exact.Sum
	absolute   exact.Sum // errors
	squared    exact.Sum
	magnitudes map[uint32]uint64 // weight of absolute errors, see magnitudeKey
}

// magnitudeBits of the fraction of an error tell its size within 1%.
const magnitudeBits = 7

// magnitudeKey rounds a positive float32 up to so many bits.
func magnitudeKey(x float32) uint32 {
	const dropped = 23 - magnitudeBits
	return (math.Float32bits(x) + 1<<dropped - 1) >> dropped
}

func magnitudeOf(key uint32) float64 {
	return float64(math.Float32frombits(key << (23 - magnitudeBits)))
}

func (n *number) add(outputs []float32, label float32, w uint64) error {
	if math.IsNaN(float64(label)) || math.IsInf(float64(label), 0) {
		return fmt.Errorf("label %v is not finite", label)
	}
	sum, err := addWeight(n.weight, w)
	if err != nil {
		return err
	}
	n.weight = sum
	n.count++
	weight, y, z := floatWeight(w), float64(label), float64(outputs[0])
	difference := z - y
	n.label.AddProduct(y, weight)
	n.squares.AddProduct(y*y, weight)
	n.output.AddProduct(z, weight)
	n.absolute.AddProduct(math.Abs(difference), weight)
	n.squared.AddProduct(difference*difference, weight)
	n.loss.AddProduct(n.task.loss(difference), weight)
	if n.magnitudes == nil {
		n.magnitudes = map[uint32]uint64{}
	}
	n.magnitudes[magnitudeKey(float32(math.Abs(difference)))] += w // at most n.weight
	return nil
}

func (t *Task) loss(difference float64) float64 {
	if size := math.Abs(difference); t.Huber && size > 1 {
		return size - 0.5
	}
	return difference * difference / 2
}

func (n *number) merge(others sums) error {
	other := others.(*number)
	if n.count == 0 {
		n.task = other.task
	}
	var err error
	if n.weight, err = addWeight(n.weight, other.weight); err != nil {
		return err
	}
	n.count += other.count
	theirs := other.exact()
	for i, sum := range n.exact() {
		sum.Merge(theirs[i])
	}
	if n.magnitudes == nil {
		n.magnitudes = map[uint32]uint64{}
	}
	for key, w := range other.magnitudes {
		n.magnitudes[key] += w
	}
	return nil
}

func (n *number) exact() []*exact.Sum {
	return []*exact.Sum{&n.label, &n.squares, &n.output, &n.loss, &n.absolute, &n.squared}
}

func (n *number) examples() int64 { return n.count }

func (n *number) metrics(*CurveFigures) (*Metrics, error) {
	weight := floatWeight(n.weight)
	mean, squared := n.label.Value()/weight, n.squared.Value()/weight
	variance := n.squares.Value()/weight - float64(mean*mean)
	original := func(x float64) float64 { return n.task.Mean + float64(n.task.Deviation*x) }
	f := &NumberFigures{
		RMSE:           n.task.Deviation * math.Sqrt(squared),
		MAE:            n.task.Deviation * n.absolute.Value() / weight,
		ErrorQuantiles: n.quantiles(50, 90, 95, 99),
	}
	if variance > 0 {
		r2 := 1 - squared/variance
		f.R2 = &r2
	}
	return &Metrics{Examples: n.count, Weight: weight, Loss: n.loss.Value() / weight, NumberFigures: f, MeanFigures: &MeanFigures{original(mean), original(n.output.Value() / weight)}}, nil
}

// quantiles are the sizes that so many percent of the errors, by weight, do not exceed.
func (n *number) quantiles(percent ...int) map[string]float64 {
	sizes := sortedKeys(n.magnitudes)
	quantiles := map[string]float64{}
	below, i := 0.0, -1
	for _, p := range percent {
		for i < len(sizes)-1 && below*100 < float64(p)*floatWeight(n.weight) {
			i++
			below += floatWeight(n.magnitudes[sizes[i]])
		}
		quantiles[fmt.Sprint(p)] = n.task.Deviation * magnitudeOf(sizes[max(i, 0)])
	}
	return quantiles
}

func (n *number) append(data []byte) []byte {
	data = appendFloats(append(data, byte(class(n.task.Huber))), n.task.Mean, n.task.Deviation)
	data = appendSums(appendWeights(appendCount(data, n.count), n.weight), n.exact()...)
	data = appendCount(data, int64(len(n.magnitudes)))
	before := uint32(0)
	for _, key := range sortedKeys(n.magnitudes) {
		data = appendWeights(data, uint64(key-before), n.magnitudes[key])
		before = key
	}
	return data
}

func (n *number) read(r *reader) {
	n.task.Huber = r.byte() == 1
	n.task.Mean, n.task.Deviation = r.float(), r.float()
	n.count, n.weight = r.count(), r.uvarint(math.MaxUint64)
	r.sums(n.exact()...)
	n.magnitudes = map[uint32]uint64{}
	key := uint64(0)
	for i := range r.uvarint(uint64(len(r.data)) / 2) {
		step := r.uvarint(math.MaxUint32 - key)
		if i > 0 && step == 0 {
			r.fail()
		}
		key += step
		n.magnitudes[uint32(key)] = r.uvarint(math.MaxUint64)
	}
}
