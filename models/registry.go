package models

import (
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/penstock-ml/penstock/models/features"
	"github.com/penstock-ml/penstock/models/spec"
)

var registry = struct {
	sync.RWMutex
	kinds map[string]Kind
}{kinds: map[string]Kind{}}

// Register makes a kind of model known by the name that specs use for it. It
// is meant for init functions, and panics when the name is taken.
func Register(name string, k Kind) {
	registry.Lock()
	defer registry.Unlock()
	if _, taken := registry.kinds[name]; taken {
		panic(fmt.Sprintf("models: the kind %q is registered twice", name))
	}
	registry.kinds[name] = k
}

// Kinds lists the registered names, sorted.
func Kinds() []string {
	registry.RLock()
	defer registry.RUnlock()
	names := make([]string, 0, len(registry.kinds))
	for name := range registry.kinds {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// New builds the model of a spec for the features fitted to its data.
func New(s *spec.Spec, f *features.Fitted) (Model, error) { return build(s, f.Layout(s)) }

// Check finds what is wrong with the model section of a spec before its data is
// read.
func Check(s *spec.Spec) error {
	_, err := build(s, features.Outline(s))
	return err
}

func build(s *spec.Spec, layout *features.Layout) (Model, error) {
	registry.RLock()
	k, ok := registry.kinds[s.Model.Kind]
	registry.RUnlock()
	if !ok {
		return nil, s.Model.Errorf([]string{"kind"}, "model.kind %q is not known to this program: it knows %s",
			s.Model.Kind, strings.Join(Kinds(), ", "))
	}
	return k.New(s, layout)
}

// CheckGroups fails when a group of parameters has no optimizer in the spec.
func CheckGroups(s *spec.Spec, params []Param) error {
	for _, p := range params {
		if _, ok := s.Training.Optimizer[p.Group]; !ok {
			return s.Model.Errorf(nil, "the model has parameters of the group %q: add training.optimizer.%s to the spec",
				p.Group, p.Group)
		}
	}
	return nil
}
