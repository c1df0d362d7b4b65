package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/penstock-ml/penstock/models/predictor"
	"github.com/penstock-ml/penstock/models/records"
	"github.com/penstock-ml/penstock/storage"
)

const predictHelp = `Predict loads the model into this process and prints a prediction for each instance, in order. MODEL is an
exported model's directory or a job directory, whose newest export is used; with --registry, a model's name there; with
--endpoint, its name on a server, which does the work. FILE may be on Cloud Storage; "-" is standard input.

  --json-instances   one JSON object a line, columns by name; a column that is absent or null is missing
  --text-instances   one record a line with the delimiter of the spec, with or without the label's field, no header
  --json-request     {"instances": [{...}, ...]}, the body of a prediction request

With --explain each prediction has what its features contribute to its logit, by integrated gradients from a typical
record: the means of numbers and the most frequent words. The contributions add up to the logit less that record's.

An instance that cannot be read, or has a value that the model cannot take, fails the whole command: nothing is printed
but the place of the first one. batch-predict sets such records aside.`

const predictExample = `  penstock predict --model job --json-instances people.jsonl
  head -3 data/eval.csv | penstock predict --model job --text-instances - --format json
  penstock predict --endpoint http://localhost:8080 --model census --json-instances people.jsonl`

// predictFlags are the values of the flags of predict.
type predictFlags struct {
	model                     modelFlags
	jsonLines, text, jsonBody string
	explain                   bool
	endpoint, tokenFile       string
}

func newPredictCommand(a *app) *cobra.Command {
	f := &predictFlags{}
	cmd := &cobra.Command{
		Use:     "predict --model MODEL (--json-instances FILE | --text-instances FILE | --json-request FILE)",
		Short:   "Print predictions for a few instances",
		Long:    predictHelp,
		Example: predictExample,
		Args:    noArguments,
	}
	flags := cmd.Flags()
	f.model.add(flags)
	flags.StringVar(&f.jsonLines, "json-instances", "", "`file` of JSON objects, one a line")
	flags.StringVar(&f.text, "text-instances", "", "`file` of delimited records, one a line")
	flags.StringVar(&f.jsonBody, "json-request", "", "`file` with the JSON body of a prediction request")
	flags.BoolVar(&f.explain, "explain", false, "also print what each feature contributes to the logit")
	flags.StringVar(&f.endpoint, "endpoint", "", "`URL` of a server that has the model, such as http://localhost:8080")
	flags.StringVar(&f.tokenFile, "token-file", "", "`file` with the bearer token of the server")
	require(cmd, "model")
	cmd.PreRunE = func(cmd *cobra.Command, _ []string) error {
		given := 0
		for _, name := range []string{"json-instances", "text-instances", "json-request"} {
			if cmd.Flags().Changed(name) {
				given++
			}
		}
		if given != 1 {
			return errors.New("give exactly one of --json-instances, --text-instances and --json-request")
		}
		if f.endpoint != "" && (f.text != "" || f.model.registry != "") {
			return errors.New("a server takes JSON and has a registry of its own: leave out --text-instances and --registry with --endpoint")
		}
		return nil
	}
	cmd.RunE = a.run(func(ctx context.Context) error { return a.predict(ctx, f) })
	return cmd
}

func (a *app) predict(ctx context.Context, f *predictFlags) error {
	if f.endpoint != "" {
		return a.predictRemotely(ctx, f)
	}
	dir, err := f.model.locate(ctx)
	if err != nil {
		return err
	}
	p, err := predictor.Load(ctx, dir)
	if err != nil {
		return fmt.Errorf("--model: %w", err)
	}
	input, err := a.open(ctx, f.jsonLines+f.text+f.jsonBody) // one of them is given
	if err != nil {
		return err
	}
	defer input.Close()
	instances, err := f.read(input, p)
	if err != nil {
		return err
	}
	scored, err := score(p, instances, f.explain)
	if err != nil {
		return err
	}
	return a.printPredictions(p, scored)
}

