package features

import (
	"bytes"
	"testing"

	"github.com/penstock-ml/penstock/models/spec"
)

// every has a feature of every kind, over columns that miss values and others
// that do not.
const every = `
version: 1
name: every
data: {columns: [n, m, colour, size, y, id], missing: ["?", NA]}
label: {column: y, classes: ["no", "yes"]}
key: id
features:
  - {name: triple, kind: cross, features: [colour, size, level], buckets: 5}
  - {name: n, kind: numeric, transform: [log1p, zscore]}
  - {name: raw, kind: numeric, column: m}
  - {name: colour, kind: vocabulary, oov_buckets: 2, min_count: 2, top_k: 3}
  - {name: size, kind: hash, buckets: 4}
  - {name: level, kind: bucketize, column: m, boundaries: [0, 1.5, 10]}
  - {name: pair, kind: cross, features: [level, size], buckets: 100}
model: {kind: none}
`

// A record of it a line; the last field is the key.
const everyRecords = `
0,1,red,S,no,a
1,?,red,M,yes,b
2,2,blue,,no,c
3,-4,blue,L,yes,d
4,10,green,S,no,e
5,20,green,NA,no,f
6,1.5,green,M,yes,g
7,,black,L,no,h
`

func parse(t testing.TB, text string) *spec.Spec {
	t.Helper()
	s, err := spec.Parse("test.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// split makes records of lines of comma-separated fields.
func split(lines string) [][][]byte {
	var records [][][]byte
	for line := range bytes.Lines([]byte(lines)) {
		if line = bytes.TrimRight(line, "\n"); len(line) > 0 {
			records = append(records, bytes.Split(line, []byte(",")))
		}
	}
	return records
}

func fit(t testing.TB, s *spec.Spec, records [][][]byte) *Fitted {
	t.Helper()
	st := NewStatistics(s)
	for _, r := range records {
		if err := st.Add(r); err != nil {
			t.Fatal(err)
		}
	}
	f, err := st.Fit(s)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func newEncoder(t testing.TB, s *spec.Spec, f *Fitted) *Encoder {
	t.Helper()
	e, err := NewEncoder(s, f)
	if err != nil {
		t.Fatal(err)
	}
	return e
}
