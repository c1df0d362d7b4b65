package serve

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/penstock-ml/penstock/models/predictor"
)

// versionHeader tells which version answered.
const versionHeader = "Penstock-Model-Version"

// prediction is a request in AI Platform's form, and its answer. Its memory is used again.
type prediction struct {
	predictor.Request
	body   []byte
	answer []byte
	err    error // of the first instance that has no prediction
}

var predictions = sync.Pool{New: func() any { return &prediction{} }}

// keptBytes is how large a request's memory may be that is kept for another.
const keptBytes = 1 << 20

func (p *prediction) free() {
	if cap(p.body)+cap(p.answer) <= keptBytes {
		predictions.Put(p)
	}
}

func (p *prediction) rows() int { return len(p.Instances) }

func (p *prediction) read(l *lane, i int) ([][]byte, error) {
	return l.fields, l.decoder.Decode(p.Instances[i], l.fields)
}

func (p *prediction) write(model *predictor.Predictor, i int, r *predictor.Result) {
	if p.err == nil && r.Err != nil {
		p.err = badRequest(fmt.Errorf("instances[%d]: %w", i, r.Err))
	}
	if p.err != nil {
		return
	}
	if i > 0 {
		p.answer = append(p.answer, ',')
	}
	p.answer = model.AppendJSON(p.answer, r.Outputs, r.Key)
}

// predict answers POST /v1/models/NAME[/versions/V]:predict.
func (s *Server) predict(w http.ResponseWriter, r *http.Request) error {
	name, version, action := target(r.URL.Path)
	if action != "predict" {
		return &statusError{http.StatusNotFound, fmt.Sprintf("there is nothing to POST to at %s: use %s:predict", r.URL.Path, strings.TrimSuffix(r.URL.Path, ":"+action))}
	}
	v, err := s.catalog.find(r.Context(), name, version)
	if err != nil {
		return err
	}
	p := predictions.Get().(*prediction)
	defer p.free()
	var release func()
	p.body, release, err = s.readBody(w, r, p.body[:0])
	defer release()
	if err != nil {
		return err
	}
	began := time.Now()
	err = s.answer(v, p)
	v.metrics.observe(began, len(p.Instances), err != nil)
	if err != nil {
		return err
	}
	w.Header()[versionHeader] = v.header
	return writeBody(w, http.StatusOK, p.answer)
}

const modelsPath = "/v1/models/"

// target is what a path names: /v1/models/NAME:ACTION or /v1/models/NAME/versions/VERSION:ACTION.
func target(path string) (name, version, action string) {
	name, version, _ = strings.Cut(strings.TrimPrefix(path, modelsPath), "/versions/")
	if version == "" {
		name, action, _ = strings.Cut(name, ":")
	} else {
		version, action, _ = strings.Cut(version, ":")
	}
	return name, version, action
}

// answer predicts the instances of a body.
func (s *Server) answer(v *version, p *prediction) error {
	if err := p.Parse(p.body); err != nil {
		return badRequest(err)
	}
	if err := s.checkInstances(p.rows()); err != nil {
		return err
	}
	p.answer, p.err = append(p.answer[:0], `{"predictions":[`...), nil
	do := func() error { return v.batcher.do(p) }
	if p.Explain {
		do = func() error { return s.explain(v, p) }
	}
	if err := do(); err != nil {
		return err
	}
	p.answer = append(p.answer, "]}\n"...)
	return p.err
}

func (s *Server) checkInstances(n int) error {
	if n > s.options.MaxInstances {
		return &statusError{http.StatusRequestEntityTooLarge, fmt.Sprintf("the request has %d instances, and up to %d are taken: send several requests", n, s.options.MaxInstances)}
	}
	return nil
}
