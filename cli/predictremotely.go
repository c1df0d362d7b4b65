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
	predictions, hasKey, err := parseAnswer(answer)
	if err != nil {
		return fmt.Errorf("--endpoint: %s is not a server of predictions: %w", f.endpoint, err)
	}
	return a.print(json.RawMessage(bytes.TrimSpace(answer)), func(w io.Writer) { writePredictions(w, hasKey, predictions) })
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
func parseAnswer(answer []byte) (list []predictor.Prediction, hasKey bool, err error) {
	var parsed struct {
		Predictions []struct {
			Key           *string
			ClassIDs      []json.RawMessage `json:"class_ids"`
			Classes       []string
			Logistic      []json.RawMessage
			Logits        []json.RawMessage
			Probabilities []json.RawMessage
		}
	}
	if err := json.Unmarshal(answer, &parsed); err != nil {
		return nil, false, err
	}
	for _, p := range parsed.Predictions {
		if len(p.ClassIDs) != 1 || len(p.Classes) != 1 || len(p.Logistic) != 1 || len(p.Logits) != 1 || len(p.Probabilities) != 2 {
			return nil, false, errors.New("a prediction lacks parts")
		}
		x := predictor.Prediction{
			ClassID: string(p.ClassIDs[0]), Class: p.Classes[0], Logistic: string(p.Logistic[0]), Logit: string(p.Logits[0]),
			Probabilities: [2]string{string(p.Probabilities[0]), string(p.Probabilities[1])},
		}
		if p.Key != nil {
			x.Key, hasKey = *p.Key, true
		}
		list = append(list, x)
	}
	return list, hasKey, nil
}
