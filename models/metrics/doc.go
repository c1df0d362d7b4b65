// Package metrics computes the figures of a binary classifier, exactly.
//
// Every figure is defined on triples (float32 logit, label 0 or 1, weight). A
// caller adds triples to a [Binary] and to a [Curve], merges those of any number
// of workers in any order, and asks once for [Metrics]:
//
//	var b metrics.Binary
//	var c metrics.Curve
//	b.Add(logit, label, weight)
//	c.Add(logit, label, weight)
//	area, err := c.Area()
//	m, err := b.Metrics(area)
//
// The result has the same bits however the triples were divided and in whatever
// order the parts were merged: weights are integers (multiples of 2^-30), the
// sums of losses and of probabilities are kept without rounding, and the area
// under the curve is a ratio of two integers, rounded once.
//
// A curve has one point for each distinct logit, so it grows with the data. To
// spread it over workers, key it by [Bucket] (see [Curve.Split]), reduce each
// bucket to an [Area], and append the areas in the order of their buckets.
//
// [Sigmoid] and [LogLoss] are written out here because those of the standard
// library round differently from one processor to the next.
package metrics
