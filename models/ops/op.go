package ops

import (
	"fmt"
	"hash"
	"hash/fnv"
	"io"

	"github.com/chewxy/hm"
	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// A Kernel describes an operation and computes it. Implementations are
// pointers to structs that do not change once they are part of a graph.
type Kernel interface {
	// String names the operation with all its settings: two nodes with the
	// same string and operands are taken for the same and computed once.
	String() string
	// Type gives the types of the operands and of the result.
	Type() (operands []hm.Type, result hm.Type)
	// Shape gives the result's shape, or says what is wrong with the
	// operands' shapes. Their number and types are checked before.
	Shape(in []tensor.Shape) (tensor.Shape, error)
	// Compute overwrites out, which has the shape given by Shape. The operands
	// are only read. Scratch has the length that a Scratcher asks for, or 0.
	Compute(out *Buffer, in []*Buffer, scratch []float32)
}

// A Differentiable kernel can be part of what is differentiated.
type Differentiable interface {
	// DiffWRT tells for each operand whether there is a gradient.
	DiffWRT() []bool
	// SymDiff adds the nodes of the gradients with respect to the operands,
	// given that of the output; nil where DiffWRT is false.
	SymDiff(inputs gorgonia.Nodes, output, grad *gorgonia.Node) (gorgonia.Nodes, error)
}

// A Scratcher needs memory to work in.
type Scratcher interface {
	Scratch(in []tensor.Shape) int // floats
}

// An Overwriter may be given the same memory for its result and for one of its
// operands, which is then lost.
type Overwriter interface {
	Overwrites() int // the operand's number
}

// A RowWise kernel makes row i of its result, one row an example, from row i of
// some operands and from the whole of the others, such as weights.
type RowWise interface {
	Whole(operand int) bool
}

// A Reducer is a kernel whose result is a sum over the rows of a batch, in
// ascending order; its operands have a row an example.
type Reducer interface {
	// Reduce sets out to some rows and columns of the result, without gaps, summed
	// over some rows of the batch alone. A vector has a row an element, of one column.
	Reduce(out []float32, in []*Buffer, batch, rows, columns Range)
}

// A Range is rows or columns From, From+1, ... To-1.
type Range struct{ From, To int }

// Len is how many they are.
func (r Range) Len() int { return r.To - r.From }

// rowWise is what kernels embed that read no operand whole.
type rowWise struct{}

// Whole implements RowWise.
func (rowWise) Whole(int) bool { return false }

// Op makes a kernel an operation of Gorgonia.
type Op struct{ Kernel }

var (
	_ gorgonia.SDOp            = Op{}
	_ gorgonia.UsePreallocDoer = Op{}
)

// Arity is the number of operands.
func (o Op) Arity() int {
	operands, _ := o.Kernel.Type()
	return len(operands)
}

// Type is the function type by which Gorgonia checks the operands.
func (o Op) Type() hm.Type {
	operands, result := o.Kernel.Type()
	return hm.NewFnType(append(operands, result)...)
}

// InferShape implements gorgonia.Op.
func (o Op) InferShape(in ...gorgonia.DimSizer) (tensor.Shape, error) {
	shapes, err := gorgonia.DimSizersToShapes(in)
	if err != nil {
		return nil, err
	}
	shape, err := o.Kernel.Shape(shapes)
	if err != nil {
		return nil, fmt.Errorf("ops.%v: %w", o.Kernel, err)
	}
	return shape, nil
}

// ReturnsPtr is true: results are tensors.
func (o Op) ReturnsPtr() bool { return true }

// CallsExtern is false: nothing is called through cgo.
func (o Op) CallsExtern() bool { return false }

// OverwritesInput is -1: under Gorgonia's machines no operand is overwritten.
func (o Op) OverwritesInput() int { return -1 }

// WriteHash writes what tells this operation from others.
func (o Op) WriteHash(h hash.Hash) { io.WriteString(h, "penstock "+o.Kernel.String()) }

// Hashcode is a hash of what WriteHash writes.
func (o Op) Hashcode() uint32 {
	h := fnv.New32a()
	o.WriteHash(h)
	return h.Sum32()
}

// DiffWRT implements gorgonia.SDOp.
func (o Op) DiffWRT(inputs int) []bool {
	if d, ok := o.Kernel.(Differentiable); ok {
		return d.DiffWRT()
	}
	return make([]bool, inputs)
}

// SymDiff implements gorgonia.SDOp.
func (o Op) SymDiff(inputs gorgonia.Nodes, output, grad *gorgonia.Node) (gorgonia.Nodes, error) {
	if d, ok := o.Kernel.(Differentiable); ok {
		return d.SymDiff(inputs, output, grad)
	}
	return nil, fmt.Errorf("ops.%v has no gradient", o.Kernel)
}

// Do computes a new value.
func (o Op) Do(values ...gorgonia.Value) (gorgonia.Value, error) {
	in, shapes, err := operands(values)
	if err != nil {
		return nil, fmt.Errorf("ops.%v: %w", o.Kernel, err)
	}
	shape, err := o.Kernel.Shape(shapes)
	if err != nil {
		return nil, fmt.Errorf("ops.%v: %w", o.Kernel, err)
	}
	out := NewBuffer(shape)
	o.Kernel.Compute(out, in, make([]float32, o.Scratch(shapes)))
	return out.Value(), nil
}

// UsePreallocDo computes into a value of the right shape.
func (o Op) UsePreallocDo(prealloc gorgonia.Value, values ...gorgonia.Value) (gorgonia.Value, error) {
	dense, ok := prealloc.(*tensor.Dense)
	if !ok || dense.RequiresIterator() || dense.IsScalar() {
		return o.Do(values...)
	}
	in, shapes, err := operands(values)
	if err != nil {
		return nil, fmt.Errorf("ops.%v: %w", o.Kernel, err)
	}
	out, err := FromValue(dense)
	if err != nil {
		return nil, fmt.Errorf("ops.%v: %w", o.Kernel, err)
	}
	o.Kernel.Compute(out, in, make([]float32, o.Scratch(shapes)))
	return dense, nil
}

// Scratch is the number of floats that the kernel needs to work in.
func (o Op) Scratch(in []tensor.Shape) int {
	if s, ok := o.Kernel.(Scratcher); ok {
		return s.Scratch(in)
	}
	return 0
}

func operands(values []gorgonia.Value) (in []*Buffer, shapes []tensor.Shape, err error) {
	for _, v := range values {
		buffer, err := FromValue(v)
		if err != nil {
			return nil, nil, err
		}
		in = append(in, buffer)
		shapes = append(shapes, buffer.Shape)
	}
	return in, shapes, nil
}

// apply adds a node that computes a kernel.
func apply(k Kernel, in ...*gorgonia.Node) (*gorgonia.Node, error) {
	return gorgonia.ApplyOp(Op{k}, in...)
}

// Types of operands and results.
var (
	scalar = tensor.Float32
	vector = gorgonia.TensorType{Dims: 1, Of: tensor.Float32}
	matrix = gorgonia.TensorType{Dims: 2, Of: tensor.Float32}
	idType = gorgonia.TensorType{Dims: 2, Of: tensor.Int32}
)

// repeat returns first followed by n times t.
func repeat(t hm.Type, n int, first ...hm.Type) []hm.Type {
	for range n {
		first = append(first, t)
	}
	return first
}
