package tensorboard

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"math"
	"time"

	"google.golang.org/protobuf/encoding/protowire"
)

// fileVersion is the version of the format that TensorBoard expects.
const fileVersion = "brain.Event:2"

// Writer appends events to an event file. It does not buffer: every event is one
// Write to the underlying writer. It is used by one goroutine at a time.
type Writer struct {
	w      io.Writer
	record []byte // reused
}

// FileName returns the name of an event file started at a given time;
// TensorBoard recognises files by the part "tfevents".
func FileName(start time.Time, suffix string) string {
	return fmt.Sprintf("events.out.tfevents.%010d.%s", start.Unix(), suffix)
}

// NewWriter starts an event file on w with the record of the version.
func NewWriter(w io.Writer, start time.Time) (*Writer, error) {
	writer := &Writer{w: w}
	event := appendEvent(nil, start, 0)
	event = protowire.AppendTag(event, eventFileVersion, protowire.BytesType)
	event = protowire.AppendString(event, fileVersion)
	return writer, writer.write(event)
}

// Scalar records the value of tag at a step, at the given wall time. The value is
// stored as float32, as all scalars of event files are.
func (w *Writer) Scalar(step int64, tag string, value float64, wallTime time.Time) error {
	return w.Scalars(step, []Scalar{{tag, value}}, wallTime)
}

// Event is what is recorded of one step.
type Event struct {
	Step   int64
	Time   time.Time
	Values []Value
}

// Scalar is a named number.
type Scalar struct {
	Tag   string
	Value float64
}

// Scalars records several numbers of one step as a single event.
func (w *Writer) Scalars(step int64, scalars []Scalar, wallTime time.Time) error {
	var values []Value
	for _, s := range scalars {
		values = append(values, NewScalar(s.Tag, s.Value))
	}
	return w.Values(step, values, wallTime)
}

// Values records several values of one step as a single event.
func (w *Writer) Values(step int64, values []Value, wallTime time.Time) error {
	var summary []byte
	for _, v := range values {
		summary = appendMessage(summary, summaryValue, v.encoded)
	}
	event := appendEvent(nil, wallTime, step)
	event = protowire.AppendTag(event, eventSummary, protowire.BytesType)
	event = protowire.AppendBytes(event, summary)
	return w.write(event)
}

// Field numbers of Event, Summary and Summary.Value.
const (
	eventWallTime    = 1
	eventStep        = 2
	eventFileVersion = 3
	eventSummary     = 5

	summaryValue = 1

	valueTag    = 1
	valueSimple = 2
)

// appendEvent appends the fields that every event has.
func appendEvent(b []byte, wallTime time.Time, step int64) []byte {
	seconds := float64(wallTime.Unix()) + float64(wallTime.Nanosecond())/1e9
	b = protowire.AppendTag(b, eventWallTime, protowire.Fixed64Type)
	b = protowire.AppendFixed64(b, math.Float64bits(seconds))
	if step != 0 {
		b = protowire.AppendTag(b, eventStep, protowire.VarintType)
		b = protowire.AppendVarint(b, uint64(step))
	}
	return b
}

func appendScalar(b []byte, s Scalar) []byte {
	b = protowire.AppendTag(b, valueTag, protowire.BytesType)
	b = protowire.AppendString(b, s.Tag)
	b = protowire.AppendTag(b, valueSimple, protowire.Fixed32Type)
	return protowire.AppendFixed32(b, math.Float32bits(float32(s.Value)))
}

// write frames one event as a record.
func (w *Writer) write(event []byte) error {
	b := binary.LittleEndian.AppendUint64(w.record[:0], uint64(len(event)))
	b = binary.LittleEndian.AppendUint32(b, maskedCRC(b))
	b = append(b, event...)
	b = binary.LittleEndian.AppendUint32(b, maskedCRC(event))
	w.record = b
	if _, err := w.w.Write(b); err != nil {
		return fmt.Errorf("tensorboard: cannot write an event: %w", err)
	}
	return nil
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// maskedCRC rotates and offsets the checksum, because a CRC of data that contains
// CRCs detects less (tensorflow/core/lib/hash/crc32c.h).
func maskedCRC(data []byte) uint32 {
	c := crc32.Checksum(data, castagnoli)
	return (c>>15 | c<<17) + 0xa282ead8
}
