package draft

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/penstock-ml/penstock/models/spec"
)

// writer makes the text of a spec.
type writer struct {
	*drafting
	recipe
	out   bytes.Buffer
	wide  []string
	deep  []string
	hot   []string
	embed []string // flow mappings
}

func (w *writer) line(format string, args ...any) { fmt.Fprintf(&w.out, format+"\n", args...) }

// write makes the whole text.
func (d *drafting) write(name string) []byte {
	w := &writer{drafting: d, recipe: recipeFor(d.records, d.regression)}
	w.line("# Drafted from %s of a file. A spec like any other: change what you know better.", w.looked())
	w.line("version: 1")
	w.line("name: %s", scalar(name))
	w.data()
	w.target()
	w.features()
	w.model()
	w.training()
	return w.out.Bytes()
}

func (w *writer) looked() string {
	if w.all {
		return fmt.Sprintf("the %d records", w.records)
	}
	return fmt.Sprintf("the first %d records", w.records)
}

// scalar is a text as YAML, quoted where it has to be.
func scalar(text string) string {
	node := yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: text}
	if strings.ContainsAny(text, "\n\r\t,[]{}") { // what flow sequences and lines do not take
		return strconv.Quote(text)
	}
	data, err := yaml.Dump(&node)
	if err != nil {
		return strconv.Quote(text)
	}
	return strings.TrimSuffix(string(data), "\n")
}

func scalars(texts []string) string {
	quoted := make([]string, len(texts))
	for i, text := range texts {
		quoted[i] = scalar(text)
	}
	return strings.Join(quoted, ", ")
}

func (w *writer) data() {
	w.line("\ndata:")
	if w.jsonl() {
		w.line("  format: jsonl")
	} else {
		w.line("  format: csv")
		if w.format.Delimiter != ',' {
			w.line("  delimiter: %s", strconv.Quote(string(w.format.Delimiter)))
		}
		if w.format.Header {
			w.line("  header: true")
		}
		if w.format.Multiline {
			w.line("  multiline: true # some values have line breaks, so that a file cannot be read in pieces")
		}
	}
	w.line("  columns: [%s]", scalars(w.format.Columns))
	if missing := w.missing(); len(missing) > 0 {
		w.line("  missing: [%s] # stand for no value, as an empty field does", scalars(missing))
	}
}

func (w *writer) target() {
	w.line("\nlabel:")
	w.line("  column: %s", scalar(w.label.name))
	if w.regression {
		w.line("  kind: regression # from %v to %v", w.label.min, w.label.max)
		return
	}
	const mostListed = 100
	classes := w.classes()
	if len(classes) > mostListed {
		w.line("  # %d classes", len(classes))
		return
	}
	w.line("  classes: [%s] # %s", scalars(classes), w.shares(classes))
}

// shares says how frequent classes are.
func (w *writer) shares(classes []string) string {
	const mostSaid = 8
	var parts []string
	for _, class := range classes[:min(len(classes), mostSaid)] {
		share := 100 * float64(w.label.counts[class]) / float64(w.label.values())
		parts = append(parts, fmt.Sprintf("%.1f%%", share))
	}
	text := strings.Join(parts, ", ")
	if len(classes) > mostSaid {
		text += ", ..."
	}
	if len(classes) == 2 {
		text += "; the second one is what probabilities are of"
	}
	return text
}

func (w *writer) features() {
	w.line("\nfeatures:")
	for _, c := range w.numbers {
		w.number(c)
	}
	for _, c := range w.words {
		w.word(c)
	}
	if len(w.leftOut) > 0 {
		w.line("  # Left out:")
		for _, sentence := range w.leftOut {
			w.line("  #   %s", strings.Join(strings.Fields(sentence), " "))
		}
	}
}

// number has a column in deviations and piecewise linear in the deep part and in buckets in the wide one.
func (w *writer) number(c *column) {
	scaled := w.free(c.name + "_scaled")
	w.line("  - {name: %s, kind: numeric, column: %s, transform: [zscore]}", scalar(scaled), scalar(c.name))
	w.deep = append(w.deep, scaled)
	w.line("  - {name: %s, kind: numeric, transform: [piecewise_linear], quantiles: %d}", scalar(c.name), w.intervals)
	w.deep = append(w.deep, c.name)
	if w.noWide {
		return
	}
	buckets := w.free(c.name + "_bucket")
	w.line("  - {name: %s, kind: bucketize, column: %s, quantiles: %d}", scalar(buckets), scalar(c.name), w.buckets)
	w.wide = append(w.wide, buckets)
}

// free is a name that no column has.
func (w *writer) free(name string) string {
	for slices.Contains(w.format.Columns, name) {
		name += "_"
	}
	return name
}

func (w *writer) word(c *column) {
	role, _ := c.roleOf()
	words := c.distinct()
	switch {
	case role == hashed:
		buckets := hashBuckets(words)
		w.line("  - {name: %s, kind: hash, buckets: %d} # %s words", scalar(c.name), buckets, w.counted(c))
		words = buckets
	case w.minCount > 1:
		w.line("  - {name: %s, kind: vocabulary, min_count: %d} # %d words", scalar(c.name), w.minCount, words)
	default:
		w.line("  - {name: %s, kind: vocabulary} # %d words", scalar(c.name), words)
	}
	w.wide = append(w.wide, c.name)
	if words <= indicatorWords {
		w.hot = append(w.hot, c.name)
	} else {
		w.embed = append(w.embed, fmt.Sprintf("{feature: %s, dimension: %d}", scalar(c.name), dimension(words)))
	}
}

func (w *writer) counted(c *column) string {
	if c.overflow {
		return fmt.Sprintf("more than %d", mostDistinct)
	}
	return strconv.Itoa(c.distinct())
}

func (w *writer) model() {
	w.line("\nmodel:")
	w.line("  kind: wide_deep")
	if !w.noWide {
		w.line("  wide: [%s]", scalars(w.wide))
	}
	w.line("  deep:")
	if len(w.deep) > 0 {
		w.line("    numeric: [%s]", scalars(w.deep))
	}
	if len(w.hot) > 0 {
		w.line("    indicator: [%s]", scalars(w.hot))
	}
	if len(w.embed) > 0 {
		w.line("    embedding:")
		for _, e := range w.embed {
			w.line("      - %s", e)
		}
	}
	w.line("    hidden: %s", strings.ReplaceAll(fmt.Sprint(w.hidden), " ", ", "))
}

func (w *writer) training() {
	w.line("\ntraining: # for %d records", w.records)
	w.line("  batch_size: %d", w.batch)
	w.line("  epochs: %d", w.epochs)
	w.line("  optimizer:")
	if !w.noWide {
		w.line("    wide: {kind: adam, learning_rate: %v%s}", w.wideRate, decayOf(w.wideL2))
	}
	w.line("    deep: {kind: adam, learning_rate: %v%s}", w.deepRate, decayOf(w.deepL2))
	w.line("  schedule: {kind: %s}", spec.Cosine)
}

func decayOf(l2 float64) string {
	if l2 == 0 {
		return ""
	}
	return fmt.Sprintf(", l2: %v", l2)
}
