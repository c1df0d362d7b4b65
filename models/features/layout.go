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
