package metrics

import (
	"errors"

	"github.com/penstock-ml/penstock/models/exact"
)

// Binary accumulates all figures of a binary classifier but the AUC. The zero
// Binary is empty and ready; it is used by one goroutine at a time.
type Binary struct {
	examples   int64
	confusion  [2][2]uint64 // [label][prediction], multiples of 2^-30
	loss       exact.Sum    // weighted log loss
	prediction exact.Sum    // weighted probability of class 1
}

// Metrics are the figures of a binary classifier over one data set. Figures that
// are ratios are absent (nil, null in JSON) where their denominator is 0.
type Metrics struct {
	Examples       int64    `json:"examples"`        // of positive weight
	Weight         float64  `json:"weight"`          // the sum of the weights
	Loss           float64  `json:"loss"`            // weighted mean log loss, in nats
	Accuracy       float64  `json:"accuracy"`        // of predicting class 1 where the logit > 0
	AUC            *float64 `json:"auc"`             // area under the ROC curve, ties half; absent with one class only
	Precision      *float64 `json:"precision"`       // absent where nothing is predicted positive
	Recall         *float64 `json:"recall"`          // absent without positives
	LabelMean      float64  `json:"label_mean"`      // the share of class 1
	PredictionMean float64  `json:"prediction_mean"` // the mean probability of class 1

	// Confusion is the weight at [label][prediction].
	Confusion [2][2]float64 `json:"confusion_matrix"`
}

// Add counts one example of a label 0 or 1 and a weight in [0, MaxWeight], which
// is rounded to a multiple of 2^-30. Weight 0 is padding and leaves no trace.
func (b *Binary) Add(logit, label, weight float32) error {
	if err := checkExample(logit, label); err != nil {
		return err
	}
	w, err := fixedWeight(weight)
	if err != nil || w == 0 {
		return err
	}
	cell := &b.confusion[class(label == 1)][class(logit > 0)]
	if *cell, err = addWeight(*cell, w); err != nil {
		return err
	}
	b.examples++
	b.loss.AddProduct(LogLoss(logit, label), floatWeight(w))
	b.prediction.AddProduct(Sigmoid(logit), floatWeight(w))
	return nil
}

func class(positive bool) int {
	if positive {
		return 1
	}
	return 0
}

// Merge adds the examples of other, which is left as it was.
func (b *Binary) Merge(other *Binary) error {
	var err error
	for label := range b.confusion {
		for prediction := range b.confusion[label] {
			cell := &b.confusion[label][prediction]
			if *cell, err = addWeight(*cell, other.confusion[label][prediction]); err != nil {
				return err
			}
		}
	}
	b.examples += other.examples
	b.loss.Merge(&other.loss)
	b.prediction.Merge(&other.prediction)
	return nil
}

// Examples returns the number of examples of positive weight.
func (b *Binary) Examples() int64 { return b.examples }

// Metrics returns the figures; area is that of the curve of the same examples.
// No example at all is an error, since no figure is defined then.
func (b *Binary) Metrics(area Area) (*Metrics, error) {
	if b.examples == 0 {
		return nil, errors.New("there are no examples to evaluate")
	}
	m := &Metrics{Examples: b.examples}
	for label, row := range b.confusion {
		for prediction, w := range row {
			m.Confusion[label][prediction] = floatWeight(w)
		}
	}
	negatives := m.Confusion[0][0] + m.Confusion[0][1]
	positives := m.Confusion[1][0] + m.Confusion[1][1]
	m.Weight = negatives + positives
	m.Loss = b.loss.Value() / m.Weight
	m.PredictionMean = b.prediction.Value() / m.Weight
	m.LabelMean = positives / m.Weight
	m.Accuracy = (m.Confusion[0][0] + m.Confusion[1][1]) / m.Weight
	m.Precision = ratio(m.Confusion[1][1], m.Confusion[0][1]+m.Confusion[1][1])
	m.Recall = ratio(m.Confusion[1][1], positives)
	if auc, ok := area.AUC(); ok {
		m.AUC = &auc
	}
	return m, nil
}

func ratio(part, whole float64) *float64 {
	if whole == 0 {
		return nil
	}
	r := part / whole
	return &r
}
