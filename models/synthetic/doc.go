// Package synthetic generates records in the form of the UCI Adult ("Census
// Income") data set, from a model whose best reachable figures are known.
//
//	truth, err := synthetic.Census(ctx, file, seed, 0, 100_000)
//	fmt.Println(*truth.AUC) // what a perfect model would score on these rows
//
// A record has the 15 columns of the original ([Columns]), comma-separated and
// without a header; "?" stands for what a respondent left out. The columns follow
// the original's marginal distributions and its main dependencies (marital status
// on age and gender, occupation on education and gender, ...), rounded, so that a
// spec written for the one serves the other.
//
// # The truth
//
// The label is ">50K" with probability 1/(1+exp(-logit)), where the logit is a
// sum of
//
//   - a parabola in age, whose peak depends on the occupation (42 to 56 years);
//   - a return on each year of education beyond the ninth, whose size depends on
//     the occupation, and extra for some pairs of education and occupation;
//   - constants for workclass, occupation, marital status, relationship, gender
//     and native country, and some more for wives;
//   - the weekly hours, up to 60, which count half for the self-employed;
//   - the doublings of a capital gain, and the capital loss.
//
// The fnlwgt and the race have no influence. All of it is a function of the
// columns, learnable from 100,000 rows by a wide-and-deep network with a cross of
// education and occupation. What cannot be learned is the draw itself: its noise
// bounds the AUC of any model near 0.93.
//
// A row is a function of the seed and its number alone, computed in integers and
// in float64 operations that round alike everywhere: any part of a data set can be
// generated on its own, by any number of cores, with the same bytes.
package synthetic
