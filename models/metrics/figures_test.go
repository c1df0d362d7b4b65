package metrics

import (
	"bytes"
	"math"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"
)

// A row is an example of any task.
type row struct {
	outputs       []float32
	label, weight float32
}

var tasks = map[string]Task{
	"two classes":  {Classes: 2},
	"classes":      {Classes: 4},
	"many classes": {Classes: MostConfused + 1},
	"number":       {Mean: -3, Deviation: 20},
	"huber":        {Mean: 1e6, Deviation: 0.5, Huber: true},
}

// rowsOf draws examples of a task.
func rowsOf(task Task) *rapid.Generator[row] {
	return rapid.Custom(func(t *rapid.T) row {
		outputs, labels := 1, rapid.Float32Range(-5, 5)
		if task.Classes > 2 {
			outputs = task.Classes
		}
		label := labels.Draw(t, "label")
		if task.Classes > 0 {
			label = float32(rapid.IntRange(0, task.Classes-1).Draw(t, "class"))
		}
		return row{
			rapid.SliceOfN(rapid.Float32Range(-30, 30), outputs, outputs).Draw(t, "outputs"),
			label, rapid.SampledFrom([]float32{0, 0.25, 1, 1, 3.1}).Draw(t, "weight"),
		}
	})
}

func figuresOf(t tb, task Task, rows []row) *Figures {
	t.Helper()
	f := NewFigures(task)
	for _, r := range rows {
		if err := f.Add(r.outputs, r.label, r.weight); err != nil {
			t.Fatal(err)
		}
	}
	return f
}

func encoded(t tb, f *Figures) []byte {
	t.Helper()
	data, err := f.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// TestFiguresOfAnyPartition: in any parts, order and after their coder figures have the same bytes.
func TestFiguresOfAnyPartition(t *testing.T) {
	for name, task := range tasks {
		t.Run(name, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				rows := rapid.SliceOfN(rowsOf(task), 1, 12).Draw(t, "rows")
				want := encoded(t, figuresOf(t, task, rows))
				rows = rapid.Permutation(rows).Draw(t, "order")
				cut := rapid.IntRange(0, len(rows)).Draw(t, "cut")
				sum := &Figures{}
				for _, part := range [][]row{rows[cut:], rows[:cut]} {
					var read Figures
					if err := read.UnmarshalBinary(encoded(t, figuresOf(t, task, part))); err != nil {
						t.Fatal(err)
					}
					if err := sum.Merge(&read); err != nil {
						t.Fatal(err)
					}
				}
				if !bytes.Equal(want, encoded(t, sum)) {
					t.Fatalf("parts give %x, the whole %x", encoded(t, sum), want)
				}
			})
		})
	}
}

func TestClassesByHand(t *testing.T) {
	f := figuresOf(t, Task{Classes: 3}, []row{
		{[]float32{2, 0, 0}, 0, 1}, {[]float32{0, 1, 1}, 1, 2}, {[]float32{0, 3, 0}, 0, 1}, {[]float32{1, 0, 0}, 2, 0},
	})
	got, err := f.Metrics(nil)
	if err != nil {
		t.Fatal(err)
	}
	one, half, share := 1., .5, 2./3
	loss := func(logits ...float64) float64 { // of the first
		sum := 0.
		for _, z := range logits {
			sum += math.Exp(z)
		}
		return math.Log(sum) - logits[0]
	}
	want := &Metrics{
		Examples: 3, Weight: 4, Loss: (loss(2, 0, 0) + 2*loss(1, 0, 1) + loss(0, 3, 0)) / 4,
		ClassFigures: &ClassFigures{Accuracy: 3. / 4, Confusion: [][]float64{{1, 1, 0}, {0, 2, 0}, {0, 0, 0}}},
		PerClassFigures: &PerClassFigures{
			MacroPrecision: (1 + share) / 2, MacroRecall: (half + 1) / 2, MacroF1: (share + 0.8) / 2,
			Classes: []ClassShare{
				{2, 1, &one, &half, &share}, {2, 3, &share, &one, pointer(0.8)}, {0, 0, nil, nil, nil},
			},
		},
	}
	if diff := cmp.Diff(want, got, cmpopts.EquateApprox(0, 1e-15)); diff != "" {
		t.Error(diff)
	}
}

func pointer(x float64) *float64 { return &x }

func TestNumbersByHand(t *testing.T) {
	f := figuresOf(t, Task{Mean: 10, Deviation: 2}, []row{
		{[]float32{0}, 1, 1}, {[]float32{-2}, -1, 1}, {[]float32{3}, 0, 2},
	})
	got, err := f.Metrics(nil)
	if err != nil {
		t.Fatal(err)
	}
	r2 := 1 - (1+1+2*9.)/2
	want := &Metrics{
		Examples: 3, Weight: 4, Loss: (1 + 1 + 18) / 8.,
		NumberFigures: &NumberFigures{
			RMSE: 2 * math.Sqrt(5), MAE: 4, R2: &r2, ErrorQuantiles: map[string]float64{"50": 2, "90": 6, "95": 6, "99": 6},
		},
		MeanFigures: &MeanFigures{10, 12},
	}
	if diff := cmp.Diff(want, got, cmpopts.EquateApprox(0, 1e-15)); diff != "" {
		t.Error(diff)
	}
}

// TestErrorQuantiles: a quantile is never below the error that it stands for, and at most 1% above.
func TestErrorQuantiles(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		task := Task{Deviation: 3}
		errors := rapid.SliceOfN(rapid.Float32Range(0, 1000), 1, 200).Draw(t, "errors")
		f := NewFigures(task)
		for _, e := range errors {
			if err := f.Add([]float32{e}, 0, 1); err != nil {
				t.Fatal(err)
			}
		}
		m, err := f.Metrics(nil)
		if err != nil {
			t.Fatal(err)
		}
		slices.Sort(errors)
		for name, percent := range map[string]int{"50": 50, "90": 90, "95": 95, "99": 99} {
			want := 3 * float64(errors[(len(errors)*percent+99)/100-1])
			if got := m.ErrorQuantiles[name]; got < want || got > want*1.01 && got > 1e-30 {
				t.Fatalf("%s%% of the errors are at most %v, want %v", name, got, want)
			}
		}
	})
}

func TestFiguresRefuse(t *testing.T) {
	for name, test := range map[string]struct {
		task Task
		row  row
	}{
		"class beyond":    {Task{Classes: 3}, row{[]float32{1, 2, 3}, 3, 1}},
		"class between":   {Task{Classes: 3}, row{[]float32{1, 2, 3}, 0.5, 1}},
		"too few outputs": {Task{Classes: 3}, row{[]float32{1, 2}, 0, 1}},
		"infinite label":  {Task{Deviation: 1}, row{[]float32{1}, float32(math.Inf(1)), 1}},
		"infinite output": {Task{Deviation: 1}, row{[]float32{float32(math.Inf(1))}, 0, 1}},
		"weight":          {Task{Deviation: 1}, row{[]float32{1}, 0, -1}},
	} {
		f := NewFigures(test.task)
		if err := f.Add(test.row.outputs, test.row.label, test.row.weight); err == nil || f.Examples() != 0 {
			t.Errorf("%s: %v, %d examples", name, err, f.Examples())
		}
	}
	if err := NewFigures(Task{Classes: 2}).Merge(NewFigures(Task{Classes: 3})); err == nil {
		t.Error("figures of different tasks were merged")
	}
}
