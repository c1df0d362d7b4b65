package cli

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"

	"github.com/penstock-ml/penstock/models/predictor"
)

// explaining keeps the fields of a batch of instances until they are explained. Without an explainer it does nothing.
type explaining struct {
	explainer *predictor.Explainer
	fields    [][][]byte
}

func (e *explaining) keep(fields [][]byte) {
	if e.explainer == nil {
		return
	}
	kept := make([][]byte, len(fields))
	for i, field := range fields {
		kept[i] = bytes.Clone(field)
	}
	e.fields = append(e.fields, kept)
}

func (e *explaining) explain(i int, outputs []float32) (*predictor.Explanation, error) {
	if e.explainer == nil {
		return nil, nil
	}
	return e.explainer.Explain(e.fields[i], outputs)
}

// writeExplanations writes a table for each instance, what contributes most first.
func writeExplanations(w io.Writer, p *predictor.Predictor, scored []scoredInstance) {
	for i, s := range scored {
		if s.explanation == nil {
			continue
		}
		fmt.Fprintln(w)
		row(w, fmt.Sprintf("INSTANCE %d", i+1), "CONTRIBUTION")
		for _, f := range bySize(s.explanation.Contributions) {
			row(w, p.Spec().Features[f].Name, contribution(s.explanation.Contributions[f]))
		}
		row(w, "typical record", contribution(s.explanation.Baseline))
		row(w, valueName(p), contribution(s.explanation.Value))
	}
}

// valueName is what an explanation is of.
func valueName(p *predictor.Predictor) string {
	if len(p.Classes()) == 0 {
		return "prediction"
	}
	return "logit"
}

// bySize are the indices of numbers, those of the largest first.
func bySize(x []float64) []int {
	order := make([]int, len(x))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(math.Abs(x[b]), math.Abs(x[a])) })
	return order
}

func contribution(x float64) string { return strconv.FormatFloat(x, 'f', 6, 64) }
