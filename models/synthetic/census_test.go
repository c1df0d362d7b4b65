package synthetic

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"errors"
	"io"
	"math"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/penstock-ml/penstock/models/metrics"
)

func generate(t testing.TB, seed, from, to int64) ([]byte, *metrics.Metrics) {
	t.Helper()
	var b bytes.Buffer
	truth, err := Census(context.Background(), &b, seed, from, to)
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes(), truth
}

// TestGolden pins the data of a seed: it is not to change between releases, nor
// between machines.
func TestGolden(t *testing.T) {
	data, _ := generate(t, 1, 0, 20_000)
	want := `37,Self-emp-inc,267205,HS-grad,9,Never-married,Handlers-cleaners,Not-in-family,White,Male,0,0,36,United-States,<=50K
47,?,209233,HS-grad,9,Married-civ-spouse,?,Husband,White,Male,0,0,40,United-States,<=50K
54,Self-emp-inc,136078,HS-grad,9,Married-civ-spouse,Farming-fishing,Other-relative,Black,Male,0,0,8,United-States,<=50K
`
	if got := strings.Join(strings.SplitAfterN(string(data), "\n", 4)[:3], ""); got != want {
		t.Errorf("the first rows are\n%s, want\n%s", got, want)
	}
	sum := sha256.Sum256(data)
	if got, want := hex.EncodeToString(sum[:]), "57f3e87aae7bd22c426f9a5a8a9882a286a8812b49a43e341c123b1ce928bef2"; got != want {
		t.Errorf("the sha256 of 20,000 rows is %s, want %s", got, want)
	}
}

func TestAnyPartGivesTheSameRows(t *testing.T) {
	const rows = 2*partRows + 17
	whole, _ := generate(t, 7, 0, rows)
	lines := bytes.SplitAfter(whole, []byte("\n"))
	rapid.Check(t, func(r *rapid.T) {
		from := rapid.Int64Range(0, rows-1).Draw(r, "from")
		to := rapid.Int64Range(from+1, min(from+partRows/4, rows)).Draw(r, "to")
		data, _ := generate(t, 7, from, to)
		if want := bytes.Join(lines[from:to], nil); !bytes.Equal(data, want) {
			r.Fatalf("rows [%d, %d) differ from those of the whole", from, to)
		}
	})
}

func TestCoresDoNotMatter(t *testing.T) {
	const rows = 5*partRows + 1
	data, truth := generate(t, 3, 0, rows)
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	alone, truthAlone := generate(t, 3, 0, rows)
	if !bytes.Equal(data, alone) {
		t.Error("one core gives other bytes")
	}
	if diff := cmp.Diff(truth, truthAlone); diff != "" {
		t.Errorf("one core gives another truth:\n%s", diff)
	}
}

func TestSeedsDiffer(t *testing.T) {
	a, _ := generate(t, 1, 0, 100)
	b, _ := generate(t, 2, 0, 100)
	if bytes.Equal(a, b) {
		t.Error("seeds 1 and 2 give the same rows")
	}
}

// TestBestAUC compares the figure with its definition over all pairs.
func TestBestAUC(t *testing.T) {
	const rows = 2000
	_, truth := generate(t, 11, 500, 500+rows)
	var right, pairs float64
	for i := range int64(rows) {
		positive := NewRow(11, 500+i)
		if !positive.Label {
			continue
		}
		for j := range int64(rows) {
			negative := NewRow(11, 500+j)
			if negative.Label {
				continue
			}
			pairs++
			switch {
			case positive.Logit > negative.Logit:
				right++
			case positive.Logit == negative.Logit:
				right += 0.5
			}
		}
	}
	if want := right / pairs; *truth.AUC != want {
		t.Errorf("the best AUC is %v, want %v", *truth.AUC, want)
	}
	if truth.Examples != rows {
		t.Errorf("the truth is of %d rows, want %d", truth.Examples, rows)
	}
}

func TestTruthIsPlausible(t *testing.T) {
	_, truth := generate(t, 5, 0, 200_000)
	within(t, "best AUC", *truth.AUC, 0.92, 0.94)
	within(t, "share of >50K", truth.LabelMean, 0.20, 0.26)
}

// TestLabelsAreCalibrated groups rows by their true probability: the labels of a
// group are to differ from their expectation by chance only.
func TestLabelsAreCalibrated(t *testing.T) {
	const groups = 20
	var expected, variance, observed [groups]float64
	for i := range int64(200_000) {
		row := NewRow(9, i)
		p := metrics.Sigmoid(row.Logit)
		g := min(int(p*groups), groups-1)
		expected[g] += p
		variance[g] += p * (1 - p)
		observed[g] += float64(boolIndex(row.Label))
	}
	for g := range groups {
		if deviation := math.Abs(observed[g]-expected[g]) / math.Sqrt(variance[g]); deviation > 4 {
			t.Errorf("with probabilities from %v on, %v labels are >50K and %.1f expected: %.1f standard deviations",
				float64(g)/groups, observed[g], expected[g], deviation)
		}
	}
}

