package pipelines

import (
	"bytes"
	"context"
	"encoding/json"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/penstock-ml/penstock/runners/runnerstest"
	"github.com/penstock-ml/penstock/transforms"
)

// corruptions spoil a line of census data, each with the column that the complaint has to name.
var corruptions = []struct {
	column string
	spoil  func(fields []string) string
}{
	{"age", func(f []string) string { f[0] = "forty"; return strings.Join(f, ",") }},
	{"", func(f []string) string { return strings.Join(f[:9], ",") }},
	{"income_bracket", func(f []string) string { f[14] = ">50k"; return strings.Join(f, ",") }},
	{"hours_per_week", func(f []string) string { f[12] = "NaN"; return strings.Join(f, ",") }},
	{"", func(f []string) string { return `"` + strings.Join(f, ",") }},
	{"hours_per_week", func(f []string) string { f[0] = ""; f[12] = "x"; return strings.Join(f, ",") }},
	{"", func(f []string) string { return "\x00\x01" }},
}

// corrupt spoils about one in a hundred lines of a file, and returns the places.
func corrupt(t testing.TB, file string) (offsets []int64) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	random := rand.New(rand.NewPCG(5, 5))
	var spoilt bytes.Buffer
	for line := range bytes.Lines(text) {
		if random.IntN(100) == 0 {
			offsets = append(offsets, int64(spoilt.Len()))
			fields := strings.Split(strings.TrimSpace(string(line)), ",")
			line = []byte(corruptions[len(offsets)%len(corruptions)].spoil(fields) + "\n")
		}
		spoilt.Write(line)
	}
	if err := os.WriteFile(file, spoilt.Bytes(), 0o666); err != nil {
		t.Fatal(err)
	}
	return offsets
}

func readBadRecords(t testing.TB, jobDir string) (list []transforms.BadRecord) {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(readFile(t, transforms.BadRecordsPath(jobDir))))
	for d.More() {
		var bad transforms.BadRecord
		if err := d.Decode(&bad); err != nil {
			t.Fatal(err)
		}
		list = append(list, bad)
	}
	return list
}

func TestBadRecordsAreLeftOut(t *testing.T) {
	train, eval, _ := censusFiles(t, 4000)
	places := corrupt(t, train)
	if len(places) < 20 {
		t.Fatalf("only %d records are spoilt", len(places))
	}
	results := map[string]*TrainResult{}
	for _, name := range runnerstest.Names {
		o := censusOptions(t, train, eval, 40)
		o.MaxBadRecords, o.Runner = BadLimit{Share: 0.02}, runnerNamed(t, name)
		var warnings []string
		o.Observer.Warn = func(sentence string) { warnings = append(warnings, sentence) }
		results[name] = mustTrain(t, o)
		if results[name].BadRecords != int64(len(places)) || !slices.ContainsFunc(warnings, func(s string) bool { return strings.Contains(s, "cannot be used and are left out") }) {
			t.Errorf("%s: %d records are called bad, %d are: %q", name, results[name].BadRecords, len(places), warnings)
		}
		var offsets []int64
		for i, bad := range readBadRecords(t, o.JobDir) {
			offsets = append(offsets, bad.Offset)
			if want := corruptions[(i+1)%len(corruptions)].column; bad.File != train || bad.Reason == "" || want != "" && bad.Column != want {
				t.Errorf("%s: bad record %d is %+v, of column %q", name, i, bad, want)
			}
		}
		if diff := cmp.Diff(places, offsets); diff != "" {
			t.Errorf("%s: offsets (-spoilt +told):\n%s", name, diff)
		}
	}
	if a, b := results["direct"], results["prism"]; a.WeightsSHA256 != b.WeightsSHA256 || *a.Metrics.AUC != *b.Metrics.AUC {
		t.Errorf("%+v on direct, %+v on prism", a, b)
	}
	if *results["direct"].Metrics.AUC < 0.85 {
		t.Errorf("the AUC is %v", *results["direct"].Metrics.AUC)
	}
}

// The limit is one of all records or a number; beyond it the first bad record is named.
func TestTooManyBadRecords(t *testing.T) {
	train, _, _ := censusFiles(t, 1000)
	places := corrupt(t, train)
	n := int64(len(places))
	for _, test := range []struct {
		limit BadLimit
		ok    bool
	}{
		{BadLimit{}, false}, {BadLimit{Count: n - 1}, false}, {BadLimit{Count: n}, true},
		{BadLimit{Share: float64(n-1) / 1000}, false}, {BadLimit{Share: float64(n) / 1000}, true},
	} {
		o := censusOptions(t, train, "", 2)
		o.MaxBadRecords = test.limit
		_, err := Train(context.Background(), o)
		if (err == nil) != test.ok {
			t.Errorf("%d bad records with the limit %v: %v", n, test.limit, err)
		}
		if err != nil && (!strings.HasPrefix(err.Error(), train+":") || !strings.Contains(err.Error(), "of 1000 records cannot be used, and --max-bad-records allows "+test.limit.String())) {
			t.Error(err)
		}
	}
}

// A good training file leaves no list of bad records, not even an earlier run's.
func TestNoBadRecords(t *testing.T) {
	train, _, _ := censusFiles(t, 1000)
	o := censusOptions(t, train, "", 2)
	path := transforms.BadRecordsPath(o.JobDir)
	if err := os.WriteFile(path, []byte("{}\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	mustTrain(t, o)
	if _, err := os.Stat(path); !os.IsNotExist(err) {
		t.Errorf("%s is there: %v", path, err)
	}
}
