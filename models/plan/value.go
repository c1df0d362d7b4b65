package plan

import (
	"strings"

	"github.com/penstock-ml/penstock/models/kernel"
	"github.com/penstock-ml/penstock/models/ops"
	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// A value is a node of the graph that the plan computes or is given.
type value struct {
	node   *gorgonia.Node
	kernel kernelForm // nil for leaves and for operations that are not ours
	in     []*value   // operands
	uses   int        // as an operand, and as a result of the plan
	fused  bool       // its only user computes it
	given  bool       // the plan's user fills its memory
	role   role       // in a plan for groups

	buffer *ops.Buffer    // nil for values that are not float32 or int32
	tensor gorgonia.Value // as operations that are not ours see it; nil where the buffer has to be wrapped each time
}

// A kernelForm computes a value in the plan's memory: an ops.Kernel, or what
// stands for a plain operation of Gorgonia.
type kernelForm interface {
	Compute(out *ops.Buffer, in []*ops.Buffer, scratch []float32)
}

// leaf tells inputs, parameters and constants from what is computed.
func (v *value) leaf() bool { return v.kernel == nil && v.foreign() == nil }

// foreign is the operation, where it is not ours and has to be run.
func (v *value) foreign() gorgonia.Op {
	if v.kernel != nil || v.given || isConstant(v.node) {
		return nil
	}
	return v.node.Op()
}

// isConstant tells nodes whose value is part of the graph.
func isConstant(n *gorgonia.Node) bool {
	return len(operands(n)) == 0 && n.Value() != nil
}

// bind replaces the memory of a leaf.
func (v *value) bind(memory []float32) {
	v.buffer.F32 = memory
	if v.tensor != nil {
		v.tensor = v.buffer.Value()
	}
}

// current is the value as an operation that is not ours reads it.
func (v *value) current() gorgonia.Value {
	if v.tensor == nil {
		return v.buffer.Value() // a scalar, which Gorgonia does not hold in shared memory
	}
	return v.tensor
}

// operands are the nodes that a node reads, in order.
func operands(n *gorgonia.Node) (nodes []*gorgonia.Node) {
	for it := n.Graph().From(n.ID()); it.Next(); {
		nodes = append(nodes, it.Node().(*gorgonia.Node))
	}
	return nodes
}

// kernelOf finds the kernel of a node: one of ours, or one that does what a
// plain operation of Gorgonia does. It returns nil where there is none.
func kernelOf(n *gorgonia.Node) kernelForm {
	if op, ours := n.Op().(ops.Op); ours {
		return op.Kernel
	}
	if isSum(n) {
		return &sum{}
	}
	return nil
}

// isSum tells an elementwise sum of tensors, which Gorgonia adds to the graph
// wherever gradients meet. Its operation has no exported type.
func isSum(n *gorgonia.Node) bool {
	_, binary := n.Op().(gorgonia.BinaryOp)
	if !binary || !strings.HasPrefix(n.Op().String(), "+ ") || n.IsScalar() || n.Dtype() != tensor.Float32 {
		return false
	}
	for _, operand := range operands(n) {
		if !operand.Shape().Eq(n.Shape()) {
			return false
		}
	}
	return true
}

// sum is the kernel of Gorgonia's elementwise sum.
type sum struct{}

// Whole is false: terms have the same shape.
func (*sum) Whole(int) bool { return false }

// Overwrites the first term.
func (*sum) Overwrites() int { return 0 }

// Compute adds two operands.
func (*sum) Compute(out *ops.Buffer, in []*ops.Buffer, _ []float32) {
	a, b := in[0], in[1]
	if out.Stride() == a.Stride() && out.Stride() == b.Stride() {
		kernel.Add(out.F32, a.F32, b.F32)
		return
	}
	for i := range out.Rows() {
		kernel.Add(out.Row(i), a.Row(i), b.Row(i))
	}
}

// newBuffer allocates the memory of a value, spread if only kernels read it.
// There is none for types that only operations that are not ours can read.
func (v *value) newBuffer(spread bool) *ops.Buffer {
	switch shape := v.node.Shape(); v.node.Dtype() {
	case tensor.Float32:
		if spread {
			return ops.NewSpread(shape)
		}
		return ops.NewBuffer(shape)
	case tensor.Int32:
		return &ops.Buffer{Shape: shape, I32: make([]int32, shape.TotalSize())}
	default:
		return nil
	}
}
