package training

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"slices"
	"unsafe"
)

// Little-endian, lengths first. Beam would encode slices of numbers element by element through reflection, which costs
// several times what training does; here they are copied as they lie in memory.

type numeric interface {
	int64 | int32 | uint32 | float32
}

// littleEndian tells the order of this processor.
var littleEndian = binary.NativeEndian.Uint16([]byte{1, 0}) == 1

// bytesOf is the memory of numbers, in this processor's order.
func bytesOf[T numeric](x []T) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(x))), len(x)*int(unsafe.Sizeof(T(0))))
}

// reverseEach reverses each number of so many bytes.
func reverseEach(b []byte, size int) {
	for number := range slices.Chunk(b, size) {
		slices.Reverse(number)
	}
}

// A writer appends to a growing slice.
type writer []byte

func (w *writer) int64(v int64) { *w = binary.LittleEndian.AppendUint64(*w, uint64(v)) }

func (w *writer) int64s(x []int64)     { appendNumbers(w, x) }
func (w *writer) int32s(x []int32)     { appendNumbers(w, x) }
func (w *writer) float32s(x []float32) { appendNumbers(w, x) }

func appendNumbers[T numeric](w *writer, x []T) {
	w.int64(int64(len(x)))
	begin := len(*w)
	*w = append(*w, bytesOf(x)...)
	if !littleEndian {
		reverseEach((*w)[begin:], int(unsafe.Sizeof(T(0))))
	}
}

func (w *writer) json(v any) error {
	data, err := json.Marshal(v)
	if err != nil {
		return err
	}
	w.int64(int64(len(data)))
	*w = append(*w, data...)
	return nil
}

// A reader consumes a slice; after the first short read everything is zero and err is set.
type reader struct {
	data []byte
	err  error
}

func (r *reader) bytes(n int64, size int) []byte {
	if r.err != nil || n < 0 || n > int64(len(r.data)/size) {
		r.err = fmt.Errorf("training: truncated or damaged element of %d more bytes", len(r.data))
		return nil
	}
	b := r.data[:int(n)*size]
	r.data = r.data[int(n)*size:]
	return b
}

func (r *reader) int64() int64 {
	b := r.bytes(1, 8)
	if b == nil {
		return 0
	}
	return int64(binary.LittleEndian.Uint64(b))
}

func (r *reader) int64s() []int64     { return readNumbers[int64](r) }
func (r *reader) int32s() []int32     { return readNumbers[int32](r) }
func (r *reader) float32s() []float32 { return readNumbers[float32](r) }

func readNumbers[T numeric](r *reader) []T {
	size := int(unsafe.Sizeof(T(0)))
	b := r.bytes(r.int64(), size)
	if len(b) == 0 {
		return nil
	}
	x := make([]T, len(b)/size)
	copy(bytesOf(x), b)
	if !littleEndian {
		reverseEach(bytesOf(x), size)
	}
	return x
}

func (r *reader) json(v any) {
	if b := r.bytes(r.int64(), 1); r.err == nil {
		r.err = json.Unmarshal(b, v)
	}
}

// finish returns the first failure, or that bytes are left.
func (r *reader) finish() error {
	if r.err == nil && len(r.data) > 0 {
		return fmt.Errorf("training: %d bytes after the end of an element", len(r.data))
	}
	return r.err
}

// MarshalBinary is the state's form between workers.
func (s *State) MarshalBinary() ([]byte, error) {
	w := make(writer, 0, 64+4*(len(s.Weights)+len(s.Slots)))
	w.int64(s.Step)
	w.float32s(s.Weights)
	w.float32s(s.Slots)
	w.int64(int64(len(s.Past)))
	for _, weights := range s.Past {
		w.float32s(weights)
	}
	if err := w.json(s.Log); err != nil {
		return nil, err
	}
	err := w.json(s.Stored)
	return w, err
}

// UnmarshalBinary reads what MarshalBinary wrote.
func (s *State) UnmarshalBinary(data []byte) error {
	r := &reader{data: data}
	*s = State{Step: r.int64(), Weights: r.float32s(), Slots: r.float32s()}
	for i := r.int64(); i > 0 && r.err == nil; i-- {
		s.Past = append(s.Past, r.float32s())
	}
	r.json(&s.Log)
	r.json(&s.Stored)
	return r.finish()
}

// MarshalBinary is the contribution's form between workers.
func (c *Contribution) MarshalBinary() ([]byte, error) {
	dense := c.dense()
	w := make(writer, 0, 64+8*len(dense))
	w.int64(c.Shards)
	w.int64(c.Weight)
	w.int64(c.Loss)
	w.int64s(dense)
	w.int64(int64(len(c.Sparse)))
	for _, s := range c.Sparse {
		w.int32s(s.Rows)
		w.int64s(s.Values)
	}
	err := w.json(c.LeftOut)
	return w, err
}

// UnmarshalBinary reads what MarshalBinary wrote.
func (c *Contribution) UnmarshalBinary(data []byte) error {
	r := &reader{data: data}
	*c = Contribution{Shards: r.int64(), Weight: r.int64(), Loss: r.int64(), Dense: r.int64s()}
	tables := r.int64()
	for i := int64(0); i < tables && r.err == nil; i++ {
		c.Sparse = append(c.Sparse, SparseSum{Rows: r.int32s(), Values: r.int64s()})
	}
	r.json(&c.LeftOut)
	return r.finish()
}
