// Package transforms is Penstock as Beam transforms: DoFns, CombineFns and composites, one file a subject.
//
//	analysis.go   ranges of training files -> fitted features and an index of the records
//	rounds.go     shards and a state -> rounds of contribute, average, update -> the next state
//	jobs.go       what a worker process keeps between elements: trainers, and states passed on in memory
//	work.go       how work is cut into elements
//	failure.go    errors that survive the trip through a runner
//
// A DoFn here is data: exported fields that say where to find things, resolved when the graph is built. What is open or
// large is made in the worker and kept there. Every DoFn and every type that crosses between stages is registered beside
// its definition, with a coder of its own where Beam's would be slow.
package transforms
