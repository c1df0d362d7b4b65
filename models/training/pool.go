package training

import "sync"

// pool keeps states and contributions that nobody reads any more, so that a round needs no new memory. Only who runs
// rounds knows when that is: see Trainer.Retire.
type pool struct {
	mu            sync.Mutex
	states        []*State
	contributions []*Contribution
	scratch       []*updateScratch
	replicas      []*replica
}

// Retire gives the trainer the memory of a total and of the state that it was applied to, which nobody may read any
// more. It is for runners that pass elements by reference and run each round once. A state that Keep was called for stays
// as it is.
func (t *Trainer) Retire(state *State, total *Contribution) {
	t.pool.mu.Lock()
	defer t.pool.mu.Unlock()
	if !state.kept {
		t.pool.states = append(t.pool.states, state)
	}
	t.pool.contributions = append(t.pool.contributions, total)
}

// Keep marks a state as one that outlives its round, such as the one between two segments.
func (s *State) Keep() { s.kept = true }

// Release gives the trainer the memory of a state that was kept, which nobody may read any more.
func (t *Trainer) Release(state *State) {
	t.pool.mu.Lock()
	defer t.pool.mu.Unlock()
	t.pool.states = append(t.pool.states, state)
}

// newState returns a state whose vectors have the right lengths and any content.
func (t *Trainer) newState() *State {
	t.pool.mu.Lock()
	defer t.pool.mu.Unlock()
	if n := len(t.pool.states); n > 0 {
		s := t.pool.states[n-1]
		t.pool.states = t.pool.states[:n-1]
		s.kept = false
		return s
	}
	return &State{Weights: make([]float32, t.arrangement.Total), Slots: make([]float32, t.slots)}
}

// newContribution returns the sum over no shards.
func (t *Trainer) newContribution() *Contribution {
	t.pool.mu.Lock()
	defer t.pool.mu.Unlock()
	if n := len(t.pool.contributions); n > 0 {
		c := t.pool.contributions[n-1]
		t.pool.contributions = t.pool.contributions[:n-1]
		*c = Contribution{Dense: c.Dense[:0]}
		return c
	}
	return &Contribution{}
}

func (t *Trainer) takeScratch() *updateScratch {
	t.pool.mu.Lock()
	defer t.pool.mu.Unlock()
	if n := len(t.pool.scratch); n > 0 {
		s := t.pool.scratch[n-1]
		t.pool.scratch = t.pool.scratch[:n-1]
		return s
	}
	return t.newScratch()
}

func (t *Trainer) returnScratch(s *updateScratch) {
	t.pool.mu.Lock()
	defer t.pool.mu.Unlock()
	t.pool.scratch = append(t.pool.scratch, s)
}
