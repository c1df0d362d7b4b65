package cli

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// A misuse is a command that has to be refused: what is wrong, the arguments, and what to do to the files before.
type misuse struct {
	what string
	args string
	do   func(d misuseDir)
}

// misuseDir is a directory with a spec, good training and evaluation files and an exported model, in which a case may spoil things.
type misuseDir struct {
	t   *testing.T
	dir string
}

func (d misuseDir) path(name string) string { return filepath.Join(d.dir, name) }

func (d misuseDir) write(name, text string) {
	d.t.Helper()
	if err := os.WriteFile(d.path(name), []byte(text), 0o666); err != nil {
		d.t.Fatal(err)
	}
}

func (d misuseDir) read(name string) string {
	d.t.Helper()
	data, err := os.ReadFile(d.path(name))
	if err != nil {
		d.t.Fatal(err)
	}
	return string(data)
}

// spec writes m.yaml with a text of it replaced.
func (d misuseDir) spec(old, replacement string) {
	d.t.Helper()
	if !strings.Contains(misuseSpec, old) {
		d.t.Fatalf("the spec has no %q", old)
	}
	d.write("m.yaml", strings.Replace(misuseSpec, old, replacement, 1))
}

// line replaces the line of a number, from 1, in a copy of the training file.
func (d misuseDir) line(number int, text string) {
	lines := strings.Split(d.read("train.csv"), "\n")
	lines[number-1] = text
	d.write("bad.csv", strings.Join(lines, "\n"))
}

func (d misuseDir) gzip(name string, cut int) {
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	w.Write([]byte(d.read("train.csv")))
	w.Close()
	d.write(name, packed.String()[:packed.Len()-cut])
}

const misuseSpec = `version: 1
name: people
data: {columns: [id, age, job, rich], missing: ["?"]}
label: {column: rich, classes: ["no", "yes"]}
key: id
features:
  - {name: age, kind: numeric, transform: [zscore]}
  - {name: job, kind: vocabulary}
model: {kind: wide_deep, wide: [job], deep: {numeric: [age], hidden: [4]}}
training:
  epochs: 2
  batch_size: 8
  optimizer: {wide: {kind: ftrl}, deep: {kind: adam}}
`

const (
	trainIt = "train --config m.yaml --train-files bad.csv --job-dir job --max-bad-records 0"
	trainOK = "train --config m.yaml --train-files train.csv --job-dir job"
)

