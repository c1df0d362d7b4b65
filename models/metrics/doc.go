// Package metrics computes the figures of a classifier or of a regression, exactly.
//
// Every figure is defined on triples (float32 outputs of a network, label, weight).
// A caller adds triples to [Figures] and, of two classes, to a [Curve], merges those
// of any number of workers in any order, and asks once for [Metrics]:
//
//	f := metrics.NewFigures(metrics.Task{Classes: 2})
//	var c metrics.Curve
//	f.Add([]float32{logit}, label, weight)
//	c.Add(logit, label, weight)
//	curve, err := c.Figures()
//	m, err := f.Metrics(curve)
//
// The result has the same bits however the triples were divided and in whatever
// order the parts were merged: weights are integers (multiples of 2^-30), the
// sums of losses and of probabilities are kept without rounding, and the area
// under the curve is a ratio of two integers, rounded once.
//
// A curve has one point for each distinct logit, so it grows with the data. To
// spread it over workers, key it by [Bucket] (see [Curve.Split]), reduce each
// bucket to an [Area], and append the areas in the order of their buckets. What lies
// above a bucket is then known, and with it the bucket's PrecisionSum.
//
// [Sigmoid], [LogLoss] and their like are written out here because those of the
// standard library round differently from one processor to the next.
package metrics