func within(t *testing.T, name string, got, low, high float64) {
	t.Helper()
	if !(got >= low && got <= high) {
		t.Errorf("%s is %v, want it in [%v, %v]", name, got, low, high)
	}
}

// TestMarginals reads the rows as a user would; the bounds lie around the figures
// of the original data set.
func TestMarginals(t *testing.T) {
	const rows = 50_000
	data, _ := generate(t, 1, 0, rows)
	r := csv.NewReader(bytes.NewReader(data))
	r.FieldsPerRecord = len(Columns)
	records, err := r.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if len(records) != rows {
		t.Fatalf("there are %d records, want %d", len(records), rows)
	}
	column := func(name string) (values []string) {
		for i, c := range Columns {
			if c == name {
				for _, record := range records {
					values = append(values, record[i])
				}
			}
		}
		return values
	}
	for _, c := range []struct {
		column, value string
		low, high     float64
	}{
		{"workclass", "?", 0.045, 0.065},
		{"occupation", "?", 0.045, 0.065},
		{"native_country", "?", 0.012, 0.024},
		{"workclass", "Private", 0.66, 0.72},
		{"education", "HS-grad", 0.30, 0.34},
		{"education", "Bachelors", 0.14, 0.18},
		{"marital_status", "Married-civ-spouse", 0.43, 0.49},
		{"relationship", "Husband", 0.37, 0.43},
		{"race", "White", 0.83, 0.88},
		{"gender", "Male", 0.65, 0.69},
		{"capital_gain", "0", 0.90, 0.93},
		{"capital_loss", "0", 0.94, 0.97},
		{"hours_per_week", "40", 0.42, 0.50},
		{"native_country", "United-States", 0.88, 0.92},
		{"income_bracket", ">50K", 0.20, 0.26},
	} {
		values := column(c.column)
		n := 0
		for _, v := range values {
			n += boolIndex(v == c.value)
		}
		within(t, "the share of "+c.column+" "+c.value, float64(n)/rows, c.low, c.high)
	}
	for _, c := range []struct {
		column                         string
		least, most, lowMean, highMean float64
	}{
		{"age", 17, 90, 37, 40},
		{"fnlwgt", 12_285, 1_490_400, 185_000, 210_000},
		{"education_num", 1, 16, 9.7, 10.4},
		{"hours_per_week", 1, 99, 38.5, 42},
		{"capital_gain", 0, 99_999, 700, 1500},
		{"capital_loss", 0, 4356, 60, 110},
	} {
		var sum float64
		for _, v := range column(c.column) {
			x, err := strconv.ParseFloat(v, 64)
			if err != nil {
				t.Fatal(err)
			}
			within(t, c.column, x, c.least, c.most)
			sum += x
		}
		within(t, "the mean of "+c.column, sum/rows, c.lowMean, c.highMean)
	}
}

// TestColumnsAgree checks what holds in every row.
func TestColumnsAgree(t *testing.T) {
	for i := range int64(50_000) {
		row := NewRow(4, i)
		switch {
		case row.educationNum != row.education+1:
			t.Fatalf("row %d: education %s has the number %d", i, educations[row.education], row.educationNum)
		case row.relationship == husband && (row.gender != male || !row.married()),
			row.relationship == wife && (row.gender != female || !row.married()):
			t.Fatalf("row %d: a %s is %s and %s", i, relationships[row.relationship], genders[row.gender], maritalStatuses[row.marital])
		case occupations[row.occupation] == "?" && workclasses[row.workclass] != "?" && workclasses[row.workclass] != "Never-worked":
			t.Fatalf("row %d: workclass %s without an occupation", i, workclasses[row.workclass])
		case row.capitalGain > 0 && row.capitalLoss > 0:
			t.Fatalf("row %d has both a gain and a loss", i)
		}
	}
}

func TestNoRows(t *testing.T) {
	for _, bounds := range [][2]int64{{0, 0}, {5, 4}, {-1, 3}} {
		if _, err := Census(t.Context(), io.Discard, 1, bounds[0], bounds[1]); err == nil {
			t.Errorf("rows %v gave no error", bounds)
		}
	}
}

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.New("disk full") }

func TestWriteError(t *testing.T) {
	_, err := Census(t.Context(), full{}, 1, 0, 10)
	if err == nil || !strings.Contains(err.Error(), "disk full") {
		t.Errorf("writing to a full disk returned %v", err)
	}
}

func TestCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Census(ctx, io.Discard, 1, 0, 10); !errors.Is(err, context.Canceled) {
		t.Errorf("a cancelled context gave %v", err)
	}
}

func BenchmarkCensus(b *testing.B) {
	const rows = 100_000
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	for b.Loop() {
		if _, err := Census(b.Context(), io.Discard, 1, 0, rows); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/rows, "ns/row")
}
