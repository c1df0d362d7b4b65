// Package exact adds float64 numbers without rounding.
//
// A [Sum] holds the exact sum of what was added, so it does not depend on the
// order of the numbers, nor on how they were divided among partial sums that
// were merged: equal multisets give the same value and the same bytes. That is
// what lets statistics and metrics be computed in parallel, on any number of
// workers, and still be equal in every digit.
//
// It is a superaccumulator (Kulisch, "Computer Arithmetic and Validity", 2008;
// the small one of Neal, "Fast Exact Summation Using Small and Large
// Superaccumulators", 2015): a fixed-point number wide enough for every float64
// and every product of two, in digits of 32 bits. A digit sits in 64 bits, so
// carries wait until a billion numbers have been added.
package exact
