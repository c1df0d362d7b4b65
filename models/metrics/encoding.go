package metrics

import (
	varint "encoding/binary"
	"errors"
	"fmt"
	"maps"
	"math"
	"math/bits"
	"slices"

	"github.com/penstock-ml/penstock/models/exact"
)

// encodingVersion leads every encoded accumulator.
const encodingVersion = 2

var errTruncated = errors.New("the encoding ends too early or a number in it is out of range")

// MarshalBinary encodes the examples counted so far; equal contents give equal
// bytes, whatever the order in which they were added.
func (f *Figures) MarshalBinary() ([]byte, error) {
	data := []byte{encodingVersion, f.kind}
	if f.kind == 0 {
		return data, nil
	}
	return f.sums.append(data), nil
}

// UnmarshalBinary replaces f's contents by encoded ones.
func (f *Figures) UnmarshalBinary(data []byte) error {
	r := reader{data: data}
	r.version()
	decoded := Figures{kind: r.byte()}
	decoded.sums = newSums(decoded.kind)
	switch {
	case decoded.sums != nil:
		decoded.sums.read(&r)
	case decoded.kind != 0:
		r.fail()
	}
	if err := r.end(); err != nil {
		return fmt.Errorf("metrics: cannot decode Figures: %w", err)
	}
	*f = decoded
	return nil
}

// MarshalBinary encodes the curve; equal contents give equal bytes. A point is
// its distance from the one before and its two weights, as variable-length
// integers without the zero bits that all weights end in: with weights of 1, some
// 4 bytes a point.
func (c *Curve) MarshalBinary() ([]byte, error) {
	if err := c.compact(); err != nil {
		return nil, err
	}
	var all uint64
	for _, p := range c.points {
		all |= p.negatives | p.positives
	}
	shift := bits.TrailingZeros64(all)
	data := make([]byte, 0, 16+6*len(c.points))
	data = append(data, encodingVersion, byte(shift))
	data = varint.AppendUvarint(data, uint64(len(c.points)))
	var previous uint32
	for _, p := range c.points {
		data = varint.AppendUvarint(data, uint64(p.key-previous))
		data = varint.AppendUvarint(data, p.negatives>>shift)
		data = varint.AppendUvarint(data, p.positives>>shift)
		previous = p.key
	}
	return data, nil
}

// UnmarshalBinary replaces c's contents by an encoded curve.
func (c *Curve) UnmarshalBinary(data []byte) error {
	r := reader{data: data}
	r.version()
	shift := r.byte()
	n := r.uvarint(uint64(len(data)) / 3) // a point has at least three bytes
	points := make([]point, 0, n)
	largest := uint64(math.MaxUint64) >> min(shift, 63)
	key := uint64(0)
	for range n {
		delta := r.uvarint(math.MaxUint32 - key)
		if delta == 0 {
			r.fail()
		}
		key += delta
		points = append(points, point{uint32(key), r.uvarint(largest) << shift, r.uvarint(largest) << shift})
	}
	if err := r.end(); err != nil {
		return fmt.Errorf("metrics: cannot decode a Curve: %w", err)
	}
	*c = Curve{points: points, sorted: len(points)}
	return nil
}

// reader decodes from data; after a failure it yields zeros, and end reports it.
type reader struct {
	data   []byte
	failed bool
}

func (r *reader) fail() { r.failed, r.data = true, nil }

func (r *reader) byte() byte {
	if len(r.data) == 0 {
		r.fail()
		return 0
	}
	first := r.data[0]
	r.data = r.data[1:]
	return first
}

func (r *reader) version() {
	if r.byte() != encodingVersion {
		r.fail()
	}
}

func (r *reader) uvarint(largest uint64) uint64 {
	v, n := varint.Uvarint(r.data)
	if n <= 0 || v > largest {
		r.fail()
		return 0
	}
	r.data = r.data[n:]
	return v
}

func appendCount(data []byte, n int64) []byte { return varint.AppendUvarint(data, uint64(n)) }

func appendWeights(data []byte, weights ...uint64) []byte {
	for _, w := range weights {
		data = varint.AppendUvarint(data, w)
	}
	return data
}

func appendFloats(data []byte, x ...float64) []byte {
	for _, v := range x {
		data = varint.LittleEndian.AppendUint64(data, math.Float64bits(v))
	}
	return data
}

func appendSums(data []byte, sums ...*exact.Sum) []byte {
	for _, sum := range sums {
		encoded, _ := sum.MarshalBinary() // never fails
		data = append(varint.AppendUvarint(data, uint64(len(encoded))), encoded...)
	}
	return data
}

func (r *reader) count() int64 { return int64(r.uvarint(math.MaxInt64)) }

func (r *reader) weights(into []uint64) {
	for i := range into {
		into[i] = r.uvarint(math.MaxUint64)
	}
}

func (r *reader) float() float64 {
	if len(r.data) < 8 {
		r.fail()
		return 0
	}
	x := math.Float64frombits(varint.LittleEndian.Uint64(r.data))
	r.data = r.data[8:]
	return x
}

func (r *reader) sums(into ...*exact.Sum) {
	for _, sum := range into {
		if encoded := r.bytes(); !r.failed && sum.UnmarshalBinary(encoded) != nil {
			r.fail()
		}
	}
}

func sortedKeys[V any](m map[uint32]V) []uint32 { return slices.Sorted(maps.Keys(m)) }

func (r *reader) bytes() []byte {
	n := r.uvarint(uint64(len(r.data)))
	if n > uint64(len(r.data)) {
		r.fail()
		return nil
	}
	part := r.data[:n]
	r.data = r.data[n:]
	return part
}

func (r *reader) end() error {
	if r.failed {
		return errTruncated
	}
	if len(r.data) != 0 {
		return fmt.Errorf("%d bytes follow its end", len(r.data))
	}
	return nil
}
