// Package flinkcluster starts a Flink cluster with Beam's job server on this machine: for training with
// --distributed, for tests and for trying out what a larger cluster will do. Its parts are Java programs that Maven
// fetches once; nothing is installed.
//
//	jars.go      what Maven fetches
//	conf.go      what Flink is told
//	cluster.go   the parts, started in order and stopped together
//	process.go   a program that is started again when it dies
package flinkcluster
