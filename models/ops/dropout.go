package ops

import (
	"fmt"
	"math"

	"github.com/chewxy/hm"
	"github.com/penstock-ml/penstock/models/kernel"
	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// Dropout sets a share of the elements of x [batch, units] to zero and scales the
// others, so that their expectation stays (Srivastava et al., "Dropout", 2014).
// keys, int32 [batch, 1], decide which: a row with the same key loses the same
// elements, whatever batch it is in. Layers of different numbers lose others.
func Dropout(x, keys *gorgonia.Node, rate float64, layer int) (*gorgonia.Node, error) {
	return apply(&DropoutKernel{Rate: rate, Layer: layer}, x, keys)
}

// DropoutKernel computes [Dropout]. It is its own gradient.
type DropoutKernel struct {
	rowWise
	Rate  float64 // of elements that are lost
	Layer int
}

func (k *DropoutKernel) String() string { return fmt.Sprintf("Dropout(%v, layer=%d)", k.Rate, k.Layer) }

// Type: x, keys.
func (k *DropoutKernel) Type() ([]hm.Type, hm.Type) { return []hm.Type{matrix, idType}, matrix }

// Shape is that of x.
func (k *DropoutKernel) Shape(in []tensor.Shape) (tensor.Shape, error) {
	if in[0][0] != in[1][0] {
		return nil, fmt.Errorf("x has %d rows and there are %d keys", in[0][0], in[1][0])
	}
	return in[0].Clone(), nil
}

// Overwrites x.
func (k *DropoutKernel) Overwrites() int { return 0 }

// Compute implements Kernel.
func (k *DropoutKernel) Compute(out *Buffer, in []*Buffer, _ []float32) {
	lost := uint32(k.Rate * math.MaxUint32)
	scale := float32(1 / (1 - k.Rate))
	for i := range out.Rows() {
		row, key := out.Row(i), uint32(in[1].I32[i])^uint32(k.Layer)*0x9e3779b9
		kernel.Scale(row, in[0].Row(i), scale)
		for unit := range row {
			if scramble(key+uint32(unit)*0x85ebca6b) < lost {
				row[unit] = 0
			}
		}
	}
}

// scramble spreads neighbouring keys over 32 bits (the finalizer of MurmurHash3, Appleby).
func scramble(x uint32) uint32 {
	x = (x ^ x>>16) * 0x85ebca6b
	x = (x ^ x>>13) * 0xc2b2ae35
	return x ^ x>>16
}

// DiffWRT is true for x alone.
func (k *DropoutKernel) DiffWRT() []bool { return []bool{true, false} }

// SymDiff implements Differentiable.
func (k *DropoutKernel) SymDiff(in gorgonia.Nodes, _, grad *gorgonia.Node) (gorgonia.Nodes, error) {
	dx, err := apply(&DropoutKernel{Rate: k.Rate, Layer: k.Layer}, grad, in[1])
	return gorgonia.Nodes{dx, nil}, err
}
