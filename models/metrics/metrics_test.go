package metrics

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"
)

type example struct{ logit, label, weight float32 }

// examples draws data with many ties, both zeros and weights that are often 1.
func examples(least int) *rapid.Generator[[]example] {
	logit := rapid.OneOf(rapid.Float32Range(-3, 3), rapid.SampledFrom([]float32{0, float32(math.Copysign(0, -1)), 1, -1, 90, -90, math.MaxFloat32}))
	weight := rapid.OneOf(rapid.Just(float32(1)), rapid.Float32Range(0, 3))
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) example {
		return example{logit.Draw(t, "logit"), float32(rapid.IntRange(0, 1).Draw(t, "label")), weight.Draw(t, "weight")}
	}), least, 60)
}

// tb is what tests, benchmarks and property tests have in common.
type tb interface {
	Helper()
	Fatal(args ...any)
}

// both are the accumulators of one worker.
type both struct {
	figures Figures
	curve   Curve
}

func (b *both) add(t tb, examples ...example) {
	t.Helper()
	part := NewFigures(Task{Classes: 2})
	for _, e := range examples {
		if err := part.Add([]float32{e.logit}, e.label, e.weight); err != nil {
			t.Fatal(err)
		}
		if err := b.curve.Add(e.logit, e.label, e.weight); err != nil {
			t.Fatal(err)
		}
	}
	if err := b.figures.Merge(part); err != nil {
		t.Fatal(err)
	}
}

func (b *both) merge(t *rapid.T, other *both) {
	if err := b.figures.Merge(&other.figures); err != nil {
		t.Fatal(err)
	}
	if err := b.curve.Merge(&other.curve); err != nil {
		t.Fatal(err)
	}
}

func (b *both) bytes(t *rapid.T) [2][]byte {
	figures, err := b.figures.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	curve, err := b.curve.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	return [2][]byte{figures, curve}
}

// bruteAUC is the definition: the weight of the pairs in the right order.
func bruteAUC(examples []example) (auc float64, ok bool) {
	var right, all float64
	for _, negative := range examples {
		for _, positive := range examples {
			if negative.label != 0 || positive.label != 1 {
				continue
			}
			w := fixed(negative.weight) * fixed(positive.weight)
			all += w
			switch {
			case positive.logit > negative.logit:
				right += w
			case positive.logit == negative.logit:
				right += w / 2
			}
		}
	}
	return right / all, all > 0
}

func fixed(weight float32) float64 { return math.RoundToEven(float64(weight)*(1<<30)) / (1 << 30) }

func TestAUCEqualsItsDefinition(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		data := examples(0).Draw(t, "examples")
		var c Curve
		for _, e := range data {
			if err := c.Add(e.logit, e.label, e.weight); err != nil {
				t.Fatal(err)
			}
		}
		area, err := c.Area()
		if err != nil {
			t.Fatal(err)
		}
		got, ok := area.AUC()
		want, wantOK := bruteAUC(data)
		if ok != wantOK || ok && math.Abs(got-want) > 1e-12 {
			t.Fatalf("AUC = %v, %t, want %v, %t", got, ok, want, wantOK)
		}
	})
}

// TestCountsAreExact compares with the definition in integers, without tolerance.
func TestCountsAreExact(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	var c Curve
	var data []example
	for range 500 {
		e := example{float32(random.IntN(80)) - 40, float32(random.IntN(2)), 1}
		data = append(data, e)
		if err := c.Add(e.logit, e.label, e.weight); err != nil {
			t.Fatal(err)
		}
	}
	area, err := c.Area()
	if err != nil {
		t.Fatal(err)
	}
	got, _ := area.AUC()
	if want, _ := bruteAUC(data); got != want { // halves up to 2^18 are exact in float64
		t.Errorf("AUC = %v, want %v", got, want)
	}
}

func TestAnyPartitionAndOrderGivesTheSameBytes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		data := examples(1).Draw(t, "examples")
		var whole both
		whole.add(t, data...)

		parts := make([]both, rapid.IntRange(1, 5).Draw(t, "parts"))
		for _, e := range rapid.Permutation(data).Draw(t, "order") {
			parts[rapid.IntRange(0, len(parts)-1).Draw(t, "part")].add(t, e)
		}
		for len(parts) > 1 {
			i := rapid.IntRange(1, len(parts)-1).Draw(t, "merged")
			parts[i-1].merge(t, &parts[i])
			parts = append(parts[:i], parts[i+1:]...)
		}
		want, got := whole.bytes(t), parts[0].bytes(t)
		if !bytes.Equal(want[0], got[0]) {
			t.Fatalf("the bytes of Figures differ: %x, want %x", got[0], want[0])
		}
		if !bytes.Equal(want[1], got[1]) {
			t.Fatalf("the bytes of Curve differ: %x, want %x", got[1], want[1])
		}
	})
}

func TestMarshalRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var original, decoded both
		original.add(t, examples(0).Draw(t, "examples")...)
		data := original.bytes(t)
		if err := decoded.figures.UnmarshalBinary(data[0]); err != nil {
			t.Fatal(err)
		}
		if err := decoded.curve.UnmarshalBinary(data[1]); err != nil {
			t.Fatal(err)
		}
		if again := decoded.bytes(t); !bytes.Equal(again[0], data[0]) || !bytes.Equal(again[1], data[1]) {
			t.Fatalf("the bytes became %x, want %x", again, data)
		}
	})
}

// TestBucketsFoldToTheWhole reduces every bucket on its own, as workers would.
func TestBucketsFoldToTheWhole(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var b both
		b.add(t, examples(0).Draw(t, "examples")...)
		want, err := b.curve.Area()
		if err != nil {
			t.Fatal(err)
		}
		parts, err := b.curve.Split()
		if err != nil {
			t.Fatal(err)
		}
		var got Area
		last := -1
		for _, part := range parts {
			points, err := part.Curve.Points()
			if err != nil {
				t.Fatal(err)
			}
			for _, p := range points {
				if Bucket(p.Logit) != part.Bucket || part.Bucket <= last || part.Bucket >= Buckets {
					t.Fatalf("logit %v of bucket %d is in part %d, after %d", p.Logit, Bucket(p.Logit), part.Bucket, last)
				}
			}
			last = part.Bucket
			area, err := part.Curve.Area()
			if err != nil {
				t.Fatal(err)
			}
			if err := got.Append(area); err != nil {
				t.Fatal(err)
			}
		}
		if got != want {
			t.Fatalf("the buckets give %+v, want %+v", got, want)
		}
	})
}

func TestBucketRisesWithTheLogit(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := rapid.Float32().Draw(t, "a"), rapid.Float32().Draw(t, "b")
		if a <= b && Bucket(a) > Bucket(b) {
			t.Fatalf("Bucket(%v) = %d > Bucket(%v) = %d", a, Bucket(a), b, Bucket(b))
		}
		if got := keyLogit(logitKey(a)); got != a {
			t.Fatalf("the key of %v stands for %v", a, got)
		}
	})
}

func metricsOf(t tb, data ...example) (*Metrics, error) {
	t.Helper()
	var b both
	b.add(t, data...)
	curve, err := b.curve.Figures()
	if err != nil {
		t.Fatal(err)
	}
	return b.figures.Metrics(curve)
}

func TestMetricsByHand(t *testing.T) {
	got, err := metricsOf(t,
		example{2, 1, 1}, example{-1, 1, 2}, example{1, 0, 1}, example{0, 0, 4}, example{50, 1, 0})
	if err != nil {
		t.Fatal(err)
	}

	sigmoid := func(z float64) float64 { return 1 / (1 + math.Exp(-z)) }
	want := &Metrics{
		Examples:     4,
		Weight:       8,
		Loss:         (math.Log1p(math.Exp(-2)) + 2*math.Log1p(math.E) + math.Log1p(math.E) + 4*math.Ln2) / 8,
		ClassFigures: &ClassFigures{Accuracy: 5. / 8, Confusion: [][]float64{{4, 1}, {2, 1}}},
		BinaryFigures: &BinaryFigures{
			AUC:       pointer((1*1 + 1*4) / 15.),   // of 3 x 5 pairs, those with logit 2 are in order
			AUCPR:     pointer((1*1. + 2*3./8) / 3), // precision 1 at logit 2, and 3/8 at -1
			Precision: pointer(1. / 2),
			Recall:    pointer(1. / 3),
			F1:        pointer(2. / 5),
			ECE:       (2*(1-sigmoid(-1)) + 4*0.5 + 1*sigmoid(1) + 1*(1-sigmoid(2))) / 8,
			Calibration: []CalibrationBin{
				{2, sigmoid(-1), 1}, {4, 0.5, 0}, {1, sigmoid(1), 0}, {1, sigmoid(2), 1},
			},
		},
		MeanFigures: &MeanFigures{3. / 8, (sigmoid(2) + 2*sigmoid(-1) + sigmoid(1) + 4*0.5) / 8},
	}
	if diff := cmp.Diff(want, got, cmpopts.EquateApprox(0, 1e-15)); diff != "" {
		t.Errorf("the metrics differ (-want +got):\n%s", diff)
	}
}

