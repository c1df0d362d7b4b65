package draft_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/penstock-ml/penstock/models/draft"
	"github.com/penstock-ml/penstock/models/features"
	"github.com/penstock-ml/penstock/models/records"
	"github.com/penstock-ml/penstock/models/spec"
	_ "github.com/penstock-ml/penstock/models/widedeep" // the kind of the drafted model
)

// write makes a file, through gzip where its name ends so.
func write(t testing.TB, name, text string) string {
	t.Helper()
	data := []byte(text)
	if strings.HasSuffix(name, ".gz") {
		var packed bytes.Buffer
		w := gzip.NewWriter(&packed)
		w.Write(data)
		w.Close()
		data = packed.Bytes()
	}
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, data, 0o666); err != nil {
		t.Fatal(err)
	}
	return path
}

func drafted(t testing.TB, name, text, label string) *draft.Draft {
	t.Helper()
	d, err := draft.New(t.Context(), draft.Options{Input: write(t, name, text), Label: label})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// table makes n rows of a format with the row's number, and others made of it.
func table(n int, format string, values ...func(i int) any) string {
	var out strings.Builder
	for i := range n {
		var cells []any
		for _, value := range values {
			cells = append(cells, value(i))
		}
		fmt.Fprintf(&out, format+"\n", cells...)
	}
	return out.String()
}

func age(i int) any    { return 17 + i*31%60 }
func income(i int) any { return []string{"low", "high"}[i*7%3%2] }
func job(i int) any    { return []string{"cook", "clerk", "pilot"}[i%3] }

func TestFormatsAreSeen(t *testing.T) {
	for name, test := range map[string]struct {
		text, label string
		want        spec.Data
	}{
		"commas":        {"age,job,income\n" + table(30, "%v,%v,%v", age, job, income), "income", spec.Data{Delimiter: ",", Header: true}},
		"semicolons":    {"age;job;income\n" + table(30, "%v;%v;%v", age, job, income), "income", spec.Data{Delimiter: ";", Header: true}},
		"tabs":          {table(30, "%v\t%v\t%v", age, job, income), "3", spec.Data{Delimiter: "\t"}},
		"bars":          {table(30, "%v|\"a, b\"|%v|%v", age, job, income), "4", spec.Data{Delimiter: "|"}},
		"no header":     {table(30, "%v,%v,%v", age, job, income), "3", spec.Data{Delimiter: ","}},
		"marks of none": {table(30, "%v,%v,%v", func(i int) any { return map[bool]any{true: "NA", false: i * 31 % 60}[i%3 == 0] }, age, income), "3", spec.Data{Delimiter: ","}},
		"words only":    {"job,income\n" + table(30, "%v,%v", job, income), "income", spec.Data{Delimiter: ",", Header: true}},
		"mark":          {"\xef\xbb\xbfage,income\r\n" + table(30, "%v,%v\r", age, income), "income", spec.Data{Delimiter: ",", Header: true}},
		"breaks":        {"age,job,income\n" + table(30, "%v,\"%v\nof ships\",%v", age, job, income), "income", spec.Data{Delimiter: ",", Header: true, Multiline: true}},
		"json":          {table(30, `{"age": %v, "job": %q, "income": %q}`, age, job, income), "income", spec.Data{}},
	} {
		for _, file := range []string{"x.data", "x.data.gz"} {
			got := drafted(t, file, test.text, test.label).Spec.Data
			columns := strings.Join(got.Columns, " ")
			if want := map[bool]string{true: "age", false: "1"}[test.want.Header || name == "json"]; name != "words only" && !strings.HasPrefix(columns, want) {
				t.Errorf("%s: the columns are %s", name, columns)
			}
			got.Format, got.Columns, got.Missing = "", nil, nil
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("%s, %s: %s", name, file, diff)
			}
		}
	}
}

// kinds are the features of each column.
func kinds(s *spec.Spec) map[string][]string {
	all := map[string][]string{}
	for _, f := range s.Features {
		all[f.Column] = append(all[f.Column], f.Kind)
	}
	return all
}