var misuses = []misuse{
	// Files.
	{"a training file that is not there", "train --config m.yaml --train-files none.csv --job-dir job", nil},
	{"a pattern without a match", "train --config m.yaml --train-files none*.csv --job-dir job", nil},
	{"an empty training file", trainIt, func(d misuseDir) { d.write("bad.csv", "") }},
	{"a training file of empty lines", trainIt, func(d misuseDir) { d.write("bad.csv", "\n\n\n") }},
	{"a binary training file", trainIt, func(d misuseDir) { d.write("bad.csv", "PK\x03\x04\x00\x01\x02\xff\xfe\n\x00") }},
	{"a directory in place of a file", "train --config m.yaml --train-files folder --job-dir job", func(d misuseDir) { os.Mkdir(d.path("folder"), 0o777) }},
	{"a truncated gzip file", "train --config m.yaml --train-files cut.csv.gz --job-dir job", func(d misuseDir) { d.gzip("cut.csv.gz", 20) }},
	{"a gzip file that is none", "train --config m.yaml --train-files fake.csv.gz --job-dir job", func(d misuseDir) { d.write("fake.csv.gz", "1,20,clerk,no\n") }},
	{"a line of 50 MB", trainIt, func(d misuseDir) { d.write("bad.csv", "1,20,"+strings.Repeat("x", 50<<20)+",no\n") }},
	{"a Cloud Storage path without a bucket", "train --config m.yaml --train-files gs:// --job-dir job", nil},

	// Records.
	{"too few fields", trainIt, func(d misuseDir) { d.line(7, "7,31") }},
	{"too many fields", trainIt, func(d misuseDir) { d.line(7, "7,31,clerk,no,more") }},
	{"another delimiter", "train --config m.yaml --train-files bad.csv --job-dir job", func(d misuseDir) { d.write("bad.csv", strings.ReplaceAll(d.read("train.csv"), ",", ";")) }},
	{"a header that the spec does not know of", trainIt, func(d misuseDir) { d.line(1, "id,age,job,rich") }},
	{"a header that the file does not have", trainIt, func(d misuseDir) { d.spec("data: {", "data: {header: true, "); d.line(1, "1,20,clerk,no") }},
	{"a line of 50 MB among others", trainIt, func(d misuseDir) { d.line(9, "9,20,"+strings.Repeat("x", 50<<20)+",no") }},
	{"text in a numeric column", trainIt, func(d misuseDir) { d.line(9, "9,old,clerk,no") }},
	{"NaN in a numeric column", trainIt, func(d misuseDir) { d.line(9, "9,NaN,clerk,no") }},
	{"infinity in a numeric column", trainIt, func(d misuseDir) { d.line(9, "9,Inf,clerk,no") }},
	{"a number beyond float64", trainIt, func(d misuseDir) { d.line(9, "9,1e999,clerk,no") }},
	{"a decimal comma", trainIt, func(d misuseDir) { d.line(9, `9,"20,5",clerk,no`) }},
	{"a label that is missing", trainIt, func(d misuseDir) { d.line(9, "9,30,clerk,") }},
	{"a label that is no class", trainIt, func(d misuseDir) { d.line(9, "9,30,clerk,maybe") }},
	{"labels of one class", trainIt, func(d misuseDir) {
		d.spec(`, classes: ["no", "yes"]`, "")
		d.write("bad.csv", strings.ReplaceAll(d.read("train.csv"), "yes", "no"))
	}},
	{"a quote that never ends", trainIt, func(d misuseDir) { d.line(9, `9,30,"clerk,no`) }},
	{"text behind a quote", trainIt, func(d misuseDir) { d.line(9, `9,30,"clerk"s,no`) }},
	{"text that is not UTF-8", trainIt, func(d misuseDir) { d.line(9, "9,30,cl\xe9rk,no") }},
	{"a column without any value", trainIt, func(d misuseDir) {
		d.write("bad.csv", "1,,clerk,no\n2,,smith,yes\n")
	}},
	{"a regression of words", trainIt, func(d misuseDir) {
		d.spec(`classes: ["no", "yes"]`, "kind: regression")
		d.write("bad.csv", d.read("train.csv"))
	}},
	{"a weight below zero", trainIt, func(d misuseDir) {
		d.spec("key: id", "key: id\nweight: age")
		d.line(9, "9,-1,clerk,no")
	}},
	{"too many bad records", "train --config m.yaml --train-files bad.csv --job-dir job --max-bad-records 10%", func(d misuseDir) {
		d.write("bad.csv", strings.Replace(d.read("train.csv"), ",2", ",two", 20))
	}},
	{"JSON lines that are CSV", trainIt, func(d misuseDir) { d.spec("data: {", "data: {format: jsonl, "); d.line(1, "1,20,clerk,no") }},
	{"CSV that is JSON lines", trainIt, func(d misuseDir) { d.write("bad.csv", `{"id": 1, "age": 20, "job": "clerk", "rich": "no"}`+"\n") }},
	{"a JSON field that is misspelt", trainIt, func(d misuseDir) {
		d.spec("data: {", "data: {format: jsonl, ")
		d.write("bad.csv", `{"id": 1, "aeg": 20, "job": "clerk", "rich": "no"}`+"\n")
	}},
	{"a JSON value that is an object", trainIt, func(d misuseDir) {
		d.spec("data: {", "data: {format: jsonl, ")
		d.write("bad.csv", `{"id": 1, "age": {"years": 20}, "job": "clerk", "rich": "no"}`+"\n")
	}},
	{"JSON that is nested deeply", trainIt, func(d misuseDir) {
		d.spec("data: {", "data: {format: jsonl, ")
		d.write("bad.csv", `{"id": `+strings.Repeat("[", 100_000)+"\n")
	}},
	{"fewer records than shards", trainIt, func(d misuseDir) { d.write("bad.csv", "1,20,clerk,no\n2,30,smith,yes\n") }},

	// Specs.
	{"no spec", "train --config none.yaml --train-files train.csv --job-dir job", nil},
	{"a spec that is empty", trainOK, func(d misuseDir) { d.write("m.yaml", "") }},
	{"a spec that is CSV", "train --config train.csv --train-files train.csv --job-dir job", nil},
	{"a spec that is binary", trainOK, func(d misuseDir) { d.write("m.yaml", "\x7fELF\x02\x01\x01\x00\x00") }},
	{"a spec with a tab", trainOK, func(d misuseDir) { d.spec("  epochs", "\tepochs") }},
	{"a bomb of aliases", trainOK, func(d misuseDir) {
		bomb := "a: &a [x,x,x,x,x,x,x,x,x]\n"
		for c := 'b'; c < 'k'; c++ {
			bomb += fmt.Sprintf("%c: &%c [%s]\n", c, c, strings.Repeat(fmt.Sprintf("*%c,", c-1), 9))
		}
		d.write("m.yaml", bomb)
	}},
	{"a spec that is nested deeply", trainOK, func(d misuseDir) { d.write("m.yaml", "version: "+strings.Repeat("[", 100_000)) }},
	{"a version of the future", trainOK, func(d misuseDir) { d.spec("version: 1", "version: 9") }},
	{"a key that is unknown", trainOK, func(d misuseDir) { d.spec("key: id", "colour: red") }},
	{"a key that is misspelt", trainOK, func(d misuseDir) { d.spec("batch_size", "batchsize") }},
	{"a key given twice", trainOK, func(d misuseDir) { d.spec("key: id", "key: id\nkey: id") }},
	{"a column that is misspelt", trainOK, func(d misuseDir) { d.spec("column: rich", "column: rihc") }},
	{"a feature that reads the label", trainOK, func(d misuseDir) { d.spec("{name: job, kind", "{name: job, column: rich, kind") }},
	{"a kind of feature that is unknown", trainOK, func(d misuseDir) { d.spec("kind: vocabulary", "kind: vocabluary") }},
	{"a transform that is unknown", trainOK, func(d misuseDir) { d.spec("[zscore]", "[sqrt]") }},
	{"log1p of a number below -1", trainIt, func(d misuseDir) { d.spec("[zscore]", "[log1p]"); d.line(9, "9,-2,clerk,no") }},
	{"a model that is unknown", trainOK, func(d misuseDir) { d.spec("wide_deep", "forest") }},
	{"a feature that the model does not find", trainOK, func(d misuseDir) { d.spec("wide: [job]", "wide: [jobb]") }},
	{"a number where a word is needed", trainOK, func(d misuseDir) { d.spec("wide: [job]", "wide: [age]") }},
	{"an optimizer that is missing", trainOK, func(d misuseDir) { d.spec("wide: {kind: ftrl}, ", "") }},
	{"a learning rate of zero", trainOK, func(d misuseDir) { d.spec("{kind: adam}", "{kind: adam, learning_rate: 0}") }},
	{"a batch of text", trainOK, func(d misuseDir) { d.spec("batch_size: 8", "batch_size: eight") }},
	{"a negative number of epochs", trainOK, func(d misuseDir) { d.spec("epochs: 2", "epochs: -2") }},
	{"a loss of another kind of label", trainOK, func(d misuseDir) { d.spec("epochs: 2", "epochs: 2\n  loss: huber") }},
	{"one class", trainOK, func(d misuseDir) { d.spec(`["no", "yes"]`, `["no"]`) }},
	{"everything held out", trainOK, func(d misuseDir) { d.spec("epochs: 2", "epochs: 2\n  early_stopping: {holdout: 1}") }},
	{"a batch that shards do not divide", trainOK + " --batch-size 9", nil},
	{"numbers that explode", trainOK + " --max-bad-rounds 0", func(d misuseDir) { d.spec("{kind: adam}", "{kind: sgd, learning_rate: 1e30}") }},

	// Flags.
	{"no command", "", nil},
	{"a command that is misspelt", "trian", nil},
	{"a flag that is misspelt", trainOK + " --shard 4", nil},
	{"a flag without its value", trainOK + " --shards", nil},
	{"negative steps", trainOK + " --train-steps -5", nil},
	{"steps and epochs", trainOK + " --train-steps 5 --epochs 1", nil},
	{"no shards", trainOK + " --shards 0", nil},
	{"a limit that is no number", trainOK + " --max-bad-records few", nil},
	{"a limit above all", trainOK + " --max-bad-records 101%", nil},
	{"a runner that is unknown", trainOK + " --runner spark", nil},
	{"a word that belongs to no flag", trainOK + " now", nil},
	{"a required flag that is missing", "train --config m.yaml", nil},

	// Job directories.
	{"a job directory that is a file", "train --config m.yaml --train-files train.csv --job-dir train.csv", nil},
	{"a job directory that cannot be made", "train --config m.yaml --train-files train.csv --job-dir /proc/none/job", nil},
	{"a job directory that is in use", "train --config m.yaml --train-files train.csv --job-dir model --train-steps 2", nil},
	{"resuming with another seed", "train --config m.yaml --train-files train.csv --job-dir model --train-steps 9 --resume --seed 9", nil},
	{"resuming with another spec", "train --config m.yaml --train-files train.csv --job-dir model --train-steps 9 --resume", func(d misuseDir) { d.spec("hidden: [4]", "hidden: [5]") }},

	// Evaluation and prediction.
	{"a model that is not there", "evaluate --model none --eval-files train.csv", nil},
	{"a model that is a file", "evaluate --model train.csv --eval-files train.csv", nil},
	{"a model whose weights are damaged", "predict --model export --json-instances one.jsonl", func(d misuseDir) {
		os.CopyFS(d.path("export"), os.DirFS(d.export()))
		weights := d.read("export/weights.safetensors")
		d.write("export/weights.safetensors", weights[:len(weights)-1]+"\x7f")
	}},
	{"evaluation without a label", "evaluate --model model --eval-files bad.csv", func(d misuseDir) { d.line(3, "3,30,clerk,") }},
	{"an instance with a misspelt field", "predict --model model --json-instances bad.jsonl", func(d misuseDir) { d.write("bad.jsonl", `{"age": 30, "jbo": "clerk"}`+"\n") }},
	{"an instance that lacks a value", "predict --model model --json-instances bad.jsonl", func(d misuseDir) { d.write("bad.jsonl", `{"job": "clerk"}`+"\n") }},
	{"an instance that is no JSON", "predict --model model --json-instances train.csv", nil},
	{"no instances", "predict --model model", nil},
	{"an output that has predictions", "batch-predict --model model --input-paths train.csv --output-path out", func(d misuseDir) {
		os.Mkdir(d.path("out"), 0o777)
		d.write("out/prediction.results-00000-of-00001", "{}\n")
	}},
	{"a name that no registry has", "predict --registry registry --model people --json-instances one.jsonl", nil},
	{"a server that is not there", "predict --endpoint http://127.0.0.1:1 --model people --json-instances one.jsonl", nil},

	// Drafts.
	{"a draft of nothing", "init --input none.csv --label rich --output new.yaml", nil},
	{"a draft of an empty file", "init --input bad.csv --label rich --output new.yaml", func(d misuseDir) { d.write("bad.csv", "") }},
	{"a draft of a binary file", "init --input bad.csv --label rich --output new.yaml", func(d misuseDir) { d.write("bad.csv", "\x00\x01\x02\x03") }},
	{"a draft for a label that is not there", "init --input train.csv --label rihc --output new.yaml", func(d misuseDir) {
		d.write("train.csv", "id,age,job,rich\n"+d.read("train.csv"))
	}},
	{"a draft for a label that is an identifier", "init --input train.csv --label 1 --label-kind classification --output new.yaml", nil},
	{"a draft over a spec", "init --input train.csv --label 4 --output m.yaml", nil},
	{"a kind of label that is unknown", "init --input train.csv --label 4 --label-kind ranking --output new.yaml", nil},
}

