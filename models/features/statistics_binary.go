package features

import (
	"encoding/binary"
	"errors"
	"maps"
	"math"
	"slices"
)

// statisticsVersion is the first byte of marshalled statistics.
const statisticsVersion = 4

// MarshalBinary writes the statistics without the spec. Statistics of the same
// records have the same bytes, however they were gathered.
func (st *Statistics) MarshalBinary() ([]byte, error) {
	st.settle()
	b := []byte{statisticsVersion, flag(st.isZero()), flag(st.mixed)}
	b = binary.AppendUvarint(b, uint64(st.records))
	b = binary.AppendUvarint(b, uint64(len(st.missing)))
	for _, n := range st.missing {
		b = binary.AppendUvarint(b, uint64(n))
	}
	b = binary.AppendUvarint(b, uint64(len(st.numbers)))
	for i := range st.numbers {
		b = st.numbers[i].append(b)
	}
	b = binary.AppendUvarint(b, uint64(len(st.texts)))
	for i := range st.texts {
		b = st.texts[i].append(b)
	}
	b = binary.AppendUvarint(b, uint64(len(st.spreads)))
	for i := range st.spreads {
		b = st.spreads[i].append(b)
	}
	b = binary.AppendUvarint(b, uint64(len(st.most)))
	for _, n := range st.most {
		b = binary.AppendUvarint(b, uint64(n))
	}
	return st.target.append(b), nil
}

func (st *targetStatistics) append(b []byte) []byte {
	weight, _ := st.weight.MarshalBinary() // never fails
	return appendBytes(st.number.append(st.classes.append(b)), weight)
}

func flag(set bool) byte {
	if set {
		return 1
	}
	return 0
}

func (m *moments) append(b []byte) []byte {
	sum, _ := m.sum.MarshalBinary() // never fails
	squares, _ := m.squares.MarshalBinary()
	b = appendBytes(appendBytes(b, sum), squares)
	b = binary.LittleEndian.AppendUint64(b, math.Float64bits(m.min))
	return binary.LittleEndian.AppendUint64(b, math.Float64bits(m.max))
}

func (c *counts) append(b []byte) []byte {
	b = binary.AppendUvarint(b, uint64(len(c.texts)))
	for _, t := range c.byText() {
		b = appendBytes(b, []byte(t.text))
		b = binary.AppendUvarint(b, uint64(t.count))
	}
	return b
}

func (d *distribution) append(b []byte) []byte {
	b = append(b, byte(d.dropped))
	b = binary.AppendUvarint(b, uint64(len(d.counts)))
	before := uint64(0)
	for _, key := range slices.Sorted(maps.Keys(d.counts)) {
		b = binary.AppendUvarint(b, key-before) // neighbours differ by little
		b = binary.AppendUvarint(b, uint64(d.counts[key]))
		before = key
	}
	return b
}

func appendBytes(b, data []byte) []byte {
	return append(binary.AppendUvarint(b, uint64(len(data))), data...)
}

// UnmarshalBinary reads what MarshalBinary wrote. The result can be merged and
// fitted; records can only be added to statistics made by [NewStatistics].
func (st *Statistics) UnmarshalBinary(data []byte) error {
	r := byteReader{rest: data}
	version, zero, mixed := r.byte(), r.byte(), r.byte()
	read := Statistics{mixed: mixed == 1}
	read.records = r.count()
	read.missing = make([]int64, r.length(1))
	for i := range read.missing {
		read.missing[i] = r.count()
	}
	read.numbers = make([]moments, r.length(1))
	for i := range read.numbers {
		r.moments(&read.numbers[i])
	}
	read.texts = make([]counts, r.length(1))
	for i := range read.texts {
		read.texts[i] = r.counts()
	}
	read.spreads = make([]distribution, r.length(1))
	for i := range read.spreads {
		read.spreads[i] = r.distribution()
	}
	read.most = make([]int64, r.length(1))
	for i := range read.most {
		read.most[i] = r.count()
	}
	read.target = r.target()
	if r.damaged || len(r.rest) > 0 || version != statisticsVersion {
		return errors.New("not the bytes of statistics; they are damaged or from another version")
	}
	*st = Statistics{}
	if zero == 0 {
		*st = read
	}
	return nil
}

// byteReader takes values off the front of bytes, zeros once they are damaged.
type byteReader struct {
	rest    []byte
	damaged bool
}

func (r *byteReader) take(n int) []byte {
	if n < 0 || n > len(r.rest) {
		r.damaged = true
		r.rest = nil
		return nil
	}
	taken := r.rest[:n]
	r.rest = r.rest[n:]
	return taken
}

func (r *byteReader) byte() byte {
	if b := r.take(1); b != nil {
		return b[0]
	}
	return 0
}

func (r *byteReader) count() int64 {
	v, n := binary.Uvarint(r.rest)
	if n <= 0 || v > math.MaxInt64 {
		r.take(-1)
		return 0
	}
	r.take(n)
	return int64(v)
}

// length is a number of elements of at least so many bytes each, which bounds
// what damaged bytes can make us allocate.
func (r *byteReader) length(size int) int {
	n := r.count()
	if n > int64(len(r.rest)/size) {
		r.take(-1)
		return 0
	}
	return int(n)
}

func (r *byteReader) float() float64 {
	if b := r.take(8); b != nil {
		return math.Float64frombits(binary.LittleEndian.Uint64(b))
	}
	return 0
}

func (r *byteReader) moments(m *moments) {
	sum, squares := r.take(r.length(1)), r.take(r.length(1))
	m.min, m.max = r.float(), r.float()
	if m.sum.UnmarshalBinary(sum) != nil || m.squares.UnmarshalBinary(squares) != nil {
		r.damaged = true
	}
}

func (r *byteReader) distribution() distribution {
	d := newDistribution()
	d.dropped = uint(r.byte())
	r.damaged = r.damaged || d.dropped > 63
	key := uint64(0)
	for i := range r.length(2) {
		step, n := r.key(), r.count()
		if key += step; i >= mostKeys || n == 0 || i > 0 && step == 0 {
			r.damaged = true
			break
		}
		d.counts[key] = n
	}
	return d
}

// key is an unsigned number of any size.
func (r *byteReader) key() uint64 {
	v, n := binary.Uvarint(r.rest)
	if n <= 0 {
		r.take(-1)
		return 0
	}
	r.take(n)
	return v
}

func (r *byteReader) target() (st targetStatistics) {
	st.classes = r.counts()
	r.moments(&st.number)
	if st.weight.UnmarshalBinary(r.take(r.length(1))) != nil {
		r.damaged = true
	}
	return st
}

func (r *byteReader) counts() counts {
	c := newCounts()
	for range r.length(2) {
		text := string(r.take(r.length(1)))
		c.addCount(text, r.count())
	}
	return c
}
