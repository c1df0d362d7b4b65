package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/penstock-ml/penstock/models/kernel"
	"github.com/penstock-ml/penstock/models/spec"
)

func TestFigureOf(t *testing.T) {
	const line = `{"peer": "pytorch", "examples_per_s": 181000, "seconds_to_target_auc": null, "auc": 0.9}`
	for _, c := range []struct{ name, stdout, figure, complaint string }{
		{"alone", line, "examples_per_s", ""},
		{"after what libraries print", "warning: {\n{\"examples_per_s\": 1}\n" + line + "\nbye\n", "examples_per_s", ""},
		{"null", line, "seconds_to_target_auc", "no figure for seconds_to_target_auc"},
		{"absent", line, "rows_per_s", "no figure for rows_per_s"},
		{"a string", line, "peer", "no figure for peer"},
		{"nothing printed", "", "auc", "no line of JSON"},
		{"cut short", line[:40], "auc", "not JSON"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := figureOf([]byte(c.stdout), c.figure)
			if c.complaint == "" && (err != nil || got != 181000) {
				t.Errorf("got %v, %v", got, err)
			}
			if c.complaint != "" && (err == nil || !strings.Contains(err.Error(), c.complaint)) {
				t.Errorf("got %v, %v, want a complaint of %q", got, err, c.complaint)
			}
		})
	}
}

func TestMedian(t *testing.T) {
	for _, c := range []struct {
		x    []float64
		want float64
	}{{[]float64{3}, 3}, {[]float64{9, 1, 2}, 2}, {[]float64{4, 1, 2, 9}, 3}} {
		before := slices.Clone(c.x)
		if got := median(c.x); got != c.want {
			t.Errorf("median of %v is %v, want %v", c.x, got, c.want)
		}
		if !slices.Equal(before, c.x) {
			t.Errorf("median has changed %v into %v", before, c.x)
		}
	}
}

func TestNumber(t *testing.T) {
	for x, want := range map[float64]string{
		0.0714: "0.071", 2.345: "2.35", 28.54: "28.5", 912.3: "912", 1000: "1,000", 12345: "12,300", 999_960: "1,000,000", 2_345_678: "2,350,000",
	} {
		if got := number(x); got != want {
			t.Errorf("number(%v) = %q, want %q", x, got, want)
		}
	}
}

// sequence is a side that gives these figures, one a pair, and logs that it has run.
func sequence(log *[]string, name string, figures ...float64) side {
	return func(_ context.Context, _ *bench, pair int) (measurement, error) {
		*log = append(*log, name)
		return measurement{value: figures[pair], resident: int64(pair)}, nil
	}
}

