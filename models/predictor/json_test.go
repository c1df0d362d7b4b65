package predictor

import (
	"encoding/json"
	"flag"
	"math"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/penstock-ml/penstock/models/features"
	"pgregory.net/rapid"
)

var update = flag.Bool("update", false, "write the golden files anew")

// The digits of a prediction are a contract: other programs compare them.
func TestJSONGolden(t *testing.T) {
	p := &Predictor{form: newForm(&features.FittedLabel{Classes: []string{"<=50K", `"more" \ than`}})}
	var out []byte
	for _, logit := range []float32{
		0, float32(math.Copysign(0, -1)), 1, -1, 0.1, -2.3978953, 16777216, 100, -100, 88.5, -745, 3.4e38, -3.4e38, 1e-7, 1.17549435e-38, 1e-45,
	} {
		out = append(p.AppendJSON(out, []float32{logit}, nil), '\n')
	}
	for _, key := range []string{"", "row 1", "tab\tquote\" slash\\ bell\a \u00e9 \u2028 </a>", "not UTF-8: \xff\xfe."} {
		out = append(p.AppendJSON(out, []float32{0.25}, []byte(key)), '\n')
	}
	compareGolden(t, "testdata/predictions.jsonl", out)
}

func compareGolden(t *testing.T, path string, got []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, got, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s (-want +got):\n%s", path, diff)
	}
}

type object struct {
	Key           *string   `json:"key"`
	ClassIDs      []int     `json:"class_ids"`
	Classes       []string  `json:"classes"`
	Logistic      []float64 `json:"logistic"`
	Logits        []float32 `json:"logits"`
	Probabilities []float64 `json:"probabilities"`
}

func TestJSONReadsBack(t *testing.T) {
	p := &Predictor{form: newForm(&features.FittedLabel{Classes: []string{"no", "yes"}})}
	rapid.Check(t, func(t *rapid.T) {
		logit := rapid.Float32().Draw(t, "logit")
		key := rapid.String().Draw(t, "key")
		var got object
		if err := json.Unmarshal(p.AppendJSON(nil, []float32{logit}, []byte(key)), &got); err != nil {
			t.Fatal(err)
		}
		id := 0
		if logit > 0 {
			id = 1
		}
		if got.Logits[0] != logit || got.ClassIDs[0] != id || got.Classes[0] != []string{"no", "yes"}[id] {
			t.Fatalf("logit %v gives %+v", logit, got)
		}
		if *got.Key != strings.ToValidUTF8(key, "\uFFFD") {
			t.Fatalf("key %q became %q", key, *got.Key)
		}
		want := 1 / (1 + math.Exp(-float64(logit)))
		if math.Abs(got.Logistic[0]-want) > 1e-15 || got.Probabilities[1] != got.Logistic[0] || got.Probabilities[0] != 1-got.Logistic[0] {
			t.Fatalf("logit %v: %+v, want the probability %v", logit, got, want)
		}
	})
}

// encoding/json writes floats by the same rule.
func TestFloatsAreThoseOfEncodingJSON(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		x, y := rapid.Float64().Draw(t, "x"), rapid.Float32().Draw(t, "y")
		want64, _ := json.Marshal(x)
		want32, _ := json.Marshal(y)
		if got := string(appendFloat(nil, x, 64)); got != string(want64) {
			t.Fatalf("%s instead of %s", got, want64)
		}
		if got := string(appendFloat(nil, float64(y), 32)); got != string(want32) {
			t.Fatalf("%s instead of %s", got, want32)
		}
	})
}

// forms has one of each kind, with the number of outputs.
var forms = map[string]struct {
	label   features.FittedLabel
	outputs int
}{
	"two classes":  {features.FittedLabel{Classes: []string{"no", "yes"}}, 1},
	"more classes": {features.FittedLabel{Classes: []string{"red", "green", `"blue"`}}, 3},
	"number":       {features.FittedLabel{Number: &features.FittedNumber{Mean: -7.25, Deviation: 123.5}}, 1},
}

func TestPredictionHasTheDigitsOfJSON(t *testing.T) {
	for name, test := range forms {
		t.Run(name, func(t *testing.T) {
			p := &Predictor{form: newForm(&test.label)}
			rapid.Check(t, func(t *rapid.T) {
				outputs := rapid.SliceOfN(rapid.Float32(), test.outputs, test.outputs).Draw(t, "outputs")
				q := p.Prediction(outputs, []byte("k"))
				got := `{"key":"` + q.Key + `"`
				for i, output := range p.Outputs() {
					values := q.Values[i]
					if n := max(1, output.Width); len(values) != n {
						t.Fatalf("output %s has %d values, want %d", output.Name, len(values), n)
					}
					if output.Type == textType {
						values = []string{strconv.Quote(values[0])}
					}
					got += `,"` + output.Name + `":[` + strings.Join(values, ",") + "]"
				}
				if want := string(p.AppendJSON(nil, outputs, []byte("k"))); got+"}" != want {
					t.Fatalf("parts give %s\nwhole is  %s", got, want)
				}
			})
		})
	}
}

// TestClassesByHand: the likeliest class is named, and probabilities are those of the logits.
func TestClassesByHand(t *testing.T) {
	test := forms["more classes"]
	p := &Predictor{form: newForm(&test.label)}
	got := string(p.AppendJSON(nil, []float32{0, 0, 400}, nil))
	if want := `{"class_ids":[2],"classes":["\"blue\""],"logits":[0,0,400],"probabilities":[`; !strings.HasPrefix(got, want) || !strings.HasSuffix(got, ",1]}") {
		t.Errorf("the prediction is %s, want %s...,1]}", got, want)
	}
	a := p.Answer([]float32{2, 1, 1})
	first := 1 / (1 + 2*math.Exp(-1))
	want := Answer{ClassID: 0, Class: "red", Probabilities: []float64{first, (1 - first) / 2, (1 - first) / 2}}
	if diff := cmp.Diff(want, a, cmpopts.EquateApprox(0, 1e-15)); diff != "" {
		t.Error(diff)
	}
}

func TestNumbersAreInTheUnitsOfTheLabel(t *testing.T) {
	test := forms["number"]
	p := &Predictor{form: newForm(&test.label)}
	if got := string(p.AppendJSON(nil, []float32{2}, []byte("a"))); got != `{"key":"a","predictions":[239.75]}` {
		t.Error(got)
	}
}

func BenchmarkAppendJSON(b *testing.B) {
	p := &Predictor{form: newForm(&features.FittedLabel{Classes: []string{"<=50K", ">50K"}})}
	var out []byte
	logit := float32(-5)
	for b.Loop() {
		out = p.AppendJSON(out[:0], []float32{logit}, nil)
		if logit += 0.00137; logit > 5 {
			logit -= 10
		}
	}
}
