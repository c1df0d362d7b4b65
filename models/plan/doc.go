// Package plan runs models. [Compile] takes a model's graph, with the loss and
// the gradients that Gorgonia derives, and makes a flat list of kernel calls
// over memory that is allocated once; [Plan.Run] goes through the list.
//
//	p, err := plan.Compile(model, arrangement, layout, 64, plan.Train)
//	p.Bind(weights)               // by reference
//	// fill p.Input()
//	err = p.Run()
//	use(p.Dense(), p.Sparse())    // gradients
//
// The cost that is differentiated is the SUM over the batch of weight * loss:
// sums of gradients from several plans can be added. Its gradient with respect
// to the dense parameters is written where it belongs in one vector; that of a
// sparse parameter is gathered into (row, values) pairs and never made dense.
//
// Of the graph only what the results need is computed, in the order in which
// Gorgonia added the nodes, each node once. A product that is masked by a
// rectifier's output takes the mask as its own ending, and a result may take
// the place of an operand that nobody else reads. Operations other than those
// of package ops run through their own Do on Gorgonia's tensors; they allocate,
// ours do not.
//
// [CompileGroups] makes a plan that takes several batches, such as those of a
// core's shards, through the network as one. [Gradients] then gives each batch its
// own gradient, block by block, with the bits of a plan for it alone.
//
// A Plan belongs to one goroutine at a time. Different plans share nothing.
package plan
