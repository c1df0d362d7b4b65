package saved

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/bits"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/go-faster/jx"
	"github.com/nlpodyssey/safetensors"
)

// Tensor is a named array of float32 in row-major order; an empty Shape is a
// scalar. The product of Shape is the length of Data.
type Tensor struct {
	Name  string
	Shape []int
	Data  []float32
}

// EncodeTensors returns a safetensors file: the tensors sorted by name, without
// metadata, so that equal tensors in any order give equal bytes.
func EncodeTensors(tensors []Tensor) ([]byte, error) {
	views := make(map[string]tensorView, len(tensors))
	for i := range tensors {
		t := &tensors[i]
		if err := t.check(); err != nil {
			return nil, err
		}
		if _, ok := views[t.Name]; ok {
			return nil, fmt.Errorf("two tensors are named %q", t.Name)
		}
		views[t.Name] = tensorView{t}
	}
	data, err := safetensors.Serialize(views, nil)
	if err != nil {
		return nil, fmt.Errorf("cannot encode tensors: %w", err)
	}
	return data, nil
}

// DecodeTensors is the inverse of EncodeTensors. It takes any safetensors file
// whose tensors are all float32, and returns them sorted by name.
func DecodeTensors(data []byte) ([]Tensor, error) {
	file, err := safetensors.Deserialize(data)
	if err != nil {
		return nil, fmt.Errorf("not a valid safetensors file: %w", err)
	}
	if err := checkDuplicates(data); err != nil {
		return nil, fmt.Errorf("not a valid safetensors file: %w", err)
	}
	tensors := make([]Tensor, file.Len())
	for i, named := range file.Tensors() {
		if tensors[i], err = newTensor(named.Name, named.TensorView); err != nil {
			return nil, err
		}
	}
	slices.SortFunc(tensors, func(a, b Tensor) int { return strings.Compare(a.Name, b.Name) })
	return tensors, nil
}

func newTensor(name string, view safetensors.TensorView) (Tensor, error) {
	if view.DType() != safetensors.F32 {
		return Tensor{}, fmt.Errorf("tensor %q is of type %s; only F32 is supported", name, view.DType())
	}
	t := Tensor{Name: name, Shape: make([]int, len(view.Shape())), Data: make([]float32, view.DataLen()/4)}
	for i, size := range view.Shape() {
		if size > math.MaxInt {
			return Tensor{}, fmt.Errorf("dimension %d of tensor %q is too large: %d", i, name, size)
		}
		t.Shape[i] = int(size)
	}
	bytes := view.Data()
	for i := range t.Data {
		t.Data[i] = math.Float32frombits(binary.LittleEndian.Uint32(bytes[4*i:]))
	}
	return t, nil
}

// checkDuplicates looks for repeated names, of which the library takes the last.
// The header is valid JSON by now: 8 bytes of length, then an object.
func checkDuplicates(data []byte) error {
	header := data[8 : 8+binary.LittleEndian.Uint64(data)]
	seen := make(map[string]bool)
	return jx.DecodeBytes(header).Obj(func(d *jx.Decoder, name string) error {
		if seen[name] {
			return fmt.Errorf("two tensors are named %q", name)
		}
		seen[name] = true
		return d.Skip()
	})
}

func (t *Tensor) check() error {
	if t.Name == "" || t.Name == "__metadata__" || !utf8.ValidString(t.Name) {
		return fmt.Errorf("%q is no name for a tensor", t.Name)
	}
	size, err := elements(t.Shape)
	if err != nil {
		return fmt.Errorf("tensor %q: %w", t.Name, err)
	}
	if size != len(t.Data) {
		return fmt.Errorf("tensor %q has the shape %v but %d elements", t.Name, t.Shape, len(t.Data))
	}
	return nil
}

// elements returns the product of shape.
func elements(shape []int) (int, error) {
	n := uint64(1)
	for _, size := range shape {
		if size < 0 {
			return 0, fmt.Errorf("the shape %v has a negative dimension", shape)
		}
		high, low := bits.Mul64(n, uint64(size))
		if high != 0 || low > math.MaxInt {
			return 0, errors.New("the shape has too many elements")
		}
		n = low
	}
	return int(n), nil
}

// tensorView shows a Tensor to the safetensors library.
type tensorView struct{ t *Tensor }

func (v tensorView) DType() safetensors.DType { return safetensors.F32 }
func (v tensorView) DataLen() uint64          { return 4 * uint64(len(v.t.Data)) }

func (v tensorView) Shape() []uint64 {
	shape := make([]uint64, len(v.t.Shape))
	for i, size := range v.t.Shape {
		shape[i] = uint64(size)
	}
	return shape
}

func (v tensorView) Data() []byte {
	data := make([]byte, 0, v.DataLen())
	for _, x := range v.t.Data {
		data = binary.LittleEndian.AppendUint32(data, math.Float32bits(x))
	}
	return data
}
