package serve

import (
	"fmt"
	"net/http"
	"slices"
	"sync"

	"github.com/penstock-ml/penstock/models/predictor"
)

// mostExplained is how many instances of one request may be explained: each takes as long as some hundred predictions.
const mostExplained = 100

// explainers are those of one version, made when they are first needed. Of requests that want more at a time than there
// are cores, some wait.
type explainers struct {
	turns chan struct{}
	mu    sync.Mutex
	idle  []*predictor.Explainer
}

func newExplainers(most int) *explainers { return &explainers{turns: make(chan struct{}, most)} }

func (e *explainers) get(p *predictor.Predictor) (*predictor.Explainer, error) {
	e.turns <- struct{}{}
	e.mu.Lock()
	defer e.mu.Unlock()
	if n := len(e.idle); n > 0 {
		x := e.idle[n-1]
		e.idle = e.idle[:n-1]
		return x, nil
	}
	x, err := p.NewExplainer()
	if err != nil {
		<-e.turns
	}
	return x, err
}

func (e *explainers) put(x *predictor.Explainer) {
	e.mu.Lock()
	e.idle = append(e.idle, x)
	e.mu.Unlock()
	<-e.turns
}

// explained is a request for predictions with explanations.
type explained struct {
	*prediction
	outputs [][]float32
	keys    [][]byte
}

func (e *explained) write(_ *predictor.Predictor, i int, r *predictor.Result) {
	if e.err == nil && r.Err != nil {
		e.err = badRequest(fmt.Errorf("instances[%d]: %w", i, r.Err))
	}
	e.outputs, e.keys = append(e.outputs, slices.Clone(r.Outputs)), append(e.keys, append([]byte(nil), r.Key...))
	if r.Key == nil {
		e.keys[i] = nil
	}
}

// explain predicts the instances of a parsed body and explains each.
func (s *Server) explain(v *version, p *prediction) error {
	if p.rows() > mostExplained {
		return &statusError{http.StatusRequestEntityTooLarge, fmt.Sprintf("the request has %d instances, and up to %d are explained at a time", p.rows(), mostExplained)}
	}
	e := &explained{prediction: p}
	if err := v.batcher.do(e); err != nil {
		return err
	}
	if p.err != nil {
		return p.err
	}
	x, err := v.explainers.get(v.predictor)
	if err != nil {
		return err
	}
	defer v.explainers.put(x)
	l := newLane(v.predictor, nil)
	for i := range p.rows() {
		if i > 0 {
			p.answer = append(p.answer, ',')
		}
		fields, err := p.read(l, i)
		if err != nil {
			return err // not reached: it has been read before
		}
		explanation, err := x.Explain(fields, e.outputs[i])
		if err != nil {
			return fmt.Errorf("instances[%d]: %w", i, err)
		}
		p.answer = v.predictor.AppendExplained(p.answer, e.outputs[i], e.keys[i], explanation)
	}
	return nil
}
