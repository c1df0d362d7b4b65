package spec

import (
	"fmt"
	"math"
	"reflect"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"
)

// decoder fills Go values from nodes and complains about what does not fit. It
// stands in for the library's decoder, which has no suggestions and reads `yes`
// as true and `010` as 8.
type decoder struct {
	*list
	section *yaml.Node // the model section, when that is what is decoded
}

// defaulter is a struct whose fields have defaults that depend on its kind.
type defaulter interface{ setDefaults(kind string) }

var sectionType = reflect.TypeFor[Section]()

// decodeRoot decodes a mapping into the struct that into points to.
func (d *decoder) decodeRoot(n *yaml.Node, name string, into any) {
	v := reflect.ValueOf(into)
	if v.Kind() != reflect.Pointer || v.Elem().Kind() != reflect.Struct {
		d.node(n, "%s cannot be decoded into a %T; pass a pointer to a struct", name, into)
		return
	}
	d.structure(n, name, v.Elem())
}

// decode fills v, which is called name in messages.
func (d *decoder) decode(n *yaml.Node, name string, v reflect.Value) {
	switch {
	case n.Kind == yaml.AliasNode: // already refused
	case v.Type() == sectionType:
		d.model(n, name, v.Addr().Interface().(*Section))
	case v.Kind() == reflect.Struct:
		d.structure(n, name, v)
	case v.Kind() == reflect.Slice:
		d.sequence(n, name, v)
	case v.Kind() == reflect.Map && v.Type().Key().Kind() == reflect.String:
		d.mapping(n, name, v)
	default:
		d.scalar(n, name, v)
	}
}

func (d *decoder) structure(n *yaml.Node, name string, v reflect.Value) {
	if !d.expect(n, name, yaml.MappingNode, "a mapping of keys to values") {
		return
	}
	if s, ok := v.Addr().Interface().(defaulter); ok {
		s.setDefaults(text(child(n, "kind")))
	}
	fields := fieldsOf(v)
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		field, ok := fields.values[key.Value]
		switch {
		case key.Kind != yaml.ScalarNode || isMerge(key): // already refused
		case n == d.section && key.Value == "kind": // decoded with the spec
		case !ok:
			d.unknown(n, key, name, fields.keys)
		default:
			d.decode(value, join(name, key.Value), field)
		}
	}
}

// unknown complains about a key that the mapping cannot have.
func (d *decoder) unknown(mapping, key *yaml.Node, name string, keys []string) {
	if near, ok := Nearest(key.Value, keys); ok {
		d.node(key, "unknown key %q%s; did you mean %q?", key.Value, within(name), near)
		d.misspelt = append(d.misspelt, misspelling{mapping, near})
		return
	}
	d.node(key, "unknown key %q%s; the keys there are %s", key.Value, within(name), strings.Join(keys, ", "))
}

func (d *decoder) sequence(n *yaml.Node, name string, v reflect.Value) {
	if !d.expect(n, name, yaml.SequenceNode, "a list") || len(n.Content) == 0 {
		return
	}
	elements := reflect.MakeSlice(v.Type(), len(n.Content), len(n.Content))
	for i, c := range n.Content {
		d.decode(c, fmt.Sprintf("%s[%d]", name, i), elements.Index(i))
	}
	v.Set(elements)
}

func (d *decoder) mapping(n *yaml.Node, name string, v reflect.Value) {
	if !d.expect(n, name, yaml.MappingNode, "a mapping of names to values") || len(n.Content) == 0 {
		return
	}
	entries := reflect.MakeMap(v.Type())
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		if key.Kind != yaml.ScalarNode {
			continue
		}
		if key.Value == "" {
			d.node(key, "%s has an entry without a name; give it one", name)
			continue
		}
		entry := reflect.New(v.Type().Elem()).Elem()
		d.decode(n.Content[i+1], join(name, key.Value), entry)
		entries.SetMapIndex(reflect.ValueOf(key.Value).Convert(v.Type().Key()), entry)
	}
	v.Set(entries)
}

func (d *decoder) model(n *yaml.Node, name string, s *Section) {
	if !d.expect(n, name, yaml.MappingNode, "a mapping with the model's kind") {
		return
	}
	s.source, s.node = d.source, n
	if kind := child(n, "kind"); kind != nil {
		d.decode(kind, join(name, "kind"), reflect.ValueOf(&s.Kind).Elem())
	}
}

