package tensorboard

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/crc32"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/encoding/protowire"
	"pgregory.net/rapid"
)

// event is what the reader of the tests finds in one record.
type event struct {
	WallTime float64
	Step     int64
	Version  string
	Tags     []string
	Values   []float32
}

// readEvents parses an event file from the specifications of TFRecord and of
// event.proto, independently of the writer's code.
func readEvents(data []byte) ([]event, error) {
	var events []event
	for len(data) > 0 {
		if len(data) < 12 {
			return events, errors.New("torn header")
		}
		n := binary.LittleEndian.Uint64(data)
		if err := checkCRC(data[:8], data[8:]); err != nil {
			return events, fmt.Errorf("length: %w", err)
		}
		if uint64(len(data)) < 16+n {
			return events, errors.New("torn record")
		}
		body := data[12 : 12+n]
		if err := checkCRC(body, data[12+n:]); err != nil {
			return events, fmt.Errorf("data: %w", err)
		}
		e, err := parseEvent(body)
		if err != nil {
			return events, err
		}
		events, data = append(events, e), data[16+n:]
	}
	return events, nil
}

func checkCRC(data, stored []byte) error {
	masked := binary.LittleEndian.Uint32(stored) - 0xa282ead8
	if crc := masked>>17 | masked<<15; crc != crc32.Checksum(data, crc32.MakeTable(crc32.Castagnoli)) {
		return errors.New("checksum differs")
	}
	return nil
}

// fields calls visit for each field of a message.
func fields(b []byte, visit func(field protowire.Number, value []byte, number uint64) error) error {
	for len(b) > 0 {
		field, kind, n := protowire.ConsumeTag(b)
		if n < 0 {
			return protowire.ParseError(n)
		}
		b = b[n:]
		var value []byte
		var number uint64
		switch kind {
		case protowire.VarintType:
			number, n = protowire.ConsumeVarint(b)
		case protowire.Fixed64Type:
			number, n = protowire.ConsumeFixed64(b)
		case protowire.Fixed32Type:
			var v uint32
			v, n = protowire.ConsumeFixed32(b)
			number = uint64(v)
		default:
			value, n = protowire.ConsumeBytes(b)
		}
		if n < 0 {
			return protowire.ParseError(n)
		}
		b = b[n:]
		if err := visit(field, value, number); err != nil {
			return err
		}
	}
	return nil
}

func parseEvent(b []byte) (e event, err error) {
	err = fields(b, func(field protowire.Number, value []byte, number uint64) error {
		switch field {
		case 1:
			e.WallTime = math.Float64frombits(number)
		case 2:
			e.Step = int64(number)
		case 3:
			e.Version = string(value)
		case 5:
			return fields(value, func(_ protowire.Number, value []byte, _ uint64) error {
				return fields(value, func(field protowire.Number, value []byte, number uint64) error {
					if field == 1 {
						e.Tags = append(e.Tags, string(value))
					} else {
						e.Values = append(e.Values, math.Float32frombits(uint32(number)))
					}
					return nil
				})
			})
		}
		return nil
	})
	return e, err
}

// golden is a version record and loss 0.5 at step 7, record by record: length,
// its checksum, data, checksum of the data.
const golden = "1800000000000000" + "a37f4b22" +
	"09" + "00000040fc54d941" + "1a0d" + "627261696e2e4576656e743a32" + "eced8f9d" +
	"1a00000000000000" + "129bd82d" +
	"09" + "00006040fc54d941" + "1007" + "2a0d" + "0a0b" + "0a04" + "6c6f7373" + "150000003f" + "8fa1e391"

func TestRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		start := time.Unix(rapid.Int64Range(0, 1<<32).Draw(t, "start"), 0)
		var file bytes.Buffer
		w, err := NewWriter(&file, start)
		if err != nil {
			t.Fatal(err)
		}
		want := []event{{WallTime: float64(start.Unix()), Version: "brain.Event:2"}}
		for i := range rapid.IntRange(0, 20).Draw(t, "events") {
			e := event{WallTime: float64(start.Unix()+int64(i)) + 0.25, Step: rapid.Int64Range(0, math.MaxInt64).Draw(t, "step")}
			var scalars []Scalar
			for range rapid.IntRange(1, 3).Draw(t, "scalars") {
				s := Scalar{rapid.String().Draw(t, "tag"), float64(rapid.Float32().Draw(t, "value"))}
				scalars = append(scalars, s)
				e.Tags, e.Values = append(e.Tags, s.Tag), append(e.Values, float32(s.Value))
			}
			if err := w.Scalars(e.Step, scalars, start.Add(time.Duration(i)*time.Second+250*time.Millisecond)); err != nil {
				t.Fatal(err)
			}
			want = append(want, e)
		}
		got, err := readEvents(file.Bytes())
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("events differ (-want +got):\n%s", diff)
		}
	})
}

// TestGolden pins the bytes that TensorBoard's own EventAccumulator was seen to read.
func TestGolden(t *testing.T) {
	var file bytes.Buffer
	start := time.Unix(1700000000, 0)
	w, err := NewWriter(&file, start)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Scalar(7, "loss", 0.5, start.Add(1500*time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	if got := hex.EncodeToString(file.Bytes()); got != golden {
		t.Errorf("the file is\n%s, want\n%s", got, golden)
	}
}

func TestFileName(t *testing.T) {
	got := FileName(time.Unix(1700000000, 0), "host")
	if want := "events.out.tfevents.1700000000.host"; got != want {
		t.Errorf("FileName = %s, want %s", got, want)
	}
}

type failing struct{}

func (failing) Write([]byte) (int, error) { return 0, errors.New("disk full") }

func TestWriteError(t *testing.T) {
	_, err := NewWriter(failing{}, time.Unix(0, 0))
	if err == nil || !strings.Contains(err.Error(), "disk full") {
		t.Errorf("NewWriter on a failing writer returned %v, want the writer's error", err)
	}
}
