package spec

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"
)

// A Section is the part of a spec that belongs to a kind of model. Its mapping
// stays as it was written; the kind decodes and checks it.
type Section struct {
	Kind string // the registered name of the model kind

	source *source    // nil for a Section made by NewSection
	node   *yaml.Node // the mapping, its kind included; nil when there is nothing but the kind
}

// NewSection makes a section from a struct with yaml tags, as Decode reads it.
func NewSection(kind string, config any) (Section, error) {
	s := Section{Kind: kind}
	if config == nil {
		return s, nil
	}
	data, err := yaml.Dump(config)
	if err != nil {
		return Section{}, fmt.Errorf("cannot write the section of a %s model: %w", kind, err)
	}
	src, err := read("", data)
	if err != nil {
		return Section{}, fmt.Errorf("cannot write the section of a %s model: %w", kind, err)
	}
	s.node = src.root
	return s, nil
}

// Decode fills the struct that into points to from the section's keys, besides
// "kind", by its yaml tags. A key that is absent leaves its field as it is, so
// the caller sets defaults first. Fields may be strings, bools, ints, int64s,
// float64s, and structs, slices and string-keyed maps of these. Unknown keys,
// wrong types and duplicates are complaints with positions, all in one error.
func (s *Section) Decode(into any) error {
	if s.node == nil {
		return nil
	}
	complaints := &list{source: s.where()}
	d := decoder{list: complaints, section: s.node}
	d.decodeRoot(s.node, "model", into)
	return complaints.err()
}

// Errorf makes an error at the position of a value inside the section: keys
// and, in lists, decimal indices ("deep", "embedding", "0"). Where the section
// has no such value the position is that of the nearest one around it.
func (s *Section) Errorf(path []string, format string, args ...any) error {
	if s.node == nil {
		return &Error{Message: fmt.Sprintf(format, args...)}
	}
	node, _ := find(s.node, path)
	return s.where().complain(node, format, args...)
}

func (s *Section) where() *source {
	if s.source == nil {
		return &source{root: s.node}
	}
	return s.source
}

// Equal tells whether two sections mean the same, wherever they stand and
// however they are written.
func (s Section) Equal(t Section) bool {
	a, errA := yaml.Dump(s.canonical())
	b, errB := yaml.Dump(t.canonical())
	return errA == nil && errB == nil && bytes.Equal(a, b)
}

// MarshalYAML implements the library's interface.
func (s Section) MarshalYAML() (any, error) { return s.canonical(), nil }

// canonical is the section with its kind first and its other keys sorted.
func (s Section) canonical() *yaml.Node {
	kind := []*yaml.Node{textNode("kind"), textNode(s.Kind)}
	if s.node == nil {
		return &yaml.Node{Kind: yaml.MappingNode, Content: kind}
	}
	c := canonical(s.node)
	for i := 0; i < len(c.Content); i += 2 {
		if c.Content[i].Value == "kind" {
			c.Content = slices.Delete(c.Content, i, i+2)
			break
		}
	}
	c.Content = append(kind, c.Content...)
	return c
}

// canonical copies a node without comments and style, its keys sorted. Its tag
// keeps a quoted number a text: the library quotes what would be read otherwise.
func canonical(n *yaml.Node) *yaml.Node {
	c := &yaml.Node{Kind: n.Kind, Tag: n.Tag, Value: n.Value}
	for _, child := range n.Content {
		c.Content = append(c.Content, canonical(child))
	}
	if n.Kind == yaml.MappingNode {
		sortKeys(c)
	}
	return c
}

func sortKeys(n *yaml.Node) {
	pairs := slices.Collect(slices.Chunk(n.Content, 2))
	slices.SortFunc(pairs, func(a, b []*yaml.Node) int { return strings.Compare(a[0].Value, b[0].Value) })
	n.Content = slices.Concat(pairs...)
}

func textNode(s string) *yaml.Node {
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: s}
}
