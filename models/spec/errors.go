package spec

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"
)

// An Error is one complaint about a spec, at a position in its file.
type Error struct {
	File         string
	Line, Column int // from 1; 0 when the Spec was not read from a file
	Message      string
}

func (e *Error) Error() string {
	if e.Line == 0 {
		return e.Message
	}
	return fmt.Sprintf("%s:%d:%d: %s", e.File, e.Line, e.Column, e.Message)
}

// Errors are all complaints about a spec, in the order of their positions.
type Errors []*Error

// mostShown is how many complaints an error's text has.
const mostShown = 20

// Error is one complaint a line, up to some.
func (e Errors) Error() string {
	var lines []string
	for _, err := range e[:min(len(e), mostShown)] {
		lines = append(lines, err.Error())
	}
	if more := len(e) - mostShown; more > 0 {
		lines = append(lines, fmt.Sprintf("and %d more", more))
	}
	return strings.Join(lines, "\n")
}

// Unwrap returns the single complaints.
func (e Errors) Unwrap() []error {
	all := make([]error, len(e))
	for i, err := range e {
		all[i] = err
	}
	return all
}

// source is a parsed file: it knows where each value stands and gathers the
// complaints about them.
type source struct {
	file string
	root *yaml.Node
}

// complain makes a complaint at a node.
func (s *source) complain(at *yaml.Node, format string, args ...any) *Error {
	return &Error{File: s.file, Line: at.Line, Column: at.Column, Message: fmt.Sprintf(format, args...)}
}

// find follows keys and, in lists, decimal indices from a node, as far as the
// file goes. It returns the last node reached and whether that is the whole path.
func find(from *yaml.Node, path []string) (*yaml.Node, bool) {
	for _, name := range path {
		next := child(from, name)
		if next == nil {
			return from, false
		}
		from = next
	}
	return from, true
}

func child(n *yaml.Node, name string) *yaml.Node {
	switch n.Kind {
	case yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			if n.Content[i].Value == name {
				return n.Content[i+1]
			}
		}
	case yaml.SequenceNode:
		if i, err := strconv.Atoi(name); err == nil && i >= 0 && i < len(n.Content) {
			return n.Content[i]
		}
	}
	return nil
}

// list is the complaints gathered so far.
type list struct {
	*source
	errors   Errors
	misspelt []misspelling
}

// A misspelling is a key that a mapping has in another spelling.
type misspelling struct {
	mapping *yaml.Node
	key     string
}

// lacks tells whether a mapping has a key in no spelling. What is no mapping
// lacks nothing: that complaint has been made.
func (l *list) lacks(mapping *yaml.Node, key string) bool {
	return mapping.Kind == yaml.MappingNode && child(mapping, key) == nil &&
		!slices.Contains(l.misspelt, misspelling{mapping, key})
}

// at complains about the value that stands at the path, or where it should. One
// complaint about a value is enough: what follows from it would only distract.
func (l *list) at(path []string, format string, args ...any) {
	node, found := find(l.root, path)
	if !found || !slices.ContainsFunc(l.errors, func(e *Error) bool { return e.Line == node.Line && e.Column == node.Column }) {
		l.node(node, format, args...)
	}
}

func (l *list) node(n *yaml.Node, format string, args ...any) {
	l.errors = append(l.errors, l.complain(n, format, args...))
}

// err returns what was gathered, by position, or nil.
func (l *list) err() error {
	if len(l.errors) == 0 {
		return nil
	}
	slices.SortStableFunc(l.errors, func(a, b *Error) int {
		if a.Line != b.Line {
			return a.Line - b.Line
		}
		return a.Column - b.Column
	})
	return l.errors
}

// Errorf makes an error at the position of the value that path leads to: keys
// and, in lists, decimal indices ("features", "0", "buckets"). Where the file
// has no such value the position is that of the nearest one around it.
func (s *Spec) Errorf(path []string, format string, args ...any) error {
	src := s.positions()
	node, _ := find(src.root, path)
	return src.complain(node, format, args...)
}

// positions is the spec's file, or one without any for a Spec made by hand.
func (s *Spec) positions() *source {
	if s.source == nil {
		return &source{root: &yaml.Node{}}
	}
	return s.source
}
