package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
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
	writeFigure(w, m, "loss", "loss", &m.Loss)
	switch {
	case m.BinaryFigures != nil:
		writeBinary(w, m)
		writeConfusion(w, m, classes)
	case m.PerClassFigures != nil:
		writePerClass(w, m, classes)
		if len(classes) <= mostConfused {
			writeConfusion(w, m, classes)
		}
	case m.NumberFigures != nil:
		writeNumber(w, m)
	}
	writeSlices(w, m)
}

// writeFigure is a row of a figure with its interval; key is the figure's name among these.
func writeFigure(w io.Writer, m *metrics.Metrics, name, key string, value *float64) {
	row(w, name, figure(value)+interval(m, key))
}

// interval is where a figure lies with a probability of 95%, if that is known.
func interval(m *metrics.Metrics, name string) string {
	i, ok := m.Intervals[name]
	if !ok {
		return ""
	}
	return fmt.Sprintf("  [%s, %s]", figure(&i[0]), figure(&i[1]))
}

// writeSlices is a table of each column that was sliced by, with the figures that tell most.
func writeSlices(w io.Writer, m *metrics.Metrics) {
	for i, s := range m.Slices {
		figures := s.Scalars()
		if i == 0 || m.Slices[i-1].Column != s.Column {
			fmt.Fprintln(w)
			header := []any{s.Column, "examples"}
			for _, f := range figures {
				header = append(header, strings.ReplaceAll(f.Name, "_", " "))
			}
			row(w, header...)
		}
		cells := []any{strconv.Quote(s.Value), s.Examples}
		for _, f := range figures {
			cells = append(cells, figure(&f.Value)+interval(s.Metrics, f.Name))
		}
		row(w, cells...)
	}
}

// mostConfused is up to how many classes a terminal has room for the confusion matrix.
const mostConfused = 10

func writeBinary(w io.Writer, m *metrics.Metrics) {
	writeFigure(w, m, "accuracy", "accuracy", &m.Accuracy)
	writeFigure(w, m, "AUC", "auc", m.AUC)
	writeFigure(w, m, "AUC-PR", "auc_pr", m.AUCPR)
	writeFigure(w, m, "precision", "precision", m.Precision)
	writeFigure(w, m, "recall", "recall", m.Recall)
	writeFigure(w, m, "F1", "f1", m.F1)
	row(w, "label mean", figure(&m.LabelMean))
	row(w, "prediction mean", figure(&m.PredictionMean))
	writeFigure(w, m, "calibration error", "calibration_error", &m.ECE)
	fmt.Fprintln(w)
	row(w, "calibration", "examples", "predicted", "observed")
	for i := range m.Calibration {
		bin := &m.Calibration[i]
		row(w, "", number(bin.Weight), figure(&bin.PredictionMean), figure(&bin.LabelMean))
	}
}

func writeConfusion(w io.Writer, m *metrics.Metrics, classes []string) {
	fmt.Fprintln(w)
	header := []any{"confusion matrix"}
	for _, class := range classes {
		header = append(header, "predicted "+class)
	}
	row(w, header...)
	for label, predicted := range m.Confusion {
		cells := []any{"actual " + classes[label]}
		for _, weight := range predicted {
			cells = append(cells, number(weight))
		}
		row(w, cells...)
	}
}

func writePerClass(w io.Writer, m *metrics.Metrics, classes []string) {
	writeFigure(w, m, "accuracy", "accuracy", &m.Accuracy)
	writeFigure(w, m, "macro precision", "macro_precision", &m.MacroPrecision)
	writeFigure(w, m, "macro recall", "macro_recall", &m.MacroRecall)
	writeFigure(w, m, "macro F1", "macro_f1", &m.MacroF1)
	fmt.Fprintln(w)
	row(w, "class", "examples", "precision", "recall", "F1")
	for i, c := range m.Classes {
		row(w, classes[i], number(c.Weight), figure(c.Precision), figure(c.Recall), figure(c.F1))
	}
}

func writeNumber(w io.Writer, m *metrics.Metrics) {
	writeFigure(w, m, "RMSE", "rmse", &m.RMSE)
	writeFigure(w, m, "MAE", "mae", &m.MAE)
	writeFigure(w, m, "R2", "r2", m.R2)
	row(w, "label mean", figure(&m.LabelMean))
	row(w, "prediction mean", figure(&m.PredictionMean))
	fmt.Fprintln(w)
	row(w, "share of examples", "absolute error at most")
	for _, percent := range sortedKeys(m.ErrorQuantiles) {
		size := m.ErrorQuantiles[percent]
		row(w, percent+"%", figure(&size))
	}
}

// evaluated is an evaluation in one line: the loss and the two figures that tell most.
func evaluated(m *metrics.Metrics) string {
	var parts []string
	for _, s := range m.Scalars()[:3] {
		parts = append(parts, strings.ReplaceAll(s.Name, "auc", "AUC")+" "+figure(&s.Value))
	}
	return strings.Join(parts, ", ")
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
