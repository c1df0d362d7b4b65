package serve

import (
	"encoding/json"
	"net/http"
	"time"

	"github.com/penstock-ml/penstock/models/predictor"
)

// description is what there is to know of a version.
type description struct {
	Name          string                     `json:"name"`
	Version       string                     `json:"version"`
	Kind          string                     `json:"kind"`
	WeightsSHA256 string                     `json:"weights_sha256"`
	Created       *time.Time                 `json:"created,omitempty"`
	Labels        map[string]string          `json:"labels,omitempty"`
	Figures       map[string]float64         `json:"figures,omitempty"` // of its evaluation
	Classes       []string                   `json:"classes,omitempty"`
	Inputs        []predictor.Input          `json:"inputs"`
	Example       map[string]json.RawMessage `json:"example"` // an instance
}

func describe(v *version) *description {
	d := &description{
		Name: v.Name, Version: v.Version.Version, Kind: v.Kind, WeightsSHA256: v.WeightsSHA256, Labels: v.Labels,
		Classes: v.predictor.Classes(), Inputs: v.predictor.Inputs(), Example: map[string]json.RawMessage{},
	}
	if !v.Created.IsZero() {
		d.Created = &v.Created
	}
	if v.Evaluation != nil {
		d.Figures = v.Evaluation.Figures
	}
	for _, input := range d.Inputs {
		if input.Example != "" {
			d.Example[input.Name] = exampleValue(input)
		}
	}
	return d
}

// exampleValue is an example as JSON.
func exampleValue(input predictor.Input) json.RawMessage {
	if input.Type == "number" {
		return json.RawMessage(input.Example)
	}
	data, _ := json.Marshal(input.Example) // a string
	return data
}

// listModels answers GET /v1/models.
func (s *Server) listModels(w http.ResponseWriter, _ *http.Request) error {
	all := struct {
		Models []*description `json:"models"`
	}{[]*description{}}
	for _, m := range s.catalog.list() {
		all.Models = append(all.Models, describe(m.current.Load()))
	}
	return writeJSON(w, http.StatusOK, all)
}

// describeModel answers GET /v1/models/NAME[/versions/V].
func (s *Server) describeModel(w http.ResponseWriter, r *http.Request) error {
	v, err := s.catalog.find(r.Context(), r.PathValue("name"), r.PathValue("version"))
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, describe(v))
}

// readMetrics answers GET /metrics.
func (s *Server) readMetrics(w http.ResponseWriter, r *http.Request) error {
	s.metrics.handler().ServeHTTP(w, r)
	return nil
}
