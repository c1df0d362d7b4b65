package features

// Rows are encoded records.
type Rows struct {
	N       int
	Numeric []float32 // [N, numerics], row-major
	IDs     []int32   // [N, categoricals], row-major
	Labels  []float32 // [N], as the layout's target says; empty for unlabelled records
	Weights []float32 // [N]; empty for unlabelled records
	Keys    []int32   // [N], of the random numbers that a row is trained with; empty elsewhere
}

// AppendEmpty adds a row of weight 0, which leaves no trace in anything.
func (r *Rows) AppendEmpty(l *Layout) {
	r.Numeric = append(r.Numeric, make([]float32, len(l.Numeric))...)
	r.IDs = append(r.IDs, make([]int32, len(l.Categorical))...)
	r.Labels, r.Weights = append(r.Labels, 0), append(r.Weights, 0)
	r.N++
}

// Reset empties the rows and keeps their memory for the next ones.
func (r *Rows) Reset() {
	r.N = 0
	r.Numeric, r.IDs = r.Numeric[:0], r.IDs[:0]
	r.Labels, r.Weights = r.Labels[:0], r.Weights[:0]
}