func TestPairsInterleaveAndTakeMedians(t *testing.T) {
	var log []string
	b := &bench{pairs: 3}
	p := &peer{name: "peer", run: sequence(&log, "A", 10, 20, 40)}
	r := &row{unit: "rows/s", penstock: sequence(&log, "B", 100, 400, 200)}
	got, err := b.pair(context.Background(), r, p)
	if err != nil {
		t.Fatal(err)
	}
	if want := "ABABAB"; strings.Join(log, "") != want {
		t.Errorf("ran %v, want %s", log, want)
	}
	want := &result{row: r, peer: "peer", penstock: 200, peerFigure: 20, ratio: 10, resident: 2, pairs: 3} // ratios 10, 20, 5
	if *got != *want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestAPeerThatFailsIsRunAgain(t *testing.T) {
	for failures, ok := range []bool{true, true, true, false} {
		runs := 0
		p := &peer{name: "peer", run: func(context.Context, *bench, int) (measurement, error) {
			if runs++; runs <= failures {
				return measurement{}, errors.New("aborted")
			}
			return measurement{value: 5}, nil
		}}
		var log []string
		_, err := (&bench{pairs: 1}).pair(context.Background(), &row{penstock: sequence(&log, "B", 10)}, p)
		if (err == nil) != ok || runs != min(failures+1, peerAttempts) {
			t.Errorf("%d failures: %d runs, error %v", failures, runs, err)
		}
	}
}

func TestRatioIsAboveOneWherePenstockIsBetter(t *testing.T) {
	for unit, want := range map[string]float64{"s": 0.5, "ms": 0.5, "rows/s": 2} {
		if got := (&row{unit: unit}).ratio(10, 20); got != want {
			t.Errorf("%s: a peer's 10 and Penstock's 20 are a ratio of %v, want %v", unit, got, want)
		}
	}
}

func TestWhatIsAbsentIsListed(t *testing.T) {
	var log []string
	b := &bench{pairs: 1, peersDir: t.TempDir(), peersEnv: t.TempDir()}
	if err := os.WriteFile(filepath.Join(b.peersDir, "here.py"), nil, 0o666); err != nil {
		t.Fatal(err)
	}
	b.measure(context.Background(), &row{work: "one", penstock: sequence(&log, "B", 7), peers: []peer{
		{name: "no script", script: "absent.py"},
		{name: "no environment", script: "here.py", environment: "torch"},
	}})
	b.measure(context.Background(), &row{work: "two", real: true})
	want := []skipped{
		{"one: no script", "PEERS_DIR has no absent.py"},
		{"one: no environment", `there is no environment "torch" (make bench-peers)`},
		{"two", "needs the real census data"},
	}
	if d := cmp.Diff(want, b.skipped, cmp.AllowUnexported(skipped{})); d != "" {
		t.Error(d)
	}
	if len(b.results) != 1 || b.results[0].peer != "" || b.results[0].penstock != 7 || b.failed {
		t.Errorf("Penstock alone gave %+v, failed %v", b.results, b.failed)
	}
}

func TestOnlyPenstockFailsTheRun(t *testing.T) {
	broken := func(context.Context, *bench, int) (measurement, error) { return measurement{}, errors.New("broken") }
	var log []string
	for _, c := range []struct {
		name      string
		peer, own side
		failed    bool
	}{
		{"the peer breaks", broken, sequence(&log, "B", 1), false},
		{"Penstock breaks", sequence(&log, "A", 1), broken, true},
	} {
		b := &bench{pairs: 1}
		_, err := b.pair(context.Background(), &row{penstock: c.own}, &peer{run: c.peer})
		if err == nil || b.failed != c.failed {
			t.Errorf("%s: error %v, failed %v", c.name, err, b.failed)
		}
	}
}

func TestRowsHaveNamesOfTheirOwn(t *testing.T) {
	seen := map[string]bool{}
	for _, r := range rows() {
		if r.name == "" || seen[r.name] {
			t.Errorf("name %q is empty or taken", r.name)
		}
		seen[r.name] = true
	}
	for _, k := range kernelRows() {
		if seen[k.name] {
			t.Errorf("name %q is taken", k.name)
		}
		seen[k.name] = true
	}
}

func TestTrainFLOPs(t *testing.T) {
	// 21 inputs, 2 hidden, 1 output: 42 + 2 products, of which the 10 from numbers need no gradient of inputs.
	if got, want := trainFLOPs([]int{2}), 2.0*(3*44-10); got != want {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestSpecOfThePeers(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", peersSpec))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := spec.Parse(peersSpec, text); err != nil {
		t.Error(err)
	}
	changed, err := replaceOnce(string(text), peersHidden, "hidden: [7]")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := spec.Parse(peersSpec, []byte(changed)); err != nil {
		t.Error(err)
	}
	if _, err := replaceOnce("aa", "a", "b"); err == nil {
		t.Error("a line that stands twice was replaced")
	}
}

func TestToJSONLines(t *testing.T) {
	var out bytes.Buffer
	in := "39, \"State \"\"gov\"\"\",-3,<=50K\n,?,0x1,1.5\n"
	if err := toJSONLines(&out, strings.NewReader(in), []string{"age", "work", "gain", "label"}); err != nil {
		t.Fatal(err)
	}
	want := `{"age":39,"work":"State \"gov\"","gain":-3,"label":"\u003c=50K"}
{"age":"","work":"?","gain":"0x1","label":"1.5"}
`
	if d := cmp.Diff(want, out.String()); d != "" {
		t.Error(d)
	}
	if err := toJSONLines(&out, strings.NewReader("1,2\n"), []string{"age"}); err == nil {
		t.Error("a record with too many fields was taken")
	}
}

func TestModelName(t *testing.T) {
	if got := modelName("processor\t: 0\nmodel name\t: AMD EPYC 9J45\nmodel name\t: other\n"); got != "AMD EPYC 9J45" {
		t.Errorf("got %q", got)
	}
}

func TestReport(t *testing.T) {
	train := &row{work: "train", unit: "examples/s", flops: 1e6}
	b := &bench{cores: 2, data: dataset{rows: 32561}, limits: limits{peakAll: 10e9},
		results: []result{
			{row: train, peer: "PyTorch", peerFigure: 200, penstock: 2000, ratio: 10, pairs: 3, resident: 61e6},
			{row: train, peer: "TensorFlow", peerFigure: 100, penstock: 2100, ratio: 21, pairs: 3},
			{row: &row{work: "start", unit: "ms"}, penstock: 31, pairs: 21},
		},
		kernels: []kernelResult{{row: &kernelRow{name: "X·W", unit: "GFLOP/s"}, kernel: "avx2", rate: 120e9, share: 0.95}},
		skipped: []skipped{{"predict: Spark", "there is no environment"}},
	}
	var out strings.Builder
	if err := b.write(&out, time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC)); err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{
		"| train | examples/s | PyTorch | 200 | 2,000 | **10.0** | 3 | 20% | 61.0 |\n",
		"|  | examples/s | TensorFlow | 100 | 2,100 | **21.0** | 3 | 21% |  |\n",
		"| start | ms | none |  | 31.0 |  | 21 |  |  |\n",
		"| X·W | avx2 | 120 GFLOP/s | 95% |\n",
		"- predict: Spark: there is no environment\n",
		"2 January 2026", "generated records", notes,
	} {
		if !strings.Contains(out.String(), line) {
			t.Errorf("lacks %q:\n%s", line, out.String())
		}
	}
}

// program writes a shell script in the place of an executable.
func program(t *testing.T, path, text string) {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("needs a shell")
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+text+"\n"), 0o777); err != nil {
		t.Fatal(err)
	}
}

