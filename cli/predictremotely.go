package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/penstock-ml/penstock/models/predictor"
)

// predictRemotely has a server predict the instances.
func (a *app) predictRemotely(ctx context.Context, f *predictFlags) error {
	input, err := a.open(ctx, f.jsonLines+f.jsonBody) // one of them is given
	if err != nil {
		return err
	}
	defer input.Close()
	data, err := io.ReadAll(input)
	if err != nil {
		return err
	}
	body := data
	if f.jsonLines != "" {
		body = requestOf(data, f.explain)
	}
	answer, err := f.post(ctx, body)
	if err != nil {
		return fmt.Errorf("--endpoint: %w", err)
	}
	outputs, predictions, hasKey, err := parseAnswer(answer)
	if err != nil {
		return fmt.Errorf("--endpoint: %s is not a server of predictions: %w", f.endpoint, err)
	}
	return a.print(json.RawMessage(bytes.TrimSpace(answer)), func(w io.Writer) { writePredictions(w, outputs, hasKey, predictions) })
}

// requestOf makes a request of JSON objects, one a line. What is wrong with one the server will say.
func requestOf(lines []byte, explain bool) []byte {
	var instances [][]byte
	for line := range bytes.Lines(lines) {
		if line = bytes.TrimSpace(line); len(line) > 0 {
			instances = append(instances, line)
		}
	}
	return fmt.Appendf(nil, `{"explain":%t,"instances":[%s]}`, explain, bytes.Join(instances, []byte(",")))
}

// post sends a request and returns the answer, or the error that the server gives.
func (f *predictFlags) post(ctx context.Context, body []byte) ([]byte, error) {
	name, version, versioned := strings.Cut(f.model.model, "@")
	target := strings.TrimSuffix(f.endpoint, "/") + "/v1/models/" + url.PathEscape(name)
	if versioned {
		target += "/versions/" + url.PathEscape(version)
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, target+":predict", bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", "application/json")
	if f.tokenFile != "" {
		token, err := readToken(f.tokenFile)
		if err != nil {
			return nil, err
		}
		request.Header.Set("Authorization", "Bearer "+token)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode == http.StatusOK {
		return answer, err
	}
	var failure struct{ Error string }
	if json.Unmarshal(answer, &failure) != nil || failure.Error == "" {
		failure.Error = "the server answered " + response.Status
	}
	return nil, errors.New(failure.Error)
}

// parseAnswer takes a server's predictions apart, in the digits that it gave.
func parseAnswer(answer []byte) (outputs []predictor.Output, list []predictor.Prediction, hasKey bool, err error) {
	var parsed struct {
		Predictions []map[string]json.RawMessage
	}
	if err := json.Unmarshal(answer, &parsed); err != nil {
		return nil, nil, false, err
	}
	for _, p := range parsed.Predictions {
		if outputs == nil {
			if outputs = outputsIn(p); !complete(outputs) {
				return nil, nil, false, errLacksParts
			}
		}
		x := predictor.Prediction{}
		for _, output := range outputs {
			values, err := valuesOf(p[output.Name], output.Type == "BYTES")
			if err != nil {
				return nil, nil, false, errLacksParts
			}
			x.Values = append(x.Values, values)
		}
		if key, ok := p["key"]; ok {
			hasKey = true
			err = errors.Join(err, json.Unmarshal(key, &x.Key))
		}
		list = append(list, x)
	}
	return outputs, list, hasKey, err
}

var errLacksParts = errors.New("a prediction lacks parts")

// complete tells whether a prediction of a number or of a class may have these outputs and no more.
func complete(outputs []predictor.Output) bool {
	switch len(outputs) {
	case 1:
		return outputs[0].Name == "predictions"
	case 4, 5:
		return outputs[len(outputs)-1].Name == "probabilities"
	}
	return false
}

// outputsIn are those outputs that a prediction has.
func outputsIn(prediction map[string]json.RawMessage) []predictor.Output {
	found := []predictor.Output{}
	for _, output := range predictor.AllOutputs {
		if _, ok := prediction[output.Name]; ok {
			found = append(found, output)
		}
	}
	return found
}

// valuesOf are the elements of an array.
func valuesOf(array json.RawMessage, text bool) (values []string, err error) {
	var elements []json.RawMessage
	if err := json.Unmarshal(array, &elements); err != nil {
		return nil, err
	}
	for _, element := range elements {
		value := string(element)
		if text {
			if err := json.Unmarshal(element, &value); err != nil {
				return nil, err
			}
		}
		values = append(values, value)
	}
	return values, nil
}
