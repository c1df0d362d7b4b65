package training

import (
	"slices"
	"sync"

	"github.com/penstock-ml/penstock/models/plan"
)

// A freeList has what nobody uses any more, to be used again. The zero value is empty and ready.
type freeList[T any] struct {
	mu   sync.Mutex
	free []T
}

// take returns the element that was put last, whose memory is the warmest.
func (l *freeList[T]) take() (x T, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.free) == 0 {
		return x, false
	}
	last := len(l.free) - 1
	x, l.free = l.free[last], l.free[:last]
	return x, true
}

func (l *freeList[T]) put(x ...T) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.free = append(l.free, x...)
}

// putBack puts what was taken one after the other, so that the next ones to be taken are the same in the same order: a
// core that takes the same turn each time finds its cache filled with them.
func (l *freeList[T]) putBack(taken []T) {
	for _, x := range slices.Backward(taken) {
		l.put(x)
	}
}

// pool keeps the memory of rounds, so that a round needs next to none of its own. Only who runs rounds knows when nobody
// reads a state or a total any more: see Trainer.Advance.
type pool struct {
	states        freeList[*State]
	contributions freeList[*Contribution]
	blocks        freeList[[]*blockScratch] // by worker
	means         freeList[[]float32]       // of weights and slots
	updates       freeList[*updateScratch]
	replicas      freeList[*replica]

	mu    sync.Mutex
	aging []*State // that shards may read for some more rounds, the oldest first
}

// outlive lets a state be read for so many more rounds before its memory serves again.
func (p *pool) outlive(s *State, rounds int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.aging = append(p.aging, s)
	for len(p.aging) > rounds {
		if oldest := p.aging[0]; !oldest.kept {
			p.states.put(oldest)
		}
		p.aging = p.aging[1:]
	}
}

// Keep marks a state as one that outlives its round, such as the one between two segments.
func (s *State) Keep() { s.kept = true }

// Release gives the part the memory of a state that was kept, which nobody may read any more.
func (p *ParameterShard) Release(state *State) { p.pool.states.put(state) }

// newState returns a state whose vectors have the right lengths and any content.
func (p *ParameterShard) newState() *State {
	if s, ok := p.pool.states.take(); ok {
		s.kept, s.Past = false, nil
		return s
	}
	return &State{Weights: make([]float32, p.total), Slots: make([]float32, p.allSlots())}
}

// newContribution returns the sum over no shards.
func (t *Trainer) newContribution() *Contribution {
	c, ok := t.pool.contributions.take()
	if !ok {
		c = &Contribution{}
	}
	*c = Contribution{Dense: c.Dense[:0], compact: c.compact[:0], gradients: c.gradients}
	if c.gradients == nil { // not one of a summation
		c.gradients = plan.NewGradients(t.arrangement)
	}
	return c
}