func TestAPeerGetsTheDataAndTheCores(t *testing.T) {
	b := &bench{cores: 2, dir: t.TempDir(), peersDir: "/peers", peersEnv: t.TempDir(), data: dataset{train: "t.csv", eval: "e.csv"}}
	program(t, b.python("torch"), `echo "$@" > args; echo loading; echo '{"examples_per_s": 181000}'`)
	p := torchTraining("PyTorch", "--epochs", "32")
	got, err := p.run(context.Background(), b, 0)
	if err != nil || got.value != 181000 {
		t.Fatalf("got %v, %v", got, err)
	}
	args, err := os.ReadFile(filepath.Join(b.dir, "args"))
	if err != nil {
		t.Fatal(err)
	}
	want := "/peers/torch_census.py --train t.csv --eval e.csv --threads 2 --batch 512 --epochs 32\n"
	if string(args) != want {
		t.Errorf("ran python %s, want %s", args, want)
	}
}

func TestAPeerThatBreaksSaysWhy(t *testing.T) {
	b := &bench{dir: t.TempDir(), peersEnv: t.TempDir()}
	program(t, b.python("tensorflow"), `echo Traceback >&2; echo "OSError: no such port" >&2; exit 3`)
	p := tensorFlowTraining("TensorFlow")
	_, err := p.run(context.Background(), b, 0)
	if err == nil || !strings.Contains(err.Error(), "tf_census.py: exit status 3: OSError: no such port") {
		t.Errorf("got %v", err)
	}
}

func TestModulesThatAreMissingAreNamed(t *testing.T) {
	b := &bench{dir: t.TempDir(), peersDir: t.TempDir(), peersEnv: t.TempDir()}
	p := sparkPrediction()
	program(t, filepath.Join(b.peersDir, p.script), "")
	program(t, b.python(p.environment), "echo pyspark")
	if err := b.available(context.Background(), &p); err == nil || !strings.Contains(err.Error(), "lacks pyspark") {
		t.Errorf("got %v", err)
	}
	program(t, b.python(p.environment), "echo")
	if err := b.available(context.Background(), &p); err != nil {
		t.Error(err)
	}
}

func TestEverySeedMustReachTheTarget(t *testing.T) {
	for auc, complaint := range map[string]string{"0.9051": "", "0.9049": "seed 3 reached AUC 0.9049", "null": "no AUC"} {
		b := &bench{cores: 2, dir: t.TempDir()}
		b.binary = filepath.Join(b.dir, "penstock")
		program(t, b.binary, `echo '{"seconds": 1, "metrics": {"auc": `+auc+`}}'`)
		got, err := b.secondsToAUC(context.Background(), "census.yaml", 3, 3)
		if complaint == "" && (err != nil || got.value <= 0 || got.resident <= 0) {
			t.Errorf("AUC %s: got %+v, %v", auc, got, err)
		}
		if complaint != "" && (err == nil || !strings.Contains(err.Error(), complaint)) {
			t.Errorf("AUC %s: got %v, want a complaint of %q", auc, err, complaint)
		}
	}
}

func TestARunOfTrainingIsMadeLongEnough(t *testing.T) {
	b := &bench{cores: 2, dir: t.TempDir(), data: dataset{train: "t.csv", rows: 1000}, warmEpochs: map[string]int{}}
	t.Chdir("..") // where the peers' spec is
	b.binary = filepath.Join(b.dir, "penstock")
	// The probe is half as fast as the runs, which need a second for each 10 epochs of 1000 examples.
	program(t, b.binary, `for last; do :; done
case "$*" in
*--train-steps*) echo '{"examples_per_second": 5000, "seconds": 1}' ;;
*) echo $last >> `+b.dir+`/epochs; echo "{\"examples_per_second\": 10000, \"seconds\": $((last / 10))}" ;;
esac`)
	for range 2 {
		got, err := b.trainingRate(context.Background(), []int{7})
		if err != nil || got.value != 10000 {
			t.Fatalf("got %v, %v", got, err)
		}
	}
	epochs, err := os.ReadFile(filepath.Join(b.dir, "epochs"))
	if want := "28\n78\n78\n"; err != nil || string(epochs) != want {
		t.Errorf("ran for epochs %q, %v; want %q", epochs, err, want)
	}
}

func TestBusyCoresRaiseDoubt(t *testing.T) {
	for all, want := range map[float64]bool{2.0: false, 1.7: false, 1.1: true} {
		b := &bench{cores: 2, limits: limits{peak: map[string]float64{kernel.Name(): 1}, peakAll: all}}
		var out strings.Builder
		b.writeDoubt(&printer{w: &out})
		if got := out.Len() > 0; got != want {
			t.Errorf("two cores that reach %v times one: doubt is %v, want %v", all, got, want)
		}
	}
}
