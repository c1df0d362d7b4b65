// Package ops has the operations that Penstock's networks are made of, as
// operations of Gorgonia: Gorgonia builds a graph from them, infers its shapes
// and differentiates it symbolically, for their gradients are operations too.
//
// Each operation is a [Kernel]: a description and a function over raw memory.
// [Op] makes a Gorgonia operation of it. So one and the same function runs
// under Gorgonia's TapeMachine, which allocates a tensor for every result, and
// in a plan (package plan), which allocates everything once.
//
// The constructors ([Dense], [Indicator], [Embedding], ...) add a node to a
// graph. One-hot columns never become dense here: their product with a weight
// matrix is a gather of its rows, and the gradient a scatter. [OneHot] is for
// networks in Gorgonia's plain operations, which know no gather.
//
// A result's row depends on the operands' rows of the same number alone, and
// has the same bits whatever the number of rows.
package ops
