// Package pipelines has one file a job: it takes validated options, builds the graph from package transforms, runs it
// and returns what the job found. It reads no flags and prints nothing; what a person sees while a job runs goes through
// the callbacks of its options.
package pipelines
