package metrics

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/bits"
)

// encodingVersion leads every encoded accumulator.
const encodingVersion = 1

var errTruncated = errors.New("the encoding ends too early or a number in it is out of range")

// MarshalBinary encodes the examples counted so far; equal contents give equal
// bytes, whatever the order in which they were added.
func (b *Binary) MarshalBinary() ([]byte, error) {
	data := []byte{encodingVersion}
	data = binary.AppendUvarint(data, uint64(b.examples))
	for _, row := range b.confusion {
		for _, w := range row {
			data = binary.AppendUvarint(data, w)
		}
	}
	for _, sum := range []interface{ MarshalBinary() ([]byte, error) }{&b.loss, &b.prediction} {
		encoded, err := sum.MarshalBinary()
		if err != nil {
			return nil, err
		}
		data = binary.AppendUvarint(data, uint64(len(encoded)))
		data = append(data, encoded...)
	}
	return data, nil
}

// UnmarshalBinary replaces b's contents by encoded ones.
func (b *Binary) UnmarshalBinary(data []byte) error {
	var decoded Binary
	r := reader{data: data}
	r.version()
	decoded.examples = int64(r.uvarint(math.MaxInt64))
	for label := range decoded.confusion {
		for prediction := range decoded.confusion[label] {
			decoded.confusion[label][prediction] = r.uvarint(math.MaxUint64)
		}
	}
	loss, prediction := r.bytes(), r.bytes()
	if err := r.end(); err != nil {
		return fmt.Errorf("metrics: cannot decode a Binary: %w", err)
	}
	if err := decoded.loss.UnmarshalBinary(loss); err != nil {
		return fmt.Errorf("metrics: cannot decode the loss of a Binary: %w", err)
	}
	if err := decoded.prediction.UnmarshalBinary(prediction); err != nil {
		return fmt.Errorf("metrics: cannot decode the prediction of a Binary: %w", err)
	}
	*b = decoded
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
	data = binary.AppendUvarint(data, uint64(len(c.points)))
	var previous uint32
	for _, p := range c.points {
		data = binary.AppendUvarint(data, uint64(p.key-previous))
		data = binary.AppendUvarint(data, p.negatives>>shift)
		data = binary.AppendUvarint(data, p.positives>>shift)
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
	v, n := binary.Uvarint(r.data)
	if n <= 0 || v > largest {
		r.fail()
		return 0
	}
	r.data = r.data[n:]
	return v
}

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
