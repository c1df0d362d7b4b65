package spec

import "slices"

func (s *Spec) setDefaults(string) {
	s.Data.setDefaults("")
	s.Label.setDefaults("")
	s.Training.setDefaults("")
}

func (d *Data) setDefaults(string) { d.Format = FormatCSV }

func (l *Label) setDefaults(string) { l.Kind = Classification }

func (f *Feature) setDefaults(kind string) {
	if kind == Vocabulary {
		f.OOVBuckets, f.MinCount = 1, 1
	}
}

func (t *Training) setDefaults(string) {
	t.BatchSize = 512
	t.Schedule.setDefaults("")
}

func (e *EarlyStopping) setDefaults(string) { e.Holdout, e.Patience = 0.1, 5 }

func (s *Schedule) setDefaults(string) { s.Kind = Constant }

func (o *Optimizer) setDefaults(kind string) { *o = optimizerDefaults[kind] }

var optimizerDefaults = map[string]Optimizer{
	SGD:      {Kind: SGD, LearningRate: 0.1},
	Momentum: {Kind: Momentum, LearningRate: 0.01, Momentum: 0.9},
	Adagrad:  {Kind: Adagrad, LearningRate: 0.05, InitialAccumulator: 0.1, Epsilon: 1e-7},
	Adam:     {Kind: Adam, LearningRate: 0.001, Beta1: 0.9, Beta2: 0.999, Epsilon: 1e-8},
	FTRL:     {Kind: FTRL, LearningRate: 0.1, Beta: 1},
}

// defaultQuantiles are those of piecewise_linear.
const defaultQuantiles = 16

// resolve fills in the defaults that follow from other values.
func (s *Spec) resolve() {
	if s.Data.Format == FormatCSV && s.Data.Delimiter == "" {
		s.Data.Delimiter = ","
	}
	if losses := lossesOf[s.Label.Kind]; s.Training.Loss == "" && len(losses) > 0 {
		s.Training.Loss = losses[0]
	}
	for i := range s.Features {
		if f := &s.Features[i]; f.Kind != Cross && f.Column == "" {
			f.Column = f.Name
		}
		if f := &s.Features[i]; f.Has(PiecewiseLinear) && f.Quantiles == 0 {
			f.Quantiles = defaultQuantiles
		}
	}
	if s.Data.Format == FormatJSONL && len(s.Data.Columns) == 0 {
		s.Data.Columns = s.usedColumns()
	}
}

// usedColumns are the columns that the spec reads, each once: what a JSON
// object may hold when data.columns does not say.
func (s *Spec) usedColumns() []string {
	var used []string
	add := func(column string) {
		if column != "" && !slices.Contains(used, column) {
			used = append(used, column)
		}
	}
	for _, f := range s.Features {
		add(f.Column)
	}
	add(s.Key)
	add(s.Weight)
	add(s.Label.Column)
	return used
}
