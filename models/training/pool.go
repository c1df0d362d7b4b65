package training

import "sync"

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

// pool keeps the memory of rounds, so that a round needs next to none of its own. Only who runs rounds knows when nobody
// reads a state or a total any more: see Trainer.Retire.
type pool struct {
	states        freeList[*State]
	contributions freeList[*Contribution]
	gradients     freeList[[]float32] // for blocks of gradients
	updates       freeList[*updateScratch]
	replicas      freeList[*replica]
}

// Retire gives the trainer the memory of a total and of the state that it was applied to, which nobody may read any
// more. It is for runners that pass elements by reference and run each round once. A state that Keep was called for stays
// as it is.
func (t *Trainer) Retire(state *State, total *Contribution) {
	if !state.kept {
		t.pool.states.put(state)
	}
	t.pool.contributions.put(total)
}

// Keep marks a state as one that outlives its round, such as the one between two segments.
func (s *State) Keep() { s.kept = true }

// Release gives the trainer the memory of a state that was kept, which nobody may read any more.
func (t *Trainer) Release(state *State) { t.pool.states.put(state) }

// newState returns a state whose vectors have the right lengths and any content.
func (t *Trainer) newState() *State {
	if s, ok := t.pool.states.take(); ok {
		s.kept = false
		return s
	}
	return &State{Weights: make([]float32, t.arrangement.Total), Slots: make([]float32, t.slots)}
}

// newContribution returns the sum over no shards.
func (t *Trainer) newContribution() *Contribution {
	if c, ok := t.pool.contributions.take(); ok {
		*c = Contribution{Dense: c.Dense[:0]}
		return c
	}
	return &Contribution{}
}
