// Package pipelines has one file a job: it takes validated options, builds the graph from package transforms, runs it
// and returns what the job found. It reads no flags and prints nothing; what a person sees while a job runs goes through
// the callbacks of its options.
//
//	analyze.go       training files to fitted features and where their records lie
//	train.go         a training run from its options to its result
//	resume.go        what a run takes over from a checkpoint
//	identity.go      what makes two runs the same
//	lock.go          one run at a time in a job directory
//	segments.go      rounds in graphs, chained by checkpoints
//	pace.go          what a run that will take long is told
//	plan.go          what a run would do, and the model of its time
//	calibrate.go     what that model's parts take, measured
//	history.go       what a run reports: metrics.jsonl and event files
//	export.go        the last state as a model
//	evaluate.go      a model and labelled files to metrics
//	batchpredict.go  a model and files to predictions
//	batchprogress.go how far that is
//	runner.go        what a job needs to know of a runner
package pipelines
