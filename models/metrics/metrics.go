package metrics

// Metrics are the figures of a model over one data set. Which of the embedded ones
// there are depends on what it predicts. Figures that are ratios are absent (nil,
// null in JSON) where their denominator is 0.
type Metrics struct {
	Examples int64   `json:"examples"` // of positive weight
	Weight   float64 `json:"weight"`   // the sum of the weights
	Loss     float64 `json:"loss"`     // weighted mean, of classes in nats

	*ClassFigures    // of any number of classes
	*BinaryFigures   // of two classes
	*PerClassFigures // of more classes
	*NumberFigures   // of numbers
	*MeanFigures     // of two classes and of numbers

	// Intervals are where figures lie with a probability of 95%, by name; absent unless asked for.
	Intervals map[string]Interval `json:"intervals,omitempty"`
	Slices    []Slice             `json:"slices,omitempty"`
}

// A Slice has the figures of the examples with one value in a column.
type Slice struct {
	Column string `json:"column"`
	Value  string `json:"value"`
	*Metrics
}

// ClassFigures are those of every classifier.
type ClassFigures struct {
	Accuracy float64 `json:"accuracy"` // of predicting the likeliest class
	// Confusion is the weight at [label][prediction]; absent where there are more than MostConfused classes.
	Confusion [][]float64 `json:"confusion_matrix,omitempty"`
}

// BinaryFigures are those of two classes, 0 and 1.
type BinaryFigures struct {
	AUC       *float64 `json:"auc"`               // area under the ROC curve, ties half; absent with one class only
	AUCPR     *float64 `json:"auc_pr"`            // average precision over the positives, from the highest logit down; absent without positives
	Precision *float64 `json:"precision"`         // absent where nothing is predicted positive
	Recall    *float64 `json:"recall"`            // absent without positives
	F1        *float64 `json:"f1"`                // the harmonic mean of the two
	ECE       float64  `json:"calibration_error"` // expected calibration error: of the bins' differences the weighted mean
	// Calibration compares probabilities with what came about, in bins of equal width without the empty ones.
	Calibration []CalibrationBin `json:"calibration"`
}

// CalibrationBin are the examples whose probabilities of class 1 lie in one interval.
type CalibrationBin struct {
	Weight         float64 `json:"weight"`
	PredictionMean float64 `json:"prediction_mean"`
	LabelMean      float64 `json:"label_mean"`
}

// PerClassFigures are those of more than two classes. Macro figures are means over
// the classes that occur, where an undefined ratio counts as 0.
type PerClassFigures struct {
	MacroPrecision float64      `json:"macro_precision"`
	MacroRecall    float64      `json:"macro_recall"`
	MacroF1        float64      `json:"macro_f1"`
	Classes        []ClassShare `json:"classes"` // by class id
}

// ClassShare is how one class fared.
type ClassShare struct {
	Weight    float64  `json:"weight"`    // of the label
	Predicted float64  `json:"predicted"` // weight
	Precision *float64 `json:"precision"` // absent where the class is never predicted
	Recall    *float64 `json:"recall"`    // absent where it does not occur
	F1        *float64 `json:"f1"`
}

// NumberFigures are those of numbers, in the units of the label.
type NumberFigures struct {
	RMSE float64  `json:"rmse"` // root of the mean squared error
	MAE  float64  `json:"mae"`  // mean absolute error
	R2   *float64 `json:"r2"`   // 1 - squared error / squared deviation from the mean; absent where all labels are the same
	// ErrorQuantiles are those of the absolute error, within 1% of their size: "50", "90", "95" and "99" percent are at most so large.
	ErrorQuantiles map[string]float64 `json:"absolute_error_quantiles"`
}

// MeanFigures are weighted means: of two classes the share of class 1 and its mean
// probability.
type MeanFigures struct {
	LabelMean      float64 `json:"label_mean"`
	PredictionMean float64 `json:"prediction_mean"`
}

// A Scalar is a figure with its name.
type Scalar struct {
	Name  string
	Value float64
}

// Scalars lists the figures that are single numbers and are defined, the most telling first.
func (m *Metrics) Scalars() (list []Scalar) {
	add := func(name string, value *float64) {
		if value != nil {
			list = append(list, Scalar{name, *value})
		}
	}
	add("loss", &m.Loss)
	if f := m.ClassFigures; f != nil {
		add("accuracy", &f.Accuracy)
	}
	if f := m.BinaryFigures; f != nil {
		add("auc", f.AUC)
		add("auc_pr", f.AUCPR)
		add("precision", f.Precision)
		add("recall", f.Recall)
		add("f1", f.F1)
		add("calibration_error", &f.ECE)
	}
	if f := m.PerClassFigures; f != nil {
		add("macro_precision", &f.MacroPrecision)
		add("macro_recall", &f.MacroRecall)
		add("macro_f1", &f.MacroF1)
	}
	if f := m.NumberFigures; f != nil {
		add("rmse", &f.RMSE)
		add("mae", &f.MAE)
		add("r2", f.R2)
	}
	return list
}

func ratio(part, whole float64) *float64 {
	if whole == 0 {
		return nil
	}
	r := part / whole
	return &r
}

// harmonic is the F1 of a precision and a recall.
func harmonic(precision, recall *float64) *float64 {
	if precision == nil || recall == nil {
		return nil
	}
	return ratio(2**precision**recall, *precision+*recall)
}
