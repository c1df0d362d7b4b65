package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"text/tabwriter"

	"github.com/penstock-ml/penstock/models/metrics"
)

// print writes a command's result: v as one line of JSON, or what text writes.
func (a *app) print(v any, text func(w io.Writer)) error {
	if a.format == "text" {
		table := tabwriter.NewWriter(a.stdout, 0, 0, 2, ' ', 0)
		text(table)
		return table.Flush()
	}
	var line bytes.Buffer
	encoder := json.NewEncoder(&line)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(v); err != nil {
		return fmt.Errorf("the result cannot be written as JSON: %w", err)
	}
	_, err := a.stdout.Write(line.Bytes())
	return err
}

// row writes cells that a tabwriter aligns.
func row(w io.Writer, cells ...any) {
	for i, cell := range cells {
		if i > 0 {
			fmt.Fprint(w, "\t")
		}
		fmt.Fprint(w, cell)
	}
	fmt.Fprintln(w)
}

// writeMetrics is the readable form of an evaluation. The blank line keeps the tables from sharing column widths.
func writeMetrics(w io.Writer, m *metrics.Metrics, classes []string) {
	row(w, "examples", m.Examples)
	row(w, "loss", figure(&m.Loss))
	row(w, "accuracy", figure(&m.Accuracy))
	row(w, "AUC", figure(m.AUC))
	row(w, "precision", figure(m.Precision))
	row(w, "recall", figure(m.Recall))
	row(w, "label mean", figure(&m.LabelMean))
	row(w, "prediction mean", figure(&m.PredictionMean))
	fmt.Fprintln(w)
	row(w, "confusion matrix", "predicted "+classes[0], "predicted "+classes[1])
	for label, predicted := range m.Confusion {
		row(w, "actual "+classes[label], number(predicted[0]), number(predicted[1]))
	}
}

// sortedKeys are those of a table.
func sortedKeys[V any](table map[string]V) []string { return slices.Sorted(maps.Keys(table)) }

// figure is a ratio or a loss to six decimals; one that is undefined is a dash.
func figure(x *float64) string {
	if x == nil {
		return "-"
	}
	return strconv.FormatFloat(*x, 'f', 6, 64)
}

// number is a count, or a sum of weights.
func number(x float64) string { return strconv.FormatFloat(x, 'f', -1, 64) }
