// Package runners knows the Beam runners that Penstock's pipelines run on: one file a runner, with its defaults, its
// limits, its checks and how a pipeline is started there. Only this package imports Beam's runners, so the binary links no
// others.
//
//	runner.go    what all have in common
//	direct.go    this process, elements by reference
//	prism.go     this process or one worker beside it, elements encoded
//	flink.go     a Flink cluster behind Beam's job server
//	dataflow.go  Google Cloud Dataflow
//	portable.go  a pipeline on its way to a job server, followed to its end
//	worker.go    this binary as the worker that a runner starts
//	remote.go    jobs that a runner elsewhere was given
//
// Package flinkcluster starts a Flink cluster on this machine; package runnerstest lets a test binary be the worker of its
// own pipelines.
package runners
