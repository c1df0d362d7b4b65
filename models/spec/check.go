package spec

import (
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"
)

// path makes a path of keys and indices.
func path(elem ...any) []string {
	names := make([]string, len(elem))
	for i, e := range elem {
		names[i] = fmt.Sprint(e)
	}
	return names
}

// check complains about values that could be read and make no sense.
func (s *Spec) check(l *list) {
	l.required("version")
	if _, found := find(l.root, path("version")); found && s.Version != Version {
		l.at(path("version"), "version is %d; this program reads version %d", s.Version, Version)
	}
	l.required("name")
	l.required("model", "kind")
	s.checkData(l)
	s.checkFeatures(l)
	s.checkTraining(l)
	s.checkColumns(l)
}

func (s *Spec) checkData(l *list) {
	d := &s.Data
	l.oneOf(path("data", "format"), d.Format, []string{FormatCSV, FormatJSONL})
	if d.Format == FormatJSONL {
		for _, key := range []string{"delimiter", "header", "multiline"} {
			l.without(path("data"), key, "data.format is jsonl, which has no %s; remove the key")
		}
	} else if len(d.Delimiter) != 1 || strings.ContainsAny(d.Delimiter, "\"\r\n") || d.Delimiter >= "\x80" {
		l.at(path("data", "delimiter"), "data.delimiter must be one ASCII character that is no quote and no line break, not %q", d.Delimiter)
	}
	for i, m := range d.Missing {
		l.trimmed(path("data", "missing", i), m, d.KeepSpace)
	}
	l.distinct(path("data", "columns"), d.Columns)
	l.required("label", "column")
	s.checkLabelKind(l)
	l.distinct(path("label", "classes"), s.Label.Classes)
	for i, c := range s.Label.Classes {
		l.trimmed(path("label", "classes", i), c, d.KeepSpace)
		if slices.Contains(d.Missing, c) {
			l.at(path("label", "classes", i), "label.classes has %q, which data.missing says is no value; remove one of them", c)
		}
	}
}

func (s *Spec) checkLabelKind(l *list) {
	n := len(s.Label.Classes)
	switch at := path("label", "classes"); {
	case !l.oneOf(path("label", "kind"), s.Label.Kind, []string{Classification, Regression}):
	case s.Label.Kind == Regression:
		l.without(path("label"), "classes", "label.kind is regression, which has no %s; remove one of them")
	case n == 1:
		l.at(at, "label.classes has 1 element; name all classes, of two the negative one first, or leave it out")
	case n > MostClasses:
		l.at(at, "label.classes has %d elements; there may be at most %d", n, MostClasses)
	}
}

// trimmed complains about a text that values, being trimmed, never equal.
func (l *list) trimmed(p []string, text string, keepSpace bool) {
	if trimmed := strings.Trim(text, asciiSpace); !keepSpace && text != trimmed {
		l.at(p, "%s is %q, which never matches since values are trimmed; write %q or set data.keep_space", dotted(p), text, trimmed)
	}
}

// asciiSpace is what values are trimmed of.
const asciiSpace = " \t\n\v\f\r"

// required complains if the key is absent or its text empty.
func (l *list) required(keys ...string) {
	at, name := l.root, strings.Join(keys, ".")
	for _, key := range keys {
		next := child(at, key)
		if next == nil {
			if l.lacks(at, key) {
				l.node(at, "%s is missing", name)
			}
			return
		}
		at = next
	}
	if at.Kind == yaml.ScalarNode && at.Value == "" {
		l.at(keys, "%s is empty", name)
	}
}

// oneOf complains unless the value is among the known ones.
func (l *list) oneOf(p []string, value string, known []string) bool {
	if slices.Contains(known, value) {
		return true
	}
	hint := DidYouMean(value, known)
	if hint == "" {
		hint = "; it must be one of " + strings.Join(known, ", ")
	}
	l.at(p, "%s is %q, which is unknown%s", dotted(p), value, hint)
	return false
}

// without complains about a key that has no meaning where it stands; format
// takes the key.
func (l *list) without(parent []string, key, format string) {
	mapping, ok := find(l.root, parent)
	if !ok || mapping.Kind != yaml.MappingNode {
		return
	}
	for i := 0; i+1 < len(mapping.Content); i += 2 {
		if mapping.Content[i].Value == key {
			l.node(mapping.Content[i], format, key)
		}
	}
}

// distinct complains about texts that are empty or stand twice.
func (l *list) distinct(p []string, texts []string) {
	for i, t := range texts {
		at := append(slices.Clip(p), fmt.Sprint(i))
		if t == "" {
			l.at(at, "%s has an empty element; remove it or give it a name", dotted(p))
		} else if slices.Contains(texts[:i], t) {
			l.at(at, "%s has %q twice; remove one", dotted(p), t)
		}
	}
}

// atLeast complains about a number that is too small.
func (l *list) atLeast(p []string, value, least int64) {
	if value < least {
		l.at(p, "%s is %d; it must be at least %d", dotted(p), value, least)
	}
}

// dotted is how messages name a path: training.optimizer.wide.kind, features[2].
func dotted(p []string) string {
	var b strings.Builder
	for i, name := range p {
		switch {
		case i > 0 && name != "" && name[0] >= '0' && name[0] <= '9':
			fmt.Fprintf(&b, "[%s]", name)
		case i > 0:
			b.WriteString("." + name)
		default:
			b.WriteString(name)
		}
	}
	return b.String()
}
