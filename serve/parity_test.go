package serve

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/penstock-ml/penstock/models/predictor"
	"github.com/penstock-ml/penstock/models/predictor/predictortest"
	"github.com/penstock-ml/penstock/models/records"
)

// A record has the same digits, or none, as a line of CSV, as a JSON object and as tensors.
func FuzzEveryFormGivesTheSameDigits(f *testing.F) {
	p, err := predictor.New(predictortest.Model(f))
	if err != nil {
		f.Fatal(err)
	}
	pool := predictor.NewPool(p, 1)
	for i := range 20 {
		r := predictortest.Record(i)
		f.Add(r[0], r[1], r[2], r[4], r[5])
	}
	f.Add("k", " 31 ", "?", "", "1e3")
	f.Add("\u00e9\"", "-0.0", " pilot", "a, b", "+5")
	f.Add("", "0x1p3", "\tclerk", "\\", "Inf")
	f.Fuzz(func(t *testing.T, id, age, job, city, hours string) {
		values := []string{id, age, job, city, hours}
		for _, v := range values {
			if !utf8.ValidString(v) || strings.ContainsAny(v, "\r\n") {
				return // CSV in one line cannot have it
			}
		}
		want := predictText(t, pool, values)
		if got := predictJSON(t, pool, values); got != want {
			t.Errorf("%q is %s as JSON and %s as CSV", values, got, want)
		}
		if got := predictTensors(t, pool, values); got != want {
			t.Errorf("%q is %s as tensors and %s as CSV", values, got, want)
		}
	})
}

// names are the columns of values.
var names = []string{"id", "age", "job", "city", "hours"}

const noPrediction = "no prediction"

func predictFields(t *testing.T, pool *predictor.Pool, fields [][]byte, err error) string {
	if err != nil {
		return noPrediction
	}
	s, err := pool.Get()
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Put(s)
	s.Add(fields)
	results, err := s.Score()
	if err != nil {
		t.Fatal(err)
	}
	if results[0].Err != nil {
		return noPrediction
	}
	return string(pool.Predictor().AppendJSON(nil, results[0].Outputs, results[0].Key))
}

func predictText(t *testing.T, pool *predictor.Pool, values []string) string {
	var line []string
	for _, v := range values {
		line = append(line, `"`+strings.ReplaceAll(v, `"`, `""`)+`"`)
	}
	read, err := pool.Predictor().Reader(records.CSV)
	if err != nil {
		t.Fatal(err)
	}
	fields, err := read([]byte(strings.Join(line, ",")))
	return predictFields(t, pool, fields, err)
}

func predictJSON(t *testing.T, pool *predictor.Pool, values []string) string {
	object := map[string]string{}
	for i, v := range values {
		object[names[i]] = v
	}
	data, err := json.Marshal(object)
	if err != nil {
		t.Fatal(err)
	}
	var r predictor.Request
	if err := r.Parse(fmt.Appendf(nil, `{"instances":[%s]}`, data)); err != nil {
		t.Fatal(err)
	}
	read, err := pool.Predictor().Reader(records.JSONL)
	if err != nil {
		t.Fatal(err)
	}
	fields, err := read(r.Instances[0])
	return predictFields(t, pool, fields, err)
}

func predictTensors(t *testing.T, pool *predictor.Pool, values []string) string {
	var tensors []map[string]any
	for i, v := range values {
		tensors = append(tensors, map[string]any{"name": names[i], "shape": []int{1}, "datatype": "BYTES", "data": []string{v}})
	}
	data, err := json.Marshal(map[string]any{"inputs": tensors})
	if err != nil {
		t.Fatal(err)
	}
	f := &inference{}
	if err := f.parse(data, pool.Predictor()); err != nil {
		t.Fatal(err)
	}
	fields, err := f.read(newLane(pool.Predictor(), nil), 0)
	return predictFields(t, pool, fields, err)
}
