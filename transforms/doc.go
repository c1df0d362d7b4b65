// Package transforms is Penstock as Beam transforms: DoFns, CombineFns and composites, one file a subject.
//
//	analysis.go         ranges of training files -> fitted features and an index of the records
//	rounds.go           shards and a state -> rounds of contribute, average, update -> the next state
//	parameter_shards.go the same with parameters in parts
//	largestate.go       states that pass by the path of a file
//	jobs.go             what a worker process keeps between elements: trainers, and states passed on in memory
//	evaluate.go         ranges of labelled records and a model -> its metrics
//	predict.go          ranges of records and a model -> files of predictions and errors, and an outcome of each range
//	outcome.go          what became of the records of a range
//	summary.go          outcomes -> the lines of the errors, and the summary that ends a batch prediction
//	predictionfiles.go  the names and the lines of what a batch prediction writes
//	model.go            models by reference, and what a worker process keeps of them
//	recent.go           what a process keeps of what it used last
//	batch.go            records that are scored together
//	progress.go         how a process hears from the DoFns in it
//	work.go             how work is cut into elements
//	failure.go          errors that survive the trip through a runner
//
// A DoFn here is data: exported fields that say where to find things, resolved when the graph is built. What is open or
// large is made in the worker and kept there. Every DoFn and every type that crosses between stages is registered beside
// its definition, with a coder of its own where Beam's would be slow.
//
// A DoFn is registered as such, and its methods as functions, which spares Beam the slow calls by reflection.
// register.DoFn2x2 and its kin would do both in one call, but each also makes thousands of functions for every form that
// methods of bundles could have: two to three megabytes of the binary for each DoFn.
package transforms
