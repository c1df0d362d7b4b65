// Package training is the mathematics of a training run, without Beam and without a clock: what a shard contributes to
// a round, how contributions add up, and how their average changes the state. Package transforms runs it as rounds of a
// Beam graph; a test can run it as a loop.
//
//	shard.go         which rows belong to which shard
//	cache.go         a shard's encoded rows, in bounded memory
//	order.go         the order of a shard's rows in an epoch
//	state.go         weights, optimizer slots, position: what a checkpoint holds
//	tensors.go       a state as named tensors, and back
//	trainer.go       rows and weights to losses, on all cores
//	summation.go     their gradients, block by block, into exact sums
//	strategy.go      what a round is
//	local.go         the same for shards that take several steps of their own
//	contribution.go  exact sums over shards, and how they merge
//	update.go        contributions to the next state
//	blocks.go        the update, block by block
//	schedule.go      the learning rate's factor by step
//	pool.go          memory that rounds use again
//	codec.go         the bytes of what crosses from one worker to another
//
// A run's weights depend on the resolved spec, the data, the number of shards, the local steps, the batch size and the seed, and on
// nothing else: not on the number of cores or workers, nor on the order in which contributions arrive.
package training
