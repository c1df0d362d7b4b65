package predictortest

import (
	"fmt"
	"testing"

	"github.com/penstock-ml/penstock/models/predictor"
)

// JSON is the i-th record as a JSON object without its label.
func JSON(i int) string {
	r := Record(i)
	job := fmt.Sprintf("%q", r[2])
	if r[2] == "?" {
		job = "null"
	}
	return fmt.Sprintf(`{"id":%q,"age":%s,"job":%s,"city":%q,"hours":%s}`, r[0], r[1], job, r[4], r[5])
}

// Predictions are those of the records [from, to), as JSON, from a predictor alone.
func Predictions(t testing.TB, p *predictor.Predictor, from, to int) (list []string) {
	t.Helper()
	s, err := p.NewScorer(0)
	if err != nil {
		t.Fatal(err)
	}
	for i := from; i < to; i++ {
		s.Add(Fields(i))
	}
	results, err := s.Score()
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range results {
		list = append(list, string(p.AppendJSON(nil, r.Outputs, r.Key)))
	}
	return list
}
