package training

import (
	"fmt"
	"slices"

	"github.com/penstock-ml/penstock/models/saved"
)

// Tensors names the parts of a state for a checkpoint: each parameter by its name and each of its optimizer's slots by
// the name with "/slot_0" and so on; likewise the outer optimizer's velocity, and the weights of earlier rounds. They
// share the state's memory.
func (t *Trainer) Tensors(s *State) []saved.Tensor {
	tensors := t.Weights(s)
	for i := range t.rules {
		r := &t.rules[i]
		for j, slot := range r.slotsOf(s.Slots) {
			tensors = append(tensors, saved.Tensor{Name: r.slotName(j), Shape: r.param.Shape, Data: slot})
		}
	}
	if t.job.Strategy.Outer.momentum() {
		tensors = append(tensors, t.named(s.Slots[t.slots:], "/outer_velocity")...)
	}
	for i, weights := range s.Past {
		tensors = append(tensors, t.named(weights, fmt.Sprintf("/past_%d", i+1))...)
	}
	return tensors
}

// Weights names the parameters of a state, for an export.
func (t *Trainer) Weights(s *State) []saved.Tensor { return t.named(s.Weights, "") }

// named names the parts of a vector that is laid out as the weights are: the parameters' names with a suffix.
func (t *Trainer) named(vector []float32, suffix string) []saved.Tensor {
	var tensors []saved.Tensor
	for i := range t.rules {
		r := &t.rules[i]
		tensors = append(tensors, saved.Tensor{Name: r.param.Name + suffix, Shape: r.param.Shape, Data: r.weightsOf(vector)})
	}
	return tensors
}

// State makes the state of a step from a checkpoint's tensors, all of which must be there with their shapes.
func (t *Trainer) State(step int64, tensors []saved.Tensor) (*State, error) {
	byName := make(map[string]saved.Tensor, len(tensors))
	for _, tensor := range tensors {
		byName[tensor.Name] = tensor
	}
	s := &State{Step: step, Weights: make([]float32, t.arrangement.Total), Slots: make([]float32, t.allSlots())}
	for range min(step, int64(t.job.Strategy.Staleness)) {
		s.Past = append(s.Past, make([]float32, t.arrangement.Total))
	}
	for _, want := range t.Tensors(s) {
		got, ok := byName[want.Name]
		if !ok {
			return nil, fmt.Errorf("the checkpoint of step %d has no tensor %q: it is of another model", step, want.Name)
		}
		if !slices.Equal(got.Shape, want.Shape) {
			return nil, fmt.Errorf("the checkpoint's tensor %q has the shape %v instead of %v: it is of another model", want.Name, got.Shape, want.Shape)
		}
		copy(want.Data, got.Data)
	}
	return s, nil
}

func (r *rule) weightsOf(all []float32) []float32 { return all[r.param.Offset : r.param.Offset+r.size] }

func (r *rule) slotName(i int) string { return fmt.Sprintf("%s/slot_%d", r.param.Name, i) }
