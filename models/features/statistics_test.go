package features

import (
	"bytes"
	"fmt"
	"math"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// drawRecord draws a record of the spec with every kind, from few values so
// that they repeat.
func drawRecord(t *rapid.T) [][]byte {
	draw := func(name string, values ...string) []byte {
		return []byte(rapid.SampledFrom(values).Draw(t, name))
	}
	return [][]byte{
		draw("n", "0", "1", "0.1", "-0.9999", "1e300", "1e-300", "123456789.25", "?"),
		draw("m", "0", "-7", "1e18", "-1e18", "0.1", "1e-18", ""),
		draw("colour", "red", "green", "blue", "NA", " red ", "", "r\u00e9d"),
		draw("size", "S", "M", ""),
		draw("y", "yes", "no"),
		draw("id", "1", "2"),
	}
}

func TestAnyPartitionAndOrderFitsTheSame(t *testing.T) {
	s := parse(t, strings.ReplaceAll(every, "min_count: 2, ", ""))
	rapid.Check(t, func(t *rapid.T) {
		drawn := rapid.SliceOfN(rapid.Custom(drawRecord), 0, 30).Draw(t, "records")
		records := append(split(everyRecords), drawn...)
		whole := NewStatistics(s)
		for _, r := range records {
			add(t, whole, r)
		}
		parts := make([]*Statistics, rapid.SampledFrom([]int{1, 2, 6, 40}).Draw(t, "parts"))
		for i := range parts {
			parts[i] = NewStatistics(s)
		}
		for _, r := range rapid.Permutation(records).Draw(t, "order") {
			add(t, parts[rapid.IntRange(0, len(parts)-1).Draw(t, "part")], r)
		}
		merged := mergeAtRandom(t, parts)
		if a, b := statisticsBytes(t, whole), statisticsBytes(t, merged); !bytes.Equal(a, b) {
			t.Fatalf("statistics differ:\n%x\n%x", a, b)
		}
		want, err := whole.Fit(s)
		if err != nil {
			t.Fatal(err)
		}
		got, err := merged.Fit(s)
		if err != nil {
			t.Fatal(err)
		}
		a, _ := Marshal(want)
		if b, _ := Marshal(got); !bytes.Equal(a, b) {
			t.Fatalf("fitted features differ:\n%s\n%s", a, b)
		}
	})
}

func add(t rapid.TB, st *Statistics, record [][]byte) {
	if err := st.Add(record); err != nil {
		t.Fatal(err)
	}
}

// mergeAtRandom merges into zero and other statistics, some through their
// bytes, until one is left.
func mergeAtRandom(t *rapid.T, parts []*Statistics) *Statistics {
	parts = append([]*Statistics{{}}, parts...)
	for len(parts) > 1 {
		i := rapid.IntRange(1, len(parts)-1).Draw(t, "merged")
		from := parts[i]
		if rapid.Bool().Draw(t, "through bytes") {
			from = new(Statistics)
			if err := from.UnmarshalBinary(statisticsBytes(t, parts[i])); err != nil {
				t.Fatal(err)
			}
		}
		parts[rapid.IntRange(0, i-1).Draw(t, "into")].Merge(from)
		parts = append(parts[:i:i], parts[i+1:]...)
	}
	return parts[0]
}

func statisticsBytes(t rapid.TB, st *Statistics) []byte {
	b, err := st.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestMergeLeavesTheOtherAlone(t *testing.T) {
	s := parse(t, every)
	other := NewStatistics(s)
	for _, r := range split(everyRecords) {
		add(t, other, r)
	}
	before := statisticsBytes(t, other)
	sum := new(Statistics)
	sum.Merge(other)
	sum.Merge(other)
	if !bytes.Equal(before, statisticsBytes(t, other)) {
		t.Fatal("a merge changed the statistics that were merged")
	}
	if sum.Records() != 16 {
		t.Fatalf("merged twice there are %d records", sum.Records())
	}
}

// The squares of such values differ from the square of their mean in digits
// that float64 does not have.
func TestDeviationFarFromZero(t *testing.T) {
	s := parse(t, strings.ReplaceAll(every, "[log1p, zscore]", "[zscore]"))
	var lines strings.Builder
	for i := range 1000 {
		fmt.Fprintf(&lines, "%d,0,red,S,%s,k\n", 1_700_000_000_000+i%3, []string{"no", "yes"}[i%2])
	}
	number := fit(t, s, split(lines.String())).Features[1].Number
	mean := 1_700_000_000_000 + 0.999 // 334 zeros, 333 ones, 333 twos
	variance := (333.0+4*333)/1000 - 0.999*0.999
	if number.Mean != mean || math.Abs(number.Deviation-math.Sqrt(variance)) > 1e-15 {
		t.Fatalf("got %+v, want mean %v and deviation %v", *number, mean, math.Sqrt(variance))
	}
}

func TestHugeNumbersDoNotOverflow(t *testing.T) {
	s := parse(t, every)
	number := fit(t, s, split("1,1.5e308,red,S,no,a\n1,-1.5e308,red,S,yes,a\n1,1.5e308,red,S,yes,a")).Features[2].Number
	if want := (FittedNumber{Mean: 5e307, Deviation: 1.4142135623730951e308, Min: -1.5e308, Max: 1.5e308}); *number != want {
		t.Fatalf("got %+v, want %+v", *number, want)
	}
}

func TestAddErrors(t *testing.T) {
	s := parse(t, strings.ReplaceAll(every, `, classes: ["no", "yes"]`, ""))
	st := NewStatistics(s)
	for _, r := range split(everyRecords) {
		add(t, st, r)
	}
	before := statisticsBytes(t, st)
	for record, want := range map[string]string{
		"-2,1,red,S,no,a":      `column n: "-2" has no log1p, which is defined above -1; correct the value, or remove log1p from the feature's transform`,
		"1,one,red,S,no,a":     `column m: "one" is not a decimal number; correct it, or list it in data.missing if it stands for no value`,
		"1,1,red,S,,a":         "column y has no value, and it is the label; give it one, or remove the record",
		"1,1,new\xff,S,no,a":   `column colour: "new\xff" is not UTF-8; convert the file to UTF-8, or hash the column`,
		"1,1,fine,S,no\xfe,a ": `column y: "no\xfe" is not UTF-8; convert the file to UTF-8, or hash the column`,
	} {
		if err := st.Add(split(record)[0]); err == nil || err.Error() != want {
			t.Errorf("%s: got %v\nwant %s", record, err, want)
		}
	}
	if !bytes.Equal(before, statisticsBytes(t, st)) {
		t.Error("records with errors were counted")
	}
	read := new(Statistics)
	if err := read.UnmarshalBinary(before); err != nil {
		t.Fatal(err)
	}
	if err := read.Add(split(everyRecords)[0]); err == nil {
		t.Error("a record was added to statistics without a spec")
	}
}

func TestGivenClasses(t *testing.T) {
	st := NewStatistics(parse(t, every))
	want := `column y: "maybe" is not a class; label.classes has "no" and "yes"`
	if err := st.Add(split("1,1,red,S,maybe,a")[0]); err == nil || err.Error() != want {
		t.Fatalf("got %v", err)
	}
}

func TestUnresolvedColumns(t *testing.T) {
	s := parse(t, every)
	s.Data.Columns = nil
	want := "column n is not among the data's columns; add it to data.columns"
	err := NewStatistics(s).Add(split(everyRecords)[0])
	if err == nil || err.Error() != want {
		t.Fatalf("got %v, want %s", err, want)
	}
}

func TestFitErrors(t *testing.T) {
	twoClasses := strings.ReplaceAll(every, `, classes: ["no", "yes"]`, "")
	for _, c := range []struct{ name, spec, records, want string }{
		{"no records", every, "", "the training data has no records; check the training files"},
		{"one class", twoClasses, "1,1,red,S,no,a", `column y is the label and has only the value "no" in the training data, where there must be two; check label.column and data.missing`},
		{"an empty column", every, "1,1,?,S,no,a", "column colour has no value in any record of the training data; remove feature colour"},
	} {
		s := parse(t, c.spec)
		st := NewStatistics(s)
		for _, r := range split(c.records) {
			add(t, st, r)
		}
		_, err := st.Fit(s)
		if err == nil || err.Error() != c.want {
			t.Errorf("%s: got %v\nwant %s", c.name, err, c.want)
		}
	}
}

func TestPartsOfOtherSpecs(t *testing.T) {
	s, other := parse(t, every), parse(t, strings.ReplaceAll(every, "kind: hash, buckets: 4", "kind: vocabulary"))
	a, b := NewStatistics(s), NewStatistics(other)
	for _, r := range split(everyRecords) {
		add(t, a, r)
		add(t, b, r)
	}
	const want = "the statistics were gathered for another spec; run the analysis again"
	if _, err := a.Fit(other); err == nil || err.Error() != want {
		t.Errorf("fitted for another spec: %v", err)
	}
	a.Merge(b)
	if _, err := a.Fit(s); err == nil || err.Error() != want {
		t.Errorf("merged from two specs: %v", err)
	}
}

func FuzzUnmarshalStatistics(f *testing.F) {
	s := parse(f, every)
	st := NewStatistics(s)
	for _, r := range split(everyRecords) {
		add(f, st, r)
	}
	b, _ := st.MarshalBinary()
	f.Add(b)
	f.Add(b[:len(b)-1])
	f.Fuzz(func(t *testing.T, b []byte) {
		var read Statistics
		if read.UnmarshalBinary(b) != nil {
			return
		}
		once := statisticsBytes(t, &read)
		var again Statistics
		if err := again.UnmarshalBinary(once); err != nil {
			t.Fatal(err)
		}
		if twice := statisticsBytes(t, &again); !bytes.Equal(once, twice) {
			t.Fatalf("written as %x, then as %x", once, twice)
		}
	})
}
