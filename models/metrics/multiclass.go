package metrics

import (
	"fmt"

	"github.com/penstock-ml/penstock/models/exact"
)

// MostConfused is the number of classes up to which there is a confusion matrix.
const MostConfused = 100

// multiclass are the sums of more than two classes. All weights are multiples of 2^-30.
type multiclass struct {
	count     int64
	labels    []uint64 // weight by class
	predicted []uint64
	correct   []uint64
	confusion []uint64 // [label][prediction], nil of more than MostConfused classes
	loss      exact.Sum
}

func newMulticlass(classes int) *multiclass {
	m := &multiclass{labels: make([]uint64, classes), predicted: make([]uint64, classes), correct: make([]uint64, classes)}
	if classes <= MostConfused {
		m.confusion = make([]uint64, classes*classes)
	}
	return m
}

func (m *multiclass) add(outputs []float32, label float32, w uint64) error {
	if label != float32(int(label)) || label < 0 || int(label) >= len(m.labels) || len(outputs) != len(m.labels) {
		return fmt.Errorf("label %v is not the number of one of %d classes", label, len(m.labels))
	}
	class, predicted := int(label), Likeliest(outputs)
	var err error
	if m.labels[class], err = addWeight(m.labels[class], w); err != nil {
		return err
	}
	if m.predicted[predicted], err = addWeight(m.predicted[predicted], w); err != nil {
		return err
	}
	if predicted == class {
		m.correct[class] += w // at most labels
	}
	if m.confusion != nil {
		m.confusion[class*len(m.labels)+predicted] += w // likewise
	}
	m.count++
	m.loss.AddProduct(ClassLoss(outputs, class), floatWeight(w))
	return nil
}

func (m *multiclass) merge(others sums) error {
	other := others.(*multiclass)
	if m.labels == nil {
		*m = *newMulticlass(len(other.labels))
	}
	if len(m.labels) != len(other.labels) {
		return fmt.Errorf("figures of %d and of %d classes cannot be merged", len(m.labels), len(other.labels))
	}
	m.count += other.count
	m.loss.Merge(&other.loss)
	for _, pair := range [][2][]uint64{
		{m.labels, other.labels}, {m.predicted, other.predicted}, {m.correct, other.correct}, {m.confusion, other.confusion},
	} {
		for i, w := range pair[1] {
			var err error
			if pair[0][i], err = addWeight(pair[0][i], w); err != nil {
				return err
			}
		}
	}
	return nil
}

func (m *multiclass) examples() int64 { return m.count }

func (m *multiclass) metrics(*CurveFigures) (*Metrics, error) {
	all := &Metrics{Examples: m.count, ClassFigures: &ClassFigures{Confusion: m.matrix()}, PerClassFigures: &PerClassFigures{}}
	occur := 0.0
	for i := range m.labels {
		label, predicted, correct := floatWeight(m.labels[i]), floatWeight(m.predicted[i]), floatWeight(m.correct[i])
		share := ClassShare{Weight: label, Predicted: predicted, Precision: ratio(correct, predicted), Recall: ratio(correct, label)}
		share.F1 = harmonic(share.Precision, share.Recall)
		all.Classes = append(all.Classes, share)
		all.Weight += label
		all.Accuracy += correct
		if label > 0 {
			occur++
			all.MacroPrecision += orZero(share.Precision)
			all.MacroRecall += orZero(share.Recall)
			all.MacroF1 += orZero(share.F1)
		}
	}
	all.Loss = m.loss.Value() / all.Weight
	all.Accuracy /= all.Weight
	all.MacroPrecision /= occur
	all.MacroRecall /= occur
	all.MacroF1 /= occur
	return all, nil
}

func (m *multiclass) matrix() (rows [][]float64) {
	for row := m.confusion; len(row) > 0; row = row[len(m.labels):] {
		var cells []float64
		for _, w := range row[:len(m.labels)] {
			cells = append(cells, floatWeight(w))
		}
		rows = append(rows, cells)
	}
	return rows
}

func orZero(x *float64) float64 {
	if x == nil {
		return 0
	}
	return *x
}

func (m *multiclass) append(data []byte) []byte {
	data = appendCount(appendCount(data, m.count), int64(len(m.labels)))
	for _, weights := range [][]uint64{m.labels, m.predicted, m.correct, m.confusion} {
		data = appendWeights(data, weights...)
	}
	return appendSums(data, &m.loss)
}

func (m *multiclass) read(r *reader) {
	count := r.count()
	*m = *newMulticlass(int(r.uvarint(uint64(len(r.data)) / 3))) // a class has at least three bytes
	m.count = count
	for _, weights := range [][]uint64{m.labels, m.predicted, m.correct, m.confusion} {
		r.weights(weights)
	}
	r.sums(&m.loss)
}
