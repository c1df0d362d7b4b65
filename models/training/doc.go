// Package training is the mathematics of a training run, without Beam and without a clock: what a shard contributes to
// a round, how contributions add up, and how their average changes the state. Package transforms runs it as rounds of a
// Beam graph; a test can run it as a loop.
//
//	shard.go         which rows belong to which shard
//	cache.go         a shard's encoded rows, in bounded memory
//	order.go         the order of a shard's rows in an epoch
//	state.go         weights, optimizer slots, position: what a checkpoint holds
//	contribution.go  exact sums of gradients over shards
//	trainer.go       rows and weights to all that gradients are made of
//	summation.go     and on to a contribution
//	update.go        contributions to the next state
//	schedule.go      the learning rate's factor by step
//	codec.go         the bytes of what crosses from one worker to another
//
// A run's weights depend on the resolved spec, the data, the number of shards, the batch size and the seed, and on
// nothing else: not on the number of cores or workers, nor on the order in which contributions arrive.
package training
