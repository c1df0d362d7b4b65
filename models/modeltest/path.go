package modeltest

import (
	"errors"
	"math"
	"testing"

	"github.com/penstock-ml/penstock/models/features"
	"github.com/penstock-ml/penstock/models/plan"
)

// checkPath: gradients integrated from one row to another add up to the difference of their logits, and an input that is
// the same in both contributes nothing.
func checkPath(t *testing.T, s *subject) {
	const pairs, points = 5, 4096
	path, err := plan.CompilePath(s.model, s.arrangement, s.layout, 64)
	if errors.Is(err, plan.ErrNoPath) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	path.Bind(s.weights)
	score := s.plan(t, 1, plan.Score)
	rows := randomRows(s.layout, 2*pairs, 5)
	for i := range pairs {
		from, to := part(rows, 2*i, 1), part(rows, 2*i+1, 1)
		keepFirst(s.layout, from, to)
		last := s.layout.Target.Width() - 1
		want := float64(run(t, score, to, 0).Logits()[last])
		want -= float64(run(t, score, from, 0).Logits()[last])
		numbers, ids, err := path.Integrate(from, to, s.layout.Target.Width()-1, points)
		if err != nil {
			t.Fatal(err)
		}
		sum := 0.0
		for _, c := range append(numbers, ids...) {
			sum += c
		}
		if math.Abs(sum-want) > 1e-2*max(1, math.Abs(want)) {
			t.Errorf("from row %d to row %d the contributions add up to %g, and the logits differ by %g", 2*i, 2*i+1, sum, want)
		}
		if len(numbers) > 0 && numbers[0] != 0 || len(ids) > 0 && ids[0] != 0 {
			t.Errorf("inputs that are the same contribute %v and %v", numbers, ids)
		}
	}
}

// keepFirst makes the first number and the first id of two rows the same.
func keepFirst(l *features.Layout, from, to *features.Rows) {
	if len(l.Numeric) > 0 {
		to.Numeric[0] = from.Numeric[0]
	}
	if len(l.Categorical) > 0 {
		to.IDs[0] = from.IDs[0]
	}
}
