package serve

import (
	"net/http"
	"time"

	"github.com/penstock-ml/penstock/models/predictor"
)

// The Open Inference Protocol, version 2 (github.com/kserve/open-inference-protocol): a tensor a column.

// tensorInfo describes an input or an output.
type tensorInfo struct {
	Name     string `json:"name"`
	Datatype string `json:"datatype"`
	Shape    []int  `json:"shape"`
}

// outputs are what a model gives for n rows.
func outputs(p *predictor.Predictor, n int) []tensorInfo {
	var all []tensorInfo
	for _, output := range p.Outputs() {
		shape := []int{n}
		if output.Width > 0 {
			shape = append(shape, output.Width)
		}
		all = append(all, tensorInfo{output.Name, output.Type, shape})
	}
	if p.Spec().Key != "" {
		all = append(all, tensorInfo{"key", "BYTES", []int{n}})
	}
	return all
}

func inputs(p *predictor.Predictor) (all []tensorInfo) {
	for _, input := range p.Inputs() {
		datatype := "BYTES"
		if input.Type == "number" {
			datatype = "FP64"
		}
		all = append(all, tensorInfo{input.Name, datatype, []int{-1}})
	}
	return all
}

func (s *Server) serverMetadata(w http.ResponseWriter, _ *http.Request) error {
	return writeJSON(w, http.StatusOK, map[string]any{"name": "penstock", "version": "2", "extensions": []string{"model_repository"}})
}

func (s *Server) modelMetadata(w http.ResponseWriter, r *http.Request) error {
	v, err := s.catalog.find(r.Context(), r.PathValue("name"), r.PathValue("version"))
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, map[string]any{
		"name": v.Name, "versions": []string{v.Version.Version}, "platform": "penstock_" + v.Kind,
		"inputs": inputs(v.predictor), "outputs": outputs(v.predictor, -1),
	})
}

func (s *Server) live(w http.ResponseWriter, _ *http.Request) error {
	return writeJSON(w, http.StatusOK, map[string]bool{"live": true})
}

// ready tells whether requests should be sent here: there are models, and the server is not about to end.
func (s *Server) ready(w http.ResponseWriter, _ *http.Request) error {
	ready := !s.draining.Load() && len(s.catalog.list()) > 0
	status := http.StatusOK
	if !ready {
		status = http.StatusServiceUnavailable
	}
	return writeJSON(w, status, map[string]bool{"ready": ready})
}

func (s *Server) modelReady(w http.ResponseWriter, r *http.Request) error {
	v, err := s.catalog.find(r.Context(), r.PathValue("name"), r.PathValue("version"))
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, map[string]any{"name": v.Name, "ready": true})
}

func (s *Server) repositoryIndex(w http.ResponseWriter, _ *http.Request) error {
	all := []map[string]string{}
	for _, m := range s.catalog.list() {
		all = append(all, map[string]string{"name": m.name, "version": m.current.Load().Version.Version, "state": "READY"})
	}
	return writeJSON(w, http.StatusOK, all)
}

// loadModel looks for a new default version. Once it has answered, every new request is predicted by that version.
func (s *Server) loadModel(w http.ResponseWriter, r *http.Request) error {
	name := r.PathValue("name")
	if err := s.catalog.refreshModel(r.Context(), name); err != nil {
		return err
	}
	v, err := s.catalog.find(r.Context(), name, "")
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, map[string]string{"name": name, "version": v.Version.Version})
}

// infer answers POST /v2/models/NAME[/versions/V]/infer.
func (s *Server) infer(w http.ResponseWriter, r *http.Request) error {
	v, err := s.catalog.find(r.Context(), r.PathValue("name"), r.PathValue("version"))
	if err != nil {
		return err
	}
	body, release, err := s.readBody(w, r, nil)
	defer release()
	if err != nil {
		return err
	}
	began := time.Now()
	f := &inference{}
	err = f.parse(body, v.predictor)
	if err == nil {
		err = s.checkInstances(f.n)
	}
	if err == nil {
		err = v.batcher.do(f)
	}
	if err == nil {
		err = f.err
	}
	v.metrics.observe(began, f.n, err != nil)
	if err != nil {
		return err
	}
	w.Header()[versionHeader] = v.header
	return writeBody(w, http.StatusOK, f.answer(v))
}
