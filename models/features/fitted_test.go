package features

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestMarshalledFeaturesEncodeTheSame(t *testing.T) {
	s := parse(t, every)
	rapid.Check(t, func(t *rapid.T) {
		st := NewStatistics(s)
		for _, r := range append(split(everyRecords), rapid.SliceOf(rapid.Custom(drawRecord)).Draw(t, "training")...) {
			add(t, st, r)
		}
		fitted, err := st.Fit(s)
		if err != nil {
			t.Fatal(err)
		}
		written, err := Marshal(fitted)
		if err != nil {
			t.Fatal(err)
		}
		read, err := Unmarshal(written)
		if err != nil {
			t.Fatal(err)
		}
		if again, _ := Marshal(read); !bytes.Equal(written, again) {
			t.Fatalf("written as\n%s\nthen as\n%s", written, again)
		}
		var rows [2]Rows
		var errors [2]string
		records := rapid.SliceOf(rapid.Custom(drawRecord)).Draw(t, "records")
		for i, f := range []*Fitted{fitted, read} {
			e, err := NewEncoder(s, f)
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range records {
				if err := e.Append(&rows[i], r); err != nil {
					errors[i] += err.Error() + "\n"
				}
			}
			requireIDsInRange(t, e.Layout(), &rows[i])
		}
		if diff := cmp.Diff(rows[0], rows[1]) + cmp.Diff(errors[0], errors[1]); diff != "" {
			t.Fatal(diff)
		}
	})
}

func requireIDsInRange(t *rapid.T, l *Layout, rows *Rows) {
	for i, id := range rows.IDs {
		if c := l.Categorical[i%len(l.Categorical)]; id < 0 || int(id) >= c.Size {
			t.Fatalf("feature %s has the id %d, which is not below %d", c.Name, id, c.Size)
		}
	}
}

func TestUnmarshalRefuses(t *testing.T) {
	for data, want := range map[string]string{
		"":                            "cannot read the fitted features: EOF",
		`{"version": 1, "colour": 2}`: `cannot read the fitted features: json: unknown field "colour"`,
		`{"version": 1} {}`:           "cannot read the fitted features: there is more after the JSON object",
		`{"version": 7}`:              "the fitted features have version 7 and this program reads version 2; run the analysis again",
		`{"features": [`:              "cannot read the fitted features: unexpected EOF",
	} {
		if _, err := Unmarshal([]byte(data)); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s: got %v, want %s", data, err, want)
		}
	}
}
