// Command bench pairs Penstock with what a user would otherwise pick, on the same work and the same cores, and writes
// BENCHMARKS.md. Run it by `make bench`; `make bench-peers` installs the peers.
//
// # How figures are taken
//
// A row ([row]) is one piece of work: Penstock's side of it and, where there are any, its peers. Both sides of a pair
// run one after the other, peer, Penstock, peer, Penstock, ..., so that a machine that grows slower or busier does so
// for both; a figure is the median over the pairs, and a ratio the median of the ratios within them. Both sides are
// processes of their own, held to the same number of cores.
//
// A peer that is not installed, or data that is absent, costs rows and never the run: BENCHMARKS.md lists what was not
// measured, and why.
//
// # What is where
//
//	main.go      flags
//	row.go       what a row is, pairs and medians
//	rows.go      the rows: add one here
//	penstock.go  Penstock's side: runs the binary
//	peers.go     the peers' side: runs their scripts
//	data.go      the files that both read
//	kernels.go   the matrix products and updates against the processor's limits
//	limits.go    the limits: peak multiply-adds (peak_*) and memory bandwidth, and the machine's name
//	report.go    BENCHMARKS.md, with notes.md at its end
package main
