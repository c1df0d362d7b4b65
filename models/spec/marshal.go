package spec

import (
	"bytes"
	"fmt"
	"reflect"

	"go.yaml.in/yaml/v4"
)

// Marshal writes the resolved spec: every default filled in, keys in one order,
// no comments. Parse reads it back to an equal Spec.
func (s *Spec) Marshal() ([]byte, error) {
	var out bytes.Buffer
	d, err := yaml.NewDumper(&out, yaml.WithIndent(2))
	if err != nil {
		return nil, fmt.Errorf("cannot write spec %s: %w", s.Name, err)
	}
	if err := d.Dump(s); err != nil {
		return nil, fmt.Errorf("cannot write spec %s: %w", s.Name, err)
	}
	if err := d.Close(); err != nil {
		return nil, fmt.Errorf("cannot write spec %s: %w", s.Name, err)
	}
	return out.Bytes(), nil
}

// MarshalYAML writes the keys of the feature's kind, zeros included: an absent
// key would mean the default.
func (f Feature) MarshalYAML() (any, error) {
	return ordered(f, append([]string{"name", "kind"}, featureKeys[f.Kind]...))
}

// MarshalYAML writes the keys of the optimizer's kind, zeros included.
func (o Optimizer) MarshalYAML() (any, error) {
	return ordered(o, append([]string{"kind"}, optimizerKeys[o.Kind]...))
}

// ordered is a mapping with these keys of a struct.
func ordered(v any, keys []string) (*yaml.Node, error) {
	mapping := &yaml.Node{Kind: yaml.MappingNode}
	fields := fieldsOf(reflect.ValueOf(v))
	for _, key := range keys {
		value := new(yaml.Node)
		if err := value.Encode(fields.values[key].Interface()); err != nil {
			return nil, err
		}
		if value.Kind == yaml.SequenceNode {
			value.Style = yaml.FlowStyle
		}
		mapping.Content = append(mapping.Content, textNode(key), value)
	}
	return mapping, nil
}

// keysOf are the keys of a struct.
func keysOf(v any) []string { return fieldsOf(reflect.ValueOf(v)).keys }