// export is the model's directory.
func (d misuseDir) export() string {
	found, err := filepath.Glob(d.path("model/export/people/*"))
	if err != nil || len(found) != 1 {
		d.t.Fatal(found, err)
	}
	return found[0]
}

// penstock runs a command of this program in the directory.
func (d misuseDir) penstock(args ...string) (status int, stdout, stderr string) {
	d.t.Helper()
	executable, err := os.Executable()
	if err != nil {
		d.t.Fatal(err)
	}
	var out, complaint bytes.Buffer
	cmd := &exec.Cmd{Path: executable, Args: append([]string{"penstock"}, args...), Dir: d.dir, Stdout: &out, Stderr: &complaint, Env: os.Environ()}
	err = cmd.Run()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		status = exit.ExitCode()
	} else if err != nil {
		d.t.Fatal(err)
	}
	return status, out.String(), complaint.String()
}

// files are all files of the directory.
func (d misuseDir) files() (names []string) {
	err := filepath.WalkDir(d.dir, func(path string, e fs.DirEntry, err error) error {
		if err == nil && !e.IsDir() {
			name, _ := filepath.Rel(d.dir, path)
			names = append(names, name)
		}
		return err
	})
	if err != nil {
		d.t.Fatal(err)
	}
	return names
}

func newMisuseDir(t *testing.T) misuseDir {
	d := misuseDir{t, t.TempDir()}
	d.write("m.yaml", misuseSpec)
	d.write("one.jsonl", `{"id": "a", "age": 30, "job": "clerk"}`+"\n")
	var train strings.Builder
	for i := range 40 {
		fmt.Fprintf(&train, "%d,%d,%s,%s\n", i+1, 20+i*7%40, []string{"clerk", "smith", "cook"}[i%3], []string{"no", "yes"}[i*5%7%2])
	}
	d.write("train.csv", train.String())
	return d
}

