package features

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// TestMemoNumbersTexts holds a memo to a map, for texts alone and with other memory behind them.
func TestMemoNumbersTexts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var m memo
		known := map[string]int{}
		for range rapid.IntRange(1, 200).Draw(t, "texts") {
			drawn := strings.Repeat(rapid.StringN(0, 3, -1).Draw(t, "text"), rapid.IntRange(1, 12).Draw(t, "times"))
			behind := rapid.SampledFrom([]string{"", "\x00", ",x", strings.Repeat("z", 40)}).Draw(t, "behind")
			text := []byte(drawn + behind)[:len(drawn)]
			if got := m.find(text); got != known[drawn] {
				t.Fatalf("%q has the number %d, want %d", drawn, got, known[drawn])
			}
			if known[drawn] > 0 {
				continue
			}
			number := m.add(text)
			if (number == 0) != (len(drawn) > mostBytes) {
				t.Fatalf("%d bytes got the number %d", len(drawn), number)
			}
			if number > 0 {
				known[drawn] = len(known) + 1
			}
		}
	})
}

// TestMemoIsBounded: a column whose texts never come again is given up, one whose do is not.
func TestMemoIsBounded(t *testing.T) {
	for _, again := range []bool{false, true} {
		var m memo
		for i := range 6 * mostKnown {
			if text := []byte(fmt.Sprint(i)); m.find(text) == 0 {
				m.add(text)
			}
			for range 2 {
				if again && m.find([]byte("0")) == 0 {
					t.Fatal("a known text is not found")
				}
			}
		}
		if m.known != mostKnown || (m.table != nil) != again {
			t.Errorf("texts that come again %v: %d are known in a table of %d", again, m.known, len(m.table))
		}
	}
}

// TestManyAtOnce adds a number many times, and at once.
func TestManyAtOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		x := rapid.Float64().Filter(squares).Draw(t, "x")
		n := rapid.IntRange(1, 100).Draw(t, "n")
		one, many := newMoments(), newMoments()
		for range n {
			one.add(x, 1)
		}
		many.add(x, int64(n))
		if !bytes.Equal(one.append(nil), many.append(nil)) {
			t.Fatalf("%d times %v differs from its multiple", n, x)
		}
	})
}

// TestKnownValues: an encoder that has seen all values before, or too many of them, encodes like a new one.
func TestKnownValues(t *testing.T) {
	s := parse(t, every)
	f := fit(t, s, split(everyRecords))
	seasoned, tired := newEncoder(t, s, f), newEncoder(t, s, f)
	for i := range 6 * mostKnown {
		record := split(fmt.Sprintf("%d,%d.5,green,v%d,no,a", i, i, i))[0]
		if err := tired.AppendUnlabelled(new(Rows), record); err != nil {
			t.Fatal(err)
		}
	}
	fresh := func() *Encoder { return newEncoder(t, s, f) }
	rapid.Check(t, func(t *rapid.T) {
		record := drawRecord(t)
		var want Rows
		failed := fresh().Append(&want, record)
		for _, e := range []*Encoder{seasoned, seasoned, tired} {
			var got Rows
			if err := e.Append(&got, record); fmt.Sprint(err) != fmt.Sprint(failed) {
				t.Fatalf("got the error %v, want %v", err, failed)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Fatal(diff)
			}
		}
	})
}
