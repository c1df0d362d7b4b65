package features

// A Layout says what the columns of encoded rows mean.
type Layout struct {
	Numeric     []string      // names of the numeric features, in the spec's order
	Categorical []Categorical // in the spec's order
}

// A Categorical is one column of ids.
type Categorical struct {
	Name string
	Size int // ids are in [0, Size)
}

// Rows are encoded records.
type Rows struct {
	N       int
	Numeric []float32 // [N, numerics], row-major
	IDs     []int32   // [N, categoricals], row-major
	Labels  []float32 // [N], 0 or 1
	Weights []float32 // [N]
}
