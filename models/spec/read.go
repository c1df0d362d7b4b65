package spec

import (
	"bytes"
	"errors"
	"strings"
	"unicode"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"
)

// read turns a file into nodes, and refuses what a spec may not contain
// wherever it stands. Only a syntax error leaves no root.
func read(file string, data []byte) (*source, error) {
	src := &source{file: file}
	if err := src.checkText(data); err != nil {
		return nil, Errors{err}
	}
	var documents []yaml.Node
	if err := yaml.Load(data, &documents, yaml.WithAllDocuments()); err != nil {
		return nil, Errors{src.syntax(err)}
	}
	if len(documents) == 0 || len(documents[0].Content) == 0 {
		return nil, Errors{src.complain(&yaml.Node{Line: 1, Column: 1}, "the file is empty; it should start with %q", "version: 1")}
	}
	src.root = documents[0].Content[0]
	found := &list{source: src}
	for _, extra := range documents[1:] {
		found.node(&extra, "a second document begins here; a spec is one document")
	}
	found.refuse(src.root)
	return src, found.err()
}

// checkText finds what YAML cannot contain, which the library reports without
// a position.
func (s *source) checkText(data []byte) *Error {
	for i := 0; i < len(data); {
		r, size := utf8.DecodeRune(data[i:])
		at := yaml.Node{
			Line:   bytes.Count(data[:i], []byte("\n")) + 1,
			Column: utf8.RuneCount(data[bytes.LastIndexByte(data[:i], '\n')+1:i]) + 1,
		}
		switch {
		case r == utf8.RuneError && size == 1:
			return s.complain(&at, "byte 0x%02x is not UTF-8; save the file as UTF-8", data[i])
		case unicode.IsControl(r) && r != '\t' && r != '\n' && r != '\r':
			return s.complain(&at, "control character %U is not allowed; remove it, or write it as an escape in double quotes", r)
		}
		i += size
	}
	return nil
}

// syntax rewords the library's error, which is a list or a single one.
func (s *source) syntax(err error) *Error {
	var one *yaml.LoadError
	var all *yaml.LoadErrors
	if errors.As(err, &all) && len(all.Errors) > 0 {
		one = all.Errors[0]
	} else if !errors.As(err, &one) {
		return s.complain(&yaml.Node{Line: 1, Column: 1}, "not YAML: %v", err)
	}
	at := &yaml.Node{Line: max(one.Mark.Line, 1), Column: max(one.Mark.Column, 1)}
	context := ""
	if one.ContextMsg != "" {
		context = " " + one.ContextMsg
	}
	return s.complain(at, "not YAML: %s%s", strings.TrimPrefix(one.Message, "yaml: "), context)
}

// refuse complains about aliases, anchors, tags, merges, keys that are no texts
// and keys that stand twice.
func (l *list) refuse(n *yaml.Node) {
	switch {
	case n.Kind == yaml.AliasNode:
		l.node(n, "aliases are not allowed in a spec; write the value of *%s out", n.Value)
		return
	case n.Anchor != "":
		l.node(n, "anchors are not allowed in a spec; remove &%s", n.Anchor)
	case n.Style&yaml.TaggedStyle != 0:
		l.node(n, "tags are not allowed in a spec; remove %s", n.Tag)
	}
	if n.Kind == yaml.MappingNode {
		l.refuseKeys(n)
	}
	for _, c := range n.Content {
		l.refuse(c)
	}
}

func (l *list) refuseKeys(n *yaml.Node) {
	first := map[string]*yaml.Node{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		if key.Kind != yaml.ScalarNode {
			l.node(key, "a key must be a text, not %s", describe(key))
			continue
		}
		if isMerge(key) {
			l.node(key, "merge keys are not allowed in a spec; write the values out")
			continue
		}
		if before, ok := first[key.Value]; ok {
			l.node(key, "key %q stands twice, first in line %d; remove one", key.Value, before.Line)
			continue
		}
		first[key.Value] = key
	}
}

func isMerge(key *yaml.Node) bool { return key.ShortTag() == "!!merge" }
