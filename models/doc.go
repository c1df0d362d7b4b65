// Package models defines what a model is to Penstock: named parameters with
// their initial values, and a network built in a Gorgonia graph from a batch
// of encoded rows.
//
// A kind of model is registered once, from the init function of its package:
//
//	func init() { models.Register("my_kind", kind{}) }
//
// and is then chosen by `model: {kind: my_kind}` in a spec. [New] builds the
// model of a spec; [Arrange] lays its parameters out in one vector of floats,
// which is what optimizers, checkpoints and plans work on. The network itself
// is never run from here: package plan compiles it.
//
// A model adds neither its loss nor its gradients. Logits are all that it
// returns; the loss follows from the spec and the gradients from Gorgonia's
// symbolic differentiation of the graph.
package models
