// Package spec reads the YAML file that describes a model: where its data
// lies, which column is the label, which features are made of the columns,
// which kind of model learns from them and how it is trained.
//
// Call [Parse] with a file's bytes. It is strict, and it reports everything
// that is wrong at once, each complaint with its line and column:
//
//	model.yaml:14:5: unknown key "min_cuont" in a feature; did you mean "min_count"?
//	model.yaml:21:16: label.column is "incme", which is not in data.columns; did you mean "income"?
//
// Text is taken as it is written: `classes: [0, 1]`, `[yes, no]` and `column: 3`
// mean the texts that they show, whatever YAML would make of them. Numbers are
// decimal, flags are true or false. Anchors, aliases and tags are refused, so
// that a position in the file always is the position of the value.
//
// The model section stays undecoded ([Section]) because kinds of models can be
// added outside this module; the kind decodes it, under the same rules.
//
// [Spec.Marshal] writes the resolved form: every default filled in, the same
// bytes for the same meaning. A run's identity is the hash of these bytes.
package spec