func (d *decoder) scalar(n *yaml.Node, name string, v reflect.Value) {
	switch {
	case v.Kind() == reflect.String:
		if d.expect(n, name, yaml.ScalarNode, "a text") {
			v.SetString(n.Value)
		}
	case v.Kind() == reflect.Bool:
		d.boolean(n, name, v)
	case v.CanInt():
		d.integer(n, name, v)
	case v.CanFloat():
		d.number(n, name, v)
	default:
		d.node(n, "%s cannot be decoded into a Go %s", name, v.Type())
	}
}

func (d *decoder) boolean(n *yaml.Node, name string, v reflect.Value) {
	if !d.expect(n, name, yaml.ScalarNode, "true or false") {
		return
	}
	if quoted(n) || n.Value != "true" && n.Value != "false" {
		d.node(n, "%s must be true or false, not %s", name, describe(n))
		return
	}
	v.SetBool(n.Value == "true")
}

func (d *decoder) integer(n *yaml.Node, name string, v reflect.Value) {
	if !d.expect(n, name, yaml.ScalarNode, "a whole number") {
		return
	}
	if quoted(n) || !decimalInteger.MatchString(n.Value) {
		d.node(n, "%s must be a whole number in decimal digits, not %s", name, describe(n))
		return
	}
	x, err := strconv.ParseInt(n.Value, 10, v.Type().Bits())
	if err != nil {
		d.node(n, "%s is %s, which does not fit into %d bits", name, n.Value, v.Type().Bits())
		return
	}
	v.SetInt(x)
}

func (d *decoder) number(n *yaml.Node, name string, v reflect.Value) {
	if !d.expect(n, name, yaml.ScalarNode, "a number") {
		return
	}
	if quoted(n) || !decimalNumber.MatchString(n.Value) {
		d.node(n, "%s must be a decimal number, not %s", name, describe(n))
		return
	}
	x, err := strconv.ParseFloat(n.Value, v.Type().Bits())
	if err != nil || math.IsInf(x, 0) {
		d.node(n, "%s is %s, which is beyond the range of float%d", name, n.Value, v.Type().Bits())
		return
	}
	v.SetFloat(x + 0) // -0 becomes 0, so that equal specs are written alike
}

// A leading zero would be octal to other YAML readers.
var (
	decimalInteger = regexp.MustCompile(`^-?(0|[1-9][0-9]*)$`)
	decimalNumber  = regexp.MustCompile(`^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?$`)
)

// expect complains unless the node has the kind and a value.
func (d *decoder) expect(n *yaml.Node, name string, kind yaml.Kind, what string) bool {
	switch {
	case n.Kind == kind && (kind != yaml.ScalarNode || n.Value != "" || quoted(n)):
		return true
	case n.Kind == yaml.ScalarNode && n.Value == "" && !quoted(n):
		d.node(n, "%s has no value; give it %s or remove the key", name, what)
	default:
		d.node(n, "%s must be %s, not %s", name, what, describe(n))
	}
	return false
}

func quoted(n *yaml.Node) bool { return n.Style&^yaml.FlowStyle != 0 }

func describe(n *yaml.Node) string {
	switch {
	case n.Kind == yaml.MappingNode:
		return "a mapping"
	case n.Kind == yaml.SequenceNode:
		return "a list"
	case quoted(n):
		return fmt.Sprintf("the quoted text %q", shortened(n.Value))
	}
	return strconv.Quote(shortened(n.Value))
}

// shortened is the beginning of a text that is too long to repeat.
func shortened(text string) string {
	const most = 60
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most]) + "..."
	}
	return text
}

// text is the value of a scalar; "" for anything else.
func text(n *yaml.Node) string {
	if n == nil || n.Kind != yaml.ScalarNode {
		return ""
	}
	return n.Value
}

func join(name, key string) string {
	if name == "" {
		return key
	}
	return name + "." + key
}

func within(name string) string {
	if name == "" {
		return ""
	}
	return " in " + name
}

// fields are those of a struct that have a yaml tag, by key.
type fields struct {
	keys   []string
	values map[string]reflect.Value
}

func fieldsOf(v reflect.Value) fields {
	f := fields{values: map[string]reflect.Value{}}
	for i := range v.NumField() {
		key, _, _ := strings.Cut(v.Type().Field(i).Tag.Get("yaml"), ",")
		if key == "" || key == "-" {
			continue
		}
		f.keys = append(f.keys, key)
		f.values[key] = v.Field(i)
	}
	return f
}