func TestColumnsHaveTheirRoles(t *testing.T) {
	header := "row,user_id,age,job,code,when,same,note,empty,paid,income\n"
	text := table(400, "%v,u%v,%v,%v,%v,2024-01-%02v,x,%v,,%v,%v",
		func(i int) any { return i + 1 }, func(i int) any { return i * 7919 % 100_000 }, age, job,
		func(i int) any { return 10 + i%4 }, func(i int) any { return 1 + i%28 },
		func(i int) any { return fmt.Sprintf("%d %s", i, strings.Repeat("a long story ", 6)) },
		func(i int) any { return map[bool]any{true: "NA", false: float64(i) / 8}[i%5 == 0] }, income)
	d := drafted(t, "x.csv", header+text, "income")
	want := map[string][]string{"age": {"numeric", "numeric"}, "code": {"numeric", "numeric"}, "paid": {"numeric", "numeric"}, "job": {"vocabulary"}}
	if diff := cmp.Diff(want, kinds(d.Spec)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"NA"}, d.Spec.Data.Missing); diff != "" {
		t.Error(diff)
	}
	for column, reason := range map[string]string{
		"row": "counts the records", "user_id": "has another value in almost every record", "when": "is a date",
		"same": "is always x", "note": "is prose", "empty": "has no value",
	} {
		if !slices.ContainsFunc(d.LeftOut, func(s string) bool { return strings.HasPrefix(s, column+" "+reason) }) {
			t.Errorf("%s is not left out since it %s: %q", column, reason, d.LeftOut)
		}
		if !strings.Contains(string(d.Text), "#   "+column+" "+reason) {
			t.Errorf("the spec does not say that %s %s", column, reason)
		}
	}
}

func TestManyWordsAreHashed(t *testing.T) {
	text := table(40_000, "%v,w%v,%v", age, func(i int) any { return i * 7919 % 9_000 }, income)
	d := drafted(t, "x.csv", text, "3")
	if diff := cmp.Diff([]string{"hash"}, kinds(d.Spec)["2"]); diff != "" {
		t.Error(diff)
	}
	if f, _ := d.Spec.Feature("2"); f.Buckets != 32_768 {
		t.Errorf("%d buckets", f.Buckets)
	}
}

func TestLabels(t *testing.T) {
	for name, test := range map[string]struct {
		value   func(i int) any
		kind    string
		classes []string
	}{
		"two words":   {income, spec.Classification, []string{"high", "low"}},
		"three words": {job, spec.Classification, []string{"clerk", "cook", "pilot"}},
		"few numbers": {func(i int) any { return i % 3 }, spec.Classification, []string{"0", "1", "2"}},
		"numbers":     {func(i int) any { return i % 50 }, spec.Regression, nil},
		"fractions":   {func(i int) any { return float64(i%4) + 0.5 }, spec.Regression, nil},
	} {
		d := drafted(t, "x.csv", "age,y\n"+table(200, "%v,%v", age, test.value), "y")
		if d.Spec.Label.Kind != test.kind || !slices.Equal(d.Spec.Label.Classes, test.classes) {
			t.Errorf("%s: the label is %+v", name, d.Spec.Label)
		}
	}
}

// TestMarkersOfNoValue: the list is one for all columns, and takes no word from the label.
func TestMarkersOfNoValue(t *testing.T) {
	none := func(i int) any { return []any{"None", i * 31 % 60}[i%3%2] }
	d := drafted(t, "x.csv", table(60, "%v,%v,%v,%v", none, age, func(i int) any { return []string{"None", ""}[i%2] }, income), "4")
	if diff := cmp.Diff(map[string][]string{"1": {"numeric", "numeric"}, "2": {"numeric", "numeric"}}, kinds(d.Spec)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"3 has no value"}, d.LeftOut); diff != "" {
		t.Error(diff)
	}
	d = drafted(t, "x.csv", table(60, "%v,%v,%v", none, age, func(i int) any { return []string{"None", "mild"}[i*7%3%2] }), "3")
	if diff := cmp.Diff([]string{"None", "mild"}, d.Spec.Label.Classes); diff != "" {
		t.Error(diff)
	}
	if len(d.Spec.Data.Missing) > 0 {
		t.Errorf("a word of the label is no value: %q", d.Spec.Data.Missing)
	}
}

