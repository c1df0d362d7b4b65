package spec

import "go.yaml.in/yaml/v4"

// Parse reads a spec; file is its name in messages. What it returns is resolved:
// every default is filled in, except Data.Columns where only the data can tell
// (see [Spec.ResolveColumns]). Its error is [Errors]: all complaints, by position.
func Parse(file string, data []byte) (*Spec, error) {
	src, err := read(file, data)
	complaints := &list{source: src}
	if src == nil {
		return nil, err
	}
	if structural, ok := err.(Errors); ok {
		complaints.errors = structural
	}
	if src.root.Kind != yaml.MappingNode {
		complaints.node(src.root, "a spec must be a mapping of keys to values, not %s", describe(src.root))
		return nil, complaints.err()
	}
	s := &Spec{source: src}
	s.setDefaults("")
	d := decoder{list: complaints}
	d.decodeRoot(src.root, "", s)
	s.resolve()
	s.check(complaints)
	if err := complaints.err(); err != nil {
		return nil, err
	}
	return s, nil
}