// read chooses the reader for the flag that was given.
func (f *predictFlags) read(input io.Reader, p *predictor.Predictor) (instanceReader, error) {
	switch {
	case f.jsonLines != "":
		return newLines(p, input, records.JSONL, placeName(f.jsonLines))
	case f.text != "":
		return newLines(p, input, records.CSV, placeName(f.text))
	default:
		r, err := newRequest(p, input, placeName(f.jsonBody))
		if err == nil {
			f.explain = f.explain || r.Explain
		}
		return r, err
	}
}

// placeName is what messages call a file.
func placeName(file string) string {
	if file == "-" {
		return "standard input"
	}
	return file
}

func (a *app) open(ctx context.Context, file string) (io.ReadCloser, error) {
	if file == "-" {
		return io.NopCloser(a.stdin), nil
	}
	return storage.Open(ctx, file, 0, -1)
}

// scoredInstance is the model's output for one instance.
type scoredInstance struct {
	outputs     []float32
	key         []byte
	explanation *predictor.Explanation // nil unless asked for
}

// score scores all instances, or fails with the first one that has no prediction.
func score(p *predictor.Predictor, r instanceReader, explain bool) ([]scoredInstance, error) {
	scorer, err := p.NewScorer(0)
	if err != nil {
		return nil, err
	}
	e := &explaining{}
	if explain {
		if e.explainer, err = p.NewExplainer(); err != nil {
			return nil, err
		}
	}
	var scored []scoredInstance
	var places []string
	flush := func() error {
		results, err := scorer.Score()
		for i, result := range results {
			if result.Err != nil {
				return fmt.Errorf("%s: %w", places[i], result.Err)
			}
			explanation, err := e.explain(i, result.Outputs)
			if err != nil {
				return fmt.Errorf("%s: %w", places[i], err)
			}
			scored = append(scored, scoredInstance{slices.Clone(result.Outputs), bytes.Clone(result.Key), explanation})
		}
		places, e.fields = places[:0], e.fields[:0]
		return err
	}
	for r.Next() {
		places = append(places, r.Place())
		if fields, err := r.Fields(); err != nil {
			scorer.Reject(err) // an earlier instance of the batch may be wrong too
		} else {
			scorer.Add(fields)
			e.keep(fields)
		}
		if scorer.Full() {
			if err := flush(); err != nil {
				return nil, err
			}
		}
	}
	if err := errors.Join(r.Err(), flush()); err != nil {
		return nil, err
	}
	return scored, nil
}

func (a *app) printPredictions(p *predictor.Predictor, scored []scoredInstance) error {
	response := struct {
		Predictions []json.RawMessage `json:"predictions"`
	}{Predictions: []json.RawMessage{}}
	for _, s := range scored {
		response.Predictions = append(response.Predictions, s.json(p))
	}
	return a.print(response, func(w io.Writer) {
		writePredictions(w, p.Outputs(), p.Spec().Key != "", parts(p, scored))
		writeExplanations(w, p, scored)
	})
}

func (s *scoredInstance) json(p *predictor.Predictor) json.RawMessage {
	if s.explanation != nil {
		return p.AppendExplained(nil, s.outputs, s.key, s.explanation)
	}
	return p.AppendJSON(nil, s.outputs, s.key)
}

func parts(p *predictor.Predictor, scored []scoredInstance) (list []predictor.Prediction) {
	for _, s := range scored {
		list = append(list, p.Prediction(s.outputs, s.key))
	}
	return list
}

// writePredictions writes the table that gcloud ml-engine predict printed, with the digits of the JSON form.
func writePredictions(w io.Writer, outputs []predictor.Output, hasKey bool, predictions []predictor.Prediction) {
	var header []any
	if hasKey {
		header = append(header, "KEY")
	}
	for _, output := range outputs {
		header = append(header, strings.ToUpper(output.Name))
	}
	row(w, header...)
	for _, x := range predictions {
		var cells []any
		if hasKey {
			cells = append(cells, x.Key)
		}
		for i, output := range outputs {
			cells = append(cells, list(x.Values[i], output.Type == "BYTES"))
		}
		row(w, cells...)
	}
}

func list(values []string, text bool) string {
	if text {
		values = slices.Clone(values)
		for i, value := range values {
			values[i] = strconv.Quote(value)
		}
	}
	return "[" + strings.Join(values, ", ") + "]"
}