// TestDraftsFitTheirFiles: whatever a table holds, its draft reads every record of it.
func TestDraftsFitTheirFiles(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		cell := rapid.OneOf(
			rapid.SampledFrom([]string{"", "?", "NA", "None", "0", "1", "-3.5e2", "1e999", "0x10", "Infinity", "\u00a0", "1\u00a0", "x", "yes", "2024-05-06", " a b ", `q"q`, "l\nb", "ü,;|", "- {", "#", "'"}),
			rapid.String(),
		)
		columns := rapid.IntRange(1, 5).Draw(r, "columns")
		classes := []string{"yes", rapid.SampledFrom([]string{"no", "None", "1", "no\u00a0"}).Draw(r, "class")}
		var text strings.Builder
		for row := range rapid.IntRange(2, 40).Draw(r, "rows") {
			for range columns {
				c := strings.NewReplacer("\x00", "", "\r", "").Replace(strings.ToValidUTF8(cell.Draw(r, "cell"), ""))
				text.WriteString(`"` + strings.ReplaceAll(c, `"`, `""`) + `",`)
			}
			fmt.Fprintf(&text, "%v\n", classes[row%2])
		}
		header := false
		file := write(t, "x.csv", text.String())
		d, err := draft.New(t.Context(), draft.Options{Input: file, Label: fmt.Sprint(columns + 1), Delimiter: ',', Header: &header})
		if err != nil {
			if strings.Contains(err.Error(), "defect") {
				r.Fatal(err)
			}
			return // no column can be a feature, for example
		}
		fits(r, d.Spec, file)
	})
}

func fits(t *rapid.T, s *spec.Spec, file string) {
	whole, err := records.Whole(t.Context(), file)
	if err != nil {
		t.Fatal(err)
	}
	scanner, err := records.Open(t.Context(), s.Format(), whole)
	if err != nil {
		t.Fatal(err)
	}
	defer scanner.Close()
	statistics := features.NewStatistics(s)
	for scanner.Scan() {
		if err := scanner.Record().Err; err != nil {
			t.Fatal(err)
		}
		if err := statistics.Add(scanner.Record().Fields); err != nil {
			t.Fatalf("%v\n%s", err, scanner.Record().Raw)
		}
	}
	if _, err := statistics.Fit(s); err != nil {
		t.Fatal(err)
	}
}

func TestErrors(t *testing.T) {
	good := "age,job,income\n" + table(30, "%v,%v,%v", age, job, income)
	for name, test := range map[string]struct{ text, label, want string }{
		"empty":       {"", "y", "the file is empty"},
		"binary":      {"PK\x03\x04\x00\x00", "y", "the file is not text: a zero byte is at offset 4"},
		"header only": {"age,income\n", "income", "--label is \"income\", which is no column"},
		"misspelt":    {good, "incom", `--label is "incom", which is no column; did you mean "income"?`},
		"one class":   {"age,y\n" + table(30, "%v,yes", age), "y", "column y is to be the label and is always yes"},
		"identifier":  {"age,y\n" + table(30, "%v,k%v", age, func(i int) any { return i }), "y", "has another value in almost every record"},
		"no features": {"id,y\n" + table(30, "%v,%v", func(i int) any { return i }, income), "y", "no column can be a feature: id counts the records"},
		"ragged":      {good + "30,cook\n", "income", "line 32"},
		"twice":       {"a,a,y\n" + table(30, "%v,%v,%v", age, age, income), "y", `two columns are called "a"`},
		"bad json":    {`{"a": 1, "y": "b"}` + "\n{\"a\": \n", "y", "line 2: not JSON"},
		"nested json": {table(30, `{"a": {"b": %v}, "y": %q}`, age, income), "y", `field "a" is an object or an array`},
	} {
		_, err := draft.New(t.Context(), draft.Options{Input: write(t, "x.csv", test.text), Label: test.label})
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: got %v, want %s", name, err, test.want)
		}
	}
}
