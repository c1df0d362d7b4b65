// Package predictortest makes small models and records for tests of what predicts.
package predictortest

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/penstock-ml/penstock/models"
	"github.com/penstock-ml/penstock/models/features"
	"github.com/penstock-ml/penstock/models/saved"
	"github.com/penstock-ml/penstock/models/spec"
	_ "github.com/penstock-ml/penstock/models/widedeep" // the kind of the model
)

// Spec is the model's: every kind of feature, a key, and a label amidst the columns.
const Spec = `
version: 1
name: toy
data:
  columns: [id, age, job, label, city, hours]
  missing: ["?"]
label: {column: label, classes: ["<=50K", ">50K"]}
key: id
features:
  - {name: age, kind: numeric, transform: [zscore]}
  - {name: hours, kind: numeric, transform: [log1p, zscore]}
  - {name: job, kind: vocabulary}
  - {name: city, kind: hash, buckets: 16}
  - {name: age_bucket, kind: bucketize, column: age, boundaries: [30, 50]}
  - {name: job_x_city, kind: cross, features: [job, city], buckets: 1000}
model:
  kind: wide_deep
  wide: [job, city, job_x_city]
  deep:
    numeric: [age, hours]
    indicator: [age_bucket]
    embedding: [{feature: job, dimension: 4}]
    hidden: [16, 8]
training:
  optimizer:
    wide: {kind: ftrl}
    deep: {kind: adam}
`

// Labels are other labels that the model may have, by what they are: in place of the
// spec's line. [FieldsOf] has the records.
var Labels = map[string]string{
	"classes": `label: {column: label, classes: [few, some, many]}`,
	"number":  `label: {column: label, kind: regression}`,
}

// Record is the i-th record: the fields of the spec's columns. Every seventh has
// no job, and the label leans on the age.
func Record(i int) []string {
	jobs := []string{"clerk", "cook", "pilot", "judge", "smith", "baker", "?"}
	labels := []string{"<=50K", ">50K"}
	age := 17 + i*31%60
	return []string{
		fmt.Sprintf("row-%d", i),
		strconv.Itoa(age),
		jobs[i%len(jobs)],
		labels[(age/20+i%3)/3%2],
		fmt.Sprintf("city %d", i*13%29),
		strconv.Itoa(1 + i*7%80),
	}
}

// CSV is the records [from, to) as lines of CSV.
func CSV(from, to int) []byte {
	var out bytes.Buffer
	for i := from; i < to; i++ {
		for j, field := range Record(i) {
			if j > 0 {
				out.WriteByte(',')
			}
			out.WriteString(field)
		}
		out.WriteByte('\n')
	}
	return out.Bytes()
}

// Model is a model with the weights that it would begin to train with, but for
// the tables: those begin as zeros, and here are small numbers.
func Model(t testing.TB) *saved.Model { return ModelOf(t, "") }

// ModelOf is the same model for one of Labels.
func ModelOf(t testing.TB, label string) *saved.Model {
	t.Helper()
	text := strings.Replace(Spec, `label: {column: label, classes: ["<=50K", ">50K"]}`, Labels[label], 1)
	if label == "" {
		text = Spec
	}
	s, err := spec.Parse("toy.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	fitted := fit(t, s, label)
	model, err := models.New(s, fitted)
	if err != nil {
		t.Fatal(err)
	}
	arrangement, err := models.Arrange(model.Params())
	if err != nil {
		t.Fatal(err)
	}
	weights := arrangement.Initial(1)
	m := &saved.Model{Spec: s, Features: fitted}
	for i := range arrangement.Params {
		p := &arrangement.Params[i]
		values := p.In(weights)
		for j := range values {
			if values[j] == 0 {
				values[j] = float32(j%7-3) / 8
			}
		}
		m.Weights = append(m.Weights, saved.Tensor{Name: p.Name, Shape: p.Shape, Data: values})
	}
	return m
}

// fit gathers statistics of the first 200 records.
func fit(t testing.TB, s *spec.Spec, label string) *features.Fitted {
	t.Helper()
	statistics := features.NewStatistics(s)
	for i := range 200 {
		if err := statistics.Add(FieldsOf(label, i)); err != nil {
			t.Fatal(err)
		}
	}
	fitted, err := statistics.Fit(s)
	if err != nil {
		t.Fatal(err)
	}
	return fitted
}

// Fields is the i-th record as a scanner gives it.
func Fields(i int) [][]byte {
	var fields [][]byte
	for _, field := range Record(i) {
		fields = append(fields, []byte(field))
	}
	return fields
}

// FieldsOf is the i-th record with one of Labels.
func FieldsOf(label string, i int) [][]byte {
	fields := Fields(i)
	switch label {
	case "classes":
		fields[3] = []byte([]string{"few", "some", "many"}[i*31%60/21])
	case "number":
		fields[3] = strconv.AppendInt(nil, int64(1000+7*(i*31%60)), 10)
	}
	return fields
}