func TestOneClass(t *testing.T) {
	m, err := metricsOf(t, example{-1, 0, 1}, example{-2, 0, 1})
	if err != nil {
		t.Fatal(err)
	}
	data, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"auc":null`, `"precision":null`, `"recall":null`, `"accuracy":1`, `"confusion_matrix":[[2,0],[0,0]]`} {
		if !strings.Contains(string(data), want) {
			t.Errorf("the metrics are %s, want %s in them", data, want)
		}
	}
}

func TestNoExamples(t *testing.T) {
	for _, data := range [][]example{nil, {{1, 1, 0}}} {
		if m, err := metricsOf(t, data...); err == nil {
			t.Errorf("the metrics of %v are %+v, want an error", data, m)
		}
	}
}

func TestRefusedExamples(t *testing.T) {
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	tests := []struct {
		example
		want string
	}{
		{example{nan, 0, 1}, "logit NaN"},
		{example{-inf, 0, 1}, "logit -Inf"},
		{example{0, 0.5, 1}, "label 0.5"},
		{example{0, nan, 1}, "label NaN"},
		{example{0, 0, -1}, "weight -1"},
		{example{0, 0, nan}, "weight NaN"},
		{example{0, 0, MaxWeight * 1.5}, "weight 6.29"},
	}
	for _, test := range tests {
		var b both
		figures := NewFigures(Task{Classes: 2})
		for _, err := range []error{
			figures.Add([]float32{test.logit}, test.label, test.weight), b.curve.Add(test.logit, test.label, test.weight),
		} {
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("adding %v returned %v, want %q", test.example, err, test.want)
			}
		}
		if figures.Examples() != 0 {
			t.Errorf("the refused example %v was counted", test.example)
		}
	}
}

// TestWeightOverflow doubles a sum of weights until it no longer fits.
func TestWeightOverflow(t *testing.T) {
	b := NewFigures(Task{Classes: 2})
	var c Curve
	if err := b.Add([]float32{1}, 1, MaxWeight); err != nil {
		t.Fatal(err)
	}
	if err := c.Add(1, 1, MaxWeight); err != nil {
		t.Fatal(err)
	}
	var err error
	doublings := 0
	for ; err == nil; doublings++ {
		err = b.Merge(b)
		if mergeErr := c.Merge(&c); mergeErr != nil {
			t.Fatal(mergeErr)
		}
		if _, areaErr := c.Area(); fmt.Sprint(areaErr) != fmt.Sprint(err) {
			t.Fatalf("the curve says %v where Figures say %v", areaErr, err)
		}
	}
	if doublings != 12 || !strings.Contains(err.Error(), "exceeds 2^34") {
		t.Errorf("after %d doublings of 2^22: %v, want a message at the 12th", doublings, err)
	}
}

func TestLogisticAgreesWithMath(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		z := rapid.OneOf(rapid.Float32Range(-40, 40), rapid.Float32Range(-700, 700)).Draw(t, "logit")
		x := float64(z)
		near(t, "Sigmoid", Sigmoid(z), 1/(1+math.Exp(-x)))
		near(t, "LogLoss of 1", LogLoss(z, 1), max(-x, 0)+math.Log1p(math.Exp(-math.Abs(x))))
		near(t, "LogLoss of 0", LogLoss(z, 0), max(x, 0)+math.Log1p(math.Exp(-math.Abs(x))))
	})
}

// near allows 6 units in the last place, of which each side causes 3 at most.
func near(t *rapid.T, name string, got, want float64) {
	if math.Abs(got-want) > 6*0x1p-53*want {
		t.Fatalf("%s = %v, want %v", name, got, want)
	}
}

func TestLogisticExtremes(t *testing.T) {
	for _, test := range []struct {
		name      string
		got, want float64
	}{
		{"Sigmoid(max)", Sigmoid(math.MaxFloat32), 1},
		{"Sigmoid(-max)", Sigmoid(-math.MaxFloat32), 0},
		{"Sigmoid(0)", Sigmoid(0), 0.5},
		{"LogLoss(max, 1)", LogLoss(math.MaxFloat32, 1), 0},
		{"LogLoss(max, 0)", LogLoss(math.MaxFloat32, 0), math.MaxFloat32},
		{"LogLoss(0, 1)", LogLoss(0, 1), math.Ln2},
	} {
		if test.got != test.want {
			t.Errorf("%s = %v, want %v", test.name, test.got, test.want)
		}
	}
}

// FuzzUnmarshal holds that what is accepted encodes to something equal in turn.
func FuzzUnmarshal(f *testing.F) {
	var b both
	b.add(f, example{1, 1, 1}, example{-0.5, 0, 0.25}, example{1, 0, 2})
	figures, err := b.figures.MarshalBinary()
	if err != nil {
		f.Fatal(err)
	}
	curve, err := b.curve.MarshalBinary()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(figures)
	f.Add(curve)
	f.Fuzz(func(t *testing.T, data []byte) {
		var b, again both
		if b.figures.UnmarshalBinary(data) == nil {
			encoded, err := b.figures.MarshalBinary()
			if err != nil || again.figures.UnmarshalBinary(encoded) != nil {
				t.Errorf("decoded Figures cannot be encoded: %v", err)
			}
		}
		if b.curve.UnmarshalBinary(data) == nil {
			encoded, err := b.curve.MarshalBinary()
			if err != nil || again.curve.UnmarshalBinary(encoded) != nil {
				t.Errorf("a decoded Curve cannot be encoded: %v", err)
			}
		}
	})
}

func BenchmarkAdd(b *testing.B) {
	random := rand.New(rand.NewPCG(1, 2))
	var sums both
	for b.Loop() {
		sums.add(b, example{float32(random.NormFloat64()), float32(random.IntN(2)), 1})
	}
}
