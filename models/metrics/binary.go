package metrics

import (
	"math"

	"github.com/penstock-ml/penstock/models/exact"
)

// calibrationBins are those of equal width that probabilities are divided into.
const calibrationBins = 10

// binary are the sums of two classes.
type binary struct {
	count     int64
	confusion [2][2]uint64 // [label][prediction], multiples of 2^-30
	loss      exact.Sum    // weighted log loss
	bins      [calibrationBins]calibrationSums
}

type calibrationSums struct {
	weight, positives uint64    // multiples of 2^-30
	prediction        exact.Sum // weighted probability of class 1
}

func (b *binary) add(outputs []float32, label float32, w uint64) error {
	logit := outputs[0]
	if err := checkLabel(label); err != nil {
		return err
	}
	cell := &b.confusion[class(label == 1)][class(logit > 0)]
	sum, err := addWeight(*cell, w)
	if err != nil {
		return err
	}
	*cell = sum
	b.count++
	b.loss.AddProduct(LogLoss(logit, label), floatWeight(w))
	b.calibrate(Sigmoid(logit), label == 1, w)
	return nil
}

// calibrate counts a probability. Its sums overflow no sooner than those of the confusion.
func (b *binary) calibrate(probability float64, positive bool, w uint64) {
	bin := &b.bins[min(int(probability*calibrationBins), calibrationBins-1)]
	bin.weight += w
	if positive {
		bin.positives += w
	}
	bin.prediction.AddProduct(probability, floatWeight(w))
}

func class(positive bool) int {
	if positive {
		return 1
	}
	return 0
}

func (b *binary) merge(others sums) error {
	other := others.(*binary)
	var err error
	for label := range b.confusion {
		for prediction := range b.confusion[label] {
			cell := &b.confusion[label][prediction]
			if *cell, err = addWeight(*cell, other.confusion[label][prediction]); err != nil {
				return err
			}
		}
	}
	b.count += other.count
	b.loss.Merge(&other.loss)
	for i := range b.bins {
		bin, more := &b.bins[i], &other.bins[i]
		bin.weight += more.weight
		bin.positives += more.positives
		bin.prediction.Merge(&more.prediction)
	}
	return nil
}

func (b *binary) examples() int64 { return b.count }

func (b *binary) metrics(curve *CurveFigures) (*Metrics, error) {
	var c [2][2]float64
	for label, row := range b.confusion {
		for prediction, w := range row {
			c[label][prediction] = floatWeight(w)
		}
	}
	negatives, positives := c[0][0]+c[0][1], c[1][0]+c[1][1]
	weight := negatives + positives
	m := &Metrics{
		Examples: b.count, Weight: weight, Loss: b.loss.Value() / weight,
		ClassFigures: &ClassFigures{Accuracy: (c[0][0] + c[1][1]) / weight, Confusion: [][]float64{c[0][:], c[1][:]}},
		BinaryFigures: &BinaryFigures{
			Precision: ratio(c[1][1], c[0][1]+c[1][1]),
			Recall:    ratio(c[1][1], positives),
		},
		MeanFigures: &MeanFigures{LabelMean: positives / weight},
	}
	m.F1 = harmonic(m.Precision, m.Recall)
	b.addCalibration(m)
	if auc, ok := curve.Area.AUC(); ok {
		m.AUC = &auc
	}
	m.AUCPR = ratio(curve.PrecisionSum, floatWeight(curve.Area.Positives)) // of the curve's own sample, in a bootstrap
	return m, nil
}

func (b *binary) addCalibration(m *Metrics) {
	var all exact.Sum
	for i := range b.bins {
		bin := &b.bins[i]
		all.Merge(&bin.prediction)
		if bin.weight == 0 {
			continue
		}
		w := floatWeight(bin.weight)
		of := CalibrationBin{w, bin.prediction.Value() / w, floatWeight(bin.positives) / w}
		m.Calibration = append(m.Calibration, of)
		m.ECE += float64(w / m.Weight * math.Abs(of.PredictionMean-of.LabelMean))
	}
	m.PredictionMean = all.Value() / m.Weight
}

func (b *binary) append(data []byte) []byte {
	data = appendCount(data, b.count)
	for _, row := range b.confusion {
		data = appendWeights(data, row[:]...)
	}
	data = appendSums(data, &b.loss)
	for i := range b.bins {
		bin := &b.bins[i]
		data = appendSums(appendWeights(data, bin.weight, bin.positives), &bin.prediction)
	}
	return data
}

func (b *binary) read(r *reader) {
	b.count = r.count()
	for label := range b.confusion {
		r.weights(b.confusion[label][:])
	}
	r.sums(&b.loss)
	for i := range b.bins {
		bin := &b.bins[i]
		bin.weight, bin.positives = r.uvarint(math.MaxUint64), r.uvarint(math.MaxUint64)
		r.sums(&bin.prediction)
	}
}
