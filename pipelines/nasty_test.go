package pipelines

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/penstock-ml/penstock/models/spec"
)

// nastyTexts are values that files make difficult. An empty one is missing.
var nastyTexts = []string{
	"plain", "a, b", `say "hi"`, `"`, "two\nlines", "\n", "Ü umlaut 日本", "", "tab\there", "back\\slash", "'", "# no comment", "{}", "[1,2]",
	"null", "line\nwith, all \"of\" it", "\u2028", "0", "-", strings.Repeat("long ", 50),
}

// nastyRow has columns n, text, y and, as the key, its number.
func nastyRow(i int) [4]string {
	number := []string{"0", "-1.5", "3e2", "", "0.1", "1e-300", "7"}[i%7]
	return [4]string{fmt.Sprint(i), number, nastyTexts[i*7%len(nastyTexts)], []string{"no", "yes"}[i*5%7%2]}
}

var nastyColumns = []string{"key", "n", "text", "y"}

// nastyCSV has a byte order mark, line ends of Windows, quotes where they are needed and where not.
func nastyCSV(rows int) []byte {
	out := bytes.NewBufferString("\xef\xbb\xbf" + strings.Join(nastyColumns, ";") + "\r\n")
	for i := range rows {
		for j, field := range nastyRow(i) {
			if j > 0 {
				out.WriteByte(';')
			}
			if strings.ContainsAny(field, ";\"\n\r") || i%3 == 0 && field != "" {
				field = `"` + strings.ReplaceAll(field, `"`, `""`) + `"`
			}
			out.WriteString(field)
		}
		if i < rows-1 { // the last line has no end
			out.WriteString("\r\n")
		}
	}
	return out.Bytes()
}

// nastyJSON has the same records, members in changing order, with escapes and without, null and absent ones.
func nastyJSON(t testing.TB, rows int) []byte {
	var out bytes.Buffer
	for i := range rows {
		row := nastyRow(i)
		var members []string
		for j, field := range row {
			value, err := json.Marshal(field)
			if err != nil {
				t.Fatal(err)
			}
			switch {
			case field == "" && i%2 == 0:
				continue
			case field == "":
				value = []byte("null")
			case j == 1:
				value = []byte(field)
			case i%4 == 0: // every character that may be one
				value = []byte(escaped(field))
			}
			members = append(members, fmt.Sprintf("%q:%s", nastyColumns[j], value))
		}
		first := i % len(members)
		fmt.Fprintf(&out, " { %s } \r\n", strings.Join(append(members[first:], members[:first]...), " , "))
	}
	return out.Bytes()
}

// escaped writes a text in JSON with nothing but escapes.
func escaped(text string) string {
	out := `"`
	for _, r := range text {
		if r > 0xffff {
			out += string(r)
			continue
		}
		out += fmt.Sprintf(`\u%04x`, r)
	}
	return out + `"`
}

func gzipped(t testing.TB, data []byte) []byte {
	t.Helper()
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	if _, err := w.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return packed.Bytes()
}

func nastySpec(t testing.TB, data string) *spec.Spec {
	t.Helper()
	s, err := spec.Parse("nasty.yaml", []byte(`
version: 1
name: nasty
data: {`+data+`, columns: [key, n, text, y], keep_space: true}
label: {column: y, classes: ["no", "yes"]}
key: key
features:
  - {name: n, kind: numeric, transform: [zscore]}
  - {name: text, kind: vocabulary}
model: {kind: wide_deep, wide: [text], deep: {numeric: [n], embedding: [{feature: text, dimension: 2}], hidden: [4]}}
training: {batch_size: 32, epochs: 3, optimizer: {wide: {kind: adam, learning_rate: 0.1}, deep: {kind: adam, learning_rate: 0.1}}}
`))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// A file that is difficult and valid, its twin in JSON lines and both compressed train the same weights and have the same
// predictions, each record once and none of them bad.
func TestNastyFilesAreTwins(t *testing.T) {
	const rows = 500
	dir := t.TempDir()
	files := map[string]string{"csv": "", "csv.gz": "", "jsonl": "", "jsonl.gz": ""}
	for name := range files {
		data := nastyCSV(rows)
		if strings.HasPrefix(name, "jsonl") {
			data = nastyJSON(t, rows)
		}
		if strings.HasSuffix(name, ".gz") {
			data = gzipped(t, data)
		}
		files[name] = filepath.Join(dir, "nasty."+name)
		writeFile(t, files[name], data)
	}
	weights, predictions := map[string]string{}, map[string]string{}
	var model ModelRef
	for name, file := range files {
		data := `format: csv, delimiter: ";", header: true, multiline: true`
		if strings.HasPrefix(name, "jsonl") {
			data = "format: jsonl"
		}
		o := TrainOptions{Spec: nastySpec(t, data), TrainFiles: []string{file}, JobDir: t.TempDir(), Shards: 4, CacheBytes: 1 << 28, Runner: runnerNamed(t, "direct")}
		result := mustTrain(t, o)
		weights[name] = result.WeightsSHA256
		if name == "csv" {
			model = ModelRef{Export: result.Export}
		}
	}
	for name, file := range files {
		kind, _, _ := strings.Cut(name, ".")
		result, written := predictDir(t, BatchPredictOptions{Model: model, InputPaths: []string{file}, DataFormat: kind, Runner: runnerNamed(t, "direct")})
		if result.Records != rows || result.Predictions != rows {
			t.Errorf("%s has %d records and %d predictions, want %d", name, result.Records, result.Predictions, rows)
		}
		predictions[name] = joined(written, "results", result.Shards)
	}
	for name := range files {
		if weights[name] != weights["csv"] {
			t.Errorf("%s trains the weights %s, its twin %s", name, weights[name], weights["csv"])
		}
		if predictions[name] != predictions["csv"] {
			t.Errorf("%s has other predictions than its twin", name)
		}
	}
	for i, line := range strings.Split(strings.TrimSpace(predictions["csv"]), "\n") {
		if !strings.HasPrefix(line, fmt.Sprintf(`{"key":"%d",`, i)) {
			t.Fatalf("prediction %d is %s", i, line)
		}
	}
}
