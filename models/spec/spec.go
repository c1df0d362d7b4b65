package spec

import "slices"

// Version is the version of the file format that [Parse] reads and
// [Spec.Marshal] writes.
const Version = 1

// A Spec describes a model, its data and its training. The zero value is not
// valid: make one with [Parse], or fill it by hand, Marshal it and Parse the
// result. A Spec is read-only once it is shared between goroutines.
type Spec struct {
	Version  int       `yaml:"version"`
	Name     string    `yaml:"name"`
	Data     Data      `yaml:"data"`
	Label    Label     `yaml:"label"`
	Key      string    `yaml:"key,omitempty"`    // a column that predictions repeat; "" for none
	Weight   string    `yaml:"weight,omitempty"` // a column of numbers, how much each record counts in training and evaluation; "" for equally
	Features []Feature `yaml:"features"`
	Model    Section   `yaml:"model"`
	Training Training  `yaml:"training"`

	source *source // positions in the file; nil for a Spec made by hand
}

// Data says how records are read.
type Data struct {
	Format    string   `yaml:"format"`              // FormatCSV or FormatJSONL
	Delimiter string   `yaml:"delimiter,omitempty"` // one byte; CSV only
	Header    bool     `yaml:"header,omitempty"`    // the first line of each file names the columns; CSV only
	Columns   []string `yaml:"columns,omitempty"`   // empty until resolved: see [Spec.ResolveColumns]
	Missing   []string `yaml:"missing,omitempty"`   // texts that mean "no value", besides the empty field
	Multiline bool     `yaml:"multiline,omitempty"` // quoted fields may contain line breaks; CSV only
	KeepSpace bool     `yaml:"keep_space,omitempty"`
}

// Formats of data files.
const (
	FormatCSV   = "csv"
	FormatJSONL = "jsonl" // one JSON object a line
)

// Label is what the model learns to predict.
type Label struct {
	Column string `yaml:"column"`
	Kind   string `yaml:"kind"` // Classification or Regression
	// Classes has at least two elements, of two the negative class first, or
	// none: then they are the texts found in the training data, sorted by bytes.
	Classes []string `yaml:"classes,omitempty"`
}

// Kinds of labels.
const (
	Classification = "classification" // one of some texts
	Regression     = "regression"     // a number
)

// MostClasses bounds the classes of a label: each has an output of the network.
const MostClasses = 10_000

// A Feature makes one input of the model from a column, or from other features.
// Which fields may be set depends on Kind.
type Feature struct {
	Name   string `yaml:"name"`
	Kind   string `yaml:"kind"`
	Column string `yaml:"column,omitempty"` // default: Name; empty for a cross

	Transform  []string  `yaml:"transform,omitempty"`   // numeric: steps, in order
	OOVBuckets int       `yaml:"oov_buckets,omitempty"` // vocabulary: ids for values outside it; 0 makes such a value an error
	MinCount   int64     `yaml:"min_count,omitempty"`   // vocabulary: a value seen less often is left out
	TopK       int       `yaml:"top_k,omitempty"`       // vocabulary: only the most frequent values; 0 keeps all
	Buckets    int       `yaml:"buckets,omitempty"`     // hash, cross: number of ids
	Separator  string    `yaml:"separator,omitempty"`   // vocabulary, hash: a value has several texts with this between them
	Boundaries []float64 `yaml:"boundaries,omitempty"`  // bucketize: strictly increasing
	Quantiles  int       `yaml:"quantiles,omitempty"`   // bucketize, in place of boundaries, and numeric with piecewise_linear: intervals of about as many training records each
	Features   []string  `yaml:"features,omitempty"`    // cross: names of the categorical features that it combines
}

// Kinds of features.
const (
	Numeric    = "numeric"    // a number, after Transform
	Vocabulary = "vocabulary" // a text, by its place in the training data's vocabulary
	Hash       = "hash"       // a text, by its hash
	Bucketize  = "bucketize"  // a number, by the interval that holds it
	Cross      = "cross"      // the combination of several categorical features
)

// Steps of a numeric feature's Transform.
const (
	Log1p  = "log1p"  // log(1 + x)
	ZScore = "zscore" // (x - mean) / deviation over the training data
	MinMax = "minmax" // (x - min) / (max - min) over the training data
	// PiecewiseLinear makes a number of each of the Quantiles, how far x has come through that interval: 0 below it, 1 above
	// it, and between them along a line (arXiv 2203.05556).
	PiecewiseLinear = "piecewise_linear"
)