// TestMisuse: every wrong input meets one sentence that names the place, status 1 or 2, and nothing half-written. The
// transcript is in testdata/misuse.txt; PENSTOCK_UPDATE=1 writes it anew.
func TestMisuse(t *testing.T) {
	base := newMisuseDir(t)
	if status, _, stderr := base.penstock(strings.Fields("train --config m.yaml --train-files train.csv --job-dir model --train-steps 2")...); status != 0 {
		t.Fatal(stderr)
	}
	var transcript strings.Builder
	transcript.WriteString("What is wrong, the command, its status, what it says and, if any, which files it left.\n")
	for _, m := range misuses {
		fmt.Fprintf(&transcript, "\n# %s\n%s", m.what, m.play(t, base))
	}
	const golden = "testdata/misuse.txt"
	if os.Getenv("PENSTOCK_UPDATE") != "" {
		if err := os.WriteFile(golden, []byte(transcript.String()), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), transcript.String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// play runs a case in a copy of the directory and returns its transcript.
func (m *misuse) play(t *testing.T, base misuseDir) string {
	d := misuseDir{t, t.TempDir()}
	if err := os.CopyFS(d.dir, os.DirFS(base.dir)); err != nil {
		t.Fatal(err)
	}
	if m.do != nil {
		m.do(d)
	}
	before := d.files()
	status, stdout, stderr := d.penstock(strings.Fields(m.args)...)
	lines := strings.Split(strings.TrimSpace(stderr), "\n")
	for len(lines) > 1 && !strings.HasPrefix(lines[0], "penstock: ") { // progress
		lines = lines[1:]
	}
	said := strings.Join(lines, "\n")
	if status != 1 && status != 2 || stdout != "" || !strings.HasPrefix(said, "penstock: ") || len(said) > 2500 ||
		strings.Contains(said, "goroutine") || strings.Contains(said, "panic") || len(lines) > 1 && !strings.Contains(lines[0], "mistakes") {
		t.Errorf("%s: status %d, %q on standard output, and this on standard error:\n%.2000s", m.what, status, stdout, stderr)
	}
	out := fmt.Sprintf("$ penstock %s\n%d %s\n", m.args, status, said)
	for _, name := range d.files() {
		if !slices.Contains(before, name) {
			out += "left " + name + "\n"
		}
	}
	return strings.ReplaceAll(out, d.dir, "DIR")
}
