package predictor

import "sync"

// Pool keeps the scorers of one predictor between uses, since to make one is to
// compile its plans. Any number of goroutines may use it.
type Pool struct {
	predictor *Predictor
	batch     int

	mu   sync.Mutex
	idle []*Scorer
}

// NewPool makes a pool of scorers with batches of the given size, 0 for
// DefaultBatch.
func NewPool(p *Predictor, batch int) *Pool { return &Pool{predictor: p, batch: batch} }

// Predictor returns the predictor that the pool's scorers are of.
func (p *Pool) Predictor() *Predictor { return p.predictor }

// Get returns an idle scorer, or a new one.
func (p *Pool) Get() (*Scorer, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if n := len(p.idle); n > 0 {
		s := p.idle[n-1]
		p.idle = p.idle[:n-1]
		return s, nil
	}
	return p.predictor.NewScorer(p.batch)
}

// Put takes a scorer back. One that failed in the middle of a batch is emptied.
func (p *Pool) Put(s *Scorer) {
	s.reset()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.idle = append(p.idle, s)
}