// Categorical tells whether the feature's value is an id, not a number.
func (f *Feature) Categorical() bool { return f.Kind != Numeric }

// Has tells whether the numeric feature's Transform has the step.
func (f *Feature) Has(step string) bool { return slices.Contains(f.Transform, step) }

// NeedsQuantiles tells whether the intervals of the feature come from the training data.
func (f *Feature) NeedsQuantiles() bool { return f.Quantiles > 0 }

// Training says how the model learns. Epochs and Steps exclude each other; the
// run decides its length when both are zero.
type Training struct {
	BatchSize int                  `yaml:"batch_size"` // examples a step, over all shards
	Epochs    int                  `yaml:"epochs,omitempty"`
	Steps     int                  `yaml:"steps,omitempty"`
	Loss      string               `yaml:"loss"`
	Seed      int64                `yaml:"seed"`
	Optimizer map[string]Optimizer `yaml:"optimizer"` // by the model kind's parameter groups
	Schedule  Schedule             `yaml:"schedule"`
	ClipNorm  float64              `yaml:"clip_norm,omitempty"` // largest 2-norm of the gradient; 0: not clipped

	EarlyStopping EarlyStopping `yaml:"early_stopping,omitempty"`
}

// EarlyStopping ends a run when a part of the training records that it does not
// learn from says so, and takes the weights that did best on them. Without Holdout
// a run has its whole length.
type EarlyStopping struct {
	Holdout  float64 `yaml:"holdout,omitempty"`  // share of the records
	Patience int     `yaml:"patience,omitempty"` // evaluations without a better loss after which the run ends
	Every    int     `yaml:"every,omitempty"`    // steps between evaluations; 0: an epoch, resolved at the run's start
}

// Losses. Those of a regression are of the label less its mean, in deviations.
const (
	LogLoss      = "log_loss"      // of a class: the cross-entropy, in nats
	SquaredError = "squared_error" // of a number: half the square of the error
	Huber        = "huber"         // the same up to an error of 1 and from there on linear (Huber, 1964)
)

// An Optimizer updates one group of parameters. Which fields may be set depends
// on Kind; [Parse] fills in the others of that kind.
type Optimizer struct {
	Kind               string  `yaml:"kind"`
	LearningRate       float64 `yaml:"learning_rate"`
	Momentum           float64 `yaml:"momentum,omitempty"`            // momentum: share of the last step that is kept
	Beta1              float64 `yaml:"beta1,omitempty"`               // adam: decay of the mean gradient
	Beta2              float64 `yaml:"beta2,omitempty"`               // adam: decay of the mean squared gradient
	Epsilon            float64 `yaml:"epsilon,omitempty"`             // adam, adagrad: added to the denominator
	InitialAccumulator float64 `yaml:"initial_accumulator,omitempty"` // adagrad, ftrl: squared gradients at the start
	Beta               float64 `yaml:"beta,omitempty"`                // ftrl: added to the root of the squared gradients
	L1                 float64 `yaml:"l1,omitempty"`                  // ftrl
	L2                 float64 `yaml:"l2,omitempty"`                  // every kind
}

// Kinds of optimizers.
const (
	SGD      = "sgd"
	Momentum = "momentum"
	Adagrad  = "adagrad"
	Adam     = "adam"
	FTRL     = "ftrl" // FTRL-Proximal, McMahan et al., "Ad Click Prediction: a View from the Trenches", 2013
)

// A Schedule scales every learning rate: from 0 to 1 over WarmupSteps, then
// from 1 to FinalFactor over DecaySteps, along a line or half a cosine, or
// constantly 1.
type Schedule struct {
	Kind        string  `yaml:"kind"`
	WarmupSteps int     `yaml:"warmup_steps,omitempty"`
	DecaySteps  int     `yaml:"decay_steps,omitempty"` // 0: the rest of the run, resolved at its start
	FinalFactor float64 `yaml:"final_factor,omitempty"`
}

// Kinds of schedules.
const (
	Constant = "constant"
	Linear   = "linear"
	Cosine   = "cosine"
)

// Feature returns the feature of that name.
func (s *Spec) Feature(name string) (*Feature, bool) {
	i := slices.IndexFunc(s.Features, func(f Feature) bool { return f.Name == name })
	if i < 0 {
		return nil, false
	}
	return &s.Features[i], true
}
