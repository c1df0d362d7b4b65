package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/penstock-ml/penstock/models/predictor"
	"github.com/penstock-ml/penstock/models/records"
	"github.com/penstock-ml/penstock/storage"
)

const predictHelp = `Predict loads the model into this process and prints a prediction for each instance, in order. MODEL is an
exported model's directory or a job directory, whose newest export is used. FILE may be on Cloud Storage; "-" is
standard input.

  --json-instances   one JSON object a line, columns by name; a column that is absent or null is missing
  --text-instances   one record a line with the delimiter of the spec, with or without the label's field, no header
  --json-request     {"instances": [{...}, ...]}, the body of a prediction request

An instance that cannot be read, or has a value that the model cannot take, fails the whole command: nothing is printed
but the place of the first one. batch-predict sets such records aside.`

const predictExample = `  penstock predict --model job --json-instances people.jsonl
  head -3 data/eval.csv | penstock predict --model job --text-instances - --format json`

// predictFlags are the values of the flags of predict.
type predictFlags struct {
	model                     string
	jsonLines, text, jsonBody string
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
	flags.StringVar(&f.model, "model", "", "`directory` of an exported model or of a job (required)")
	flags.StringVar(&f.jsonLines, "json-instances", "", "`file` of JSON objects, one a line")
	flags.StringVar(&f.text, "text-instances", "", "`file` of delimited records, one a line")
	flags.StringVar(&f.jsonBody, "json-request", "", "`file` with the JSON body of a prediction request")
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
		return nil
	}
	cmd.RunE = a.run(func(ctx context.Context) error { return a.predict(ctx, f) })
	return cmd
}

func (a *app) predict(ctx context.Context, f *predictFlags) error {
	p, err := predictor.Load(ctx, f.model)
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
	scored, err := score(p, instances)
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
		return newRequest(p, input, placeName(f.jsonBody))
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
	logit float32
	key   []byte
}

// score scores all instances, or fails with the first one that has no prediction.
func score(p *predictor.Predictor, r instanceReader) ([]scoredInstance, error) {
	scorer, err := p.NewScorer(0)
	if err != nil {
		return nil, err
	}
	var scored []scoredInstance
	var places []string
	flush := func() error {
		results, err := scorer.Score()
		for i, result := range results {
			if result.Err != nil {
				return fmt.Errorf("%s: %w", places[i], result.Err)
			}
			scored = append(scored, scoredInstance{result.Logit, bytes.Clone(result.Key)})
		}
		places = places[:0]
		return err
	}
	for r.Next() {
		places = append(places, r.Place())
		if fields, err := r.Fields(); err != nil {
			scorer.Reject(err) // an earlier instance of the batch may be wrong too
		} else {
			scorer.Add(fields)
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
		response.Predictions = append(response.Predictions, p.AppendJSON(nil, s.logit, s.key))
	}
	return a.print(response, func(w io.Writer) { writePredictions(w, p, scored) })
}

// writePredictions writes the table that gcloud ml-engine predict printed, with the digits of the JSON form.
func writePredictions(w io.Writer, p *predictor.Predictor, scored []scoredInstance) {
	header := []any{"CLASS_IDS", "CLASSES", "LOGISTIC", "LOGITS", "PROBABILITIES"}
	hasKey := p.Spec().Key != ""
	if hasKey {
		header = append([]any{"KEY"}, header...)
	}
	row(w, header...)
	for _, s := range scored {
		x := p.Prediction(s.logit, s.key)
		cells := []any{list(x.ClassID), list(fmt.Sprintf("%q", x.Class)), list(x.Logistic), list(x.Logit), list(x.Probabilities[0] + ", " + x.Probabilities[1])}
		if hasKey {
			cells = append([]any{x.Key}, cells...)
		}
		row(w, cells...)
	}
}

func list(elements string) string { return "[" + elements + "]" }
