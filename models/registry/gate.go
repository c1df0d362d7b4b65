package registry

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Evaluation has a model's figures on some data.
type Evaluation struct {
	WeightsSHA256 string `json:"weights_sha256,omitempty"` // of the model, where known
	// Figures are the numbers by name: examples, loss, auc and so on.
	Figures map[string]float64 `json:"figures"`
}

// ParseEvaluation reads what evaluate or train prints with --format json.
func ParseEvaluation(data []byte) (*Evaluation, error) {
	var printed map[string]any
	if err := json.Unmarshal(data, &printed); err != nil {
		return nil, fmt.Errorf("not what evaluate prints with --format json: %w", err)
	}
	e := &Evaluation{Figures: map[string]float64{}}
	e.WeightsSHA256, _ = printed["weights_sha256"].(string)
	if metrics, ok := printed["metrics"].(map[string]any); ok { // of train
		printed = metrics
	}
	for name, value := range printed {
		if x, ok := value.(float64); ok {
			e.Figures[name] = x
		}
	}
	if _, ok := e.Figures["examples"]; !ok {
		return nil, fmt.Errorf(`not what evaluate prints with --format json: "examples" is missing`)
	}
	return e, nil
}

// figure returns a figure by its name.
func (e *Evaluation) figure(name string) (float64, error) {
	x, ok := e.Figures[name]
	if !ok {
		return 0, fmt.Errorf("the evaluation has no %s, only %s", name, strings.Join(slices.Sorted(maps.Keys(e.Figures)), ", "))
	}
	return x, nil
}

// Requirement is a bound of a figure.
type Requirement struct {
	Figure string
	Sign   string // one of signs
	Bound  float64
}

var (
	requirements = regexp.MustCompile(`^\s*([A-Za-z0-9_]+)\s*(>=|<=|>|<)\s*(\S+)\s*$`)
	signs        = map[string]func(x, bound float64) bool{
		">=": func(x, bound float64) bool { return x >= bound },
		"<=": func(x, bound float64) bool { return x <= bound },
		">":  func(x, bound float64) bool { return x > bound },
		"<":  func(x, bound float64) bool { return x < bound },
	}
)

// ParseRequirement reads a requirement such as auc>=0.9.
func ParseRequirement(text string) (q Requirement, err error) {
	parts := requirements.FindStringSubmatch(text)
	if parts == nil {
		return q, fmt.Errorf("%q is no requirement: give one such as 'auc>=0.9' or 'loss<0.3'", text)
	}
	q.Figure, q.Sign = parts[1], parts[2]
	if q.Bound, err = strconv.ParseFloat(parts[3], 64); err != nil {
		return q, fmt.Errorf("%q is no requirement: %q is no number", text, parts[3])
	}
	return q, nil
}

// check returns an error where the evaluation does not meet the requirement.
func (q Requirement) check(e *Evaluation) error {
	x, err := e.figure(q.Figure)
	if err != nil {
		return err
	}
	if !signs[q.Sign](x, q.Bound) {
		return fmt.Errorf("%s is %v, and %s%s%v is required", q.Figure, x, q.Figure, q.Sign, q.Bound)
	}
	return nil
}

// worse tells for each figure that can be compared whether x is worse than y.
var worse = map[string]func(x, y float64) bool{
	"accuracy": less, "auc": less, "precision": less, "recall": less, "auc_pr": less, "r2": less,
	"loss": more, "rmse": more, "mae": more, "ece": more,
}

func less(x, y float64) bool { return !(x >= y) }
func more(x, y float64) bool { return !(x <= y) }

// admit checks all that is required of a version.
func (r *Registry) admit(ctx context.Context, m *Model, v *Version, d Deployment) error {
	e := d.Evaluation
	if e == nil {
		if len(d.Requirements)+len(d.NotWorse) > 0 {
			return fmt.Errorf("an evaluation is needed to see what is required of the model")
		}
		return nil
	}
	if e.WeightsSHA256 != "" && e.WeightsSHA256 != v.WeightsSHA256 {
		return fmt.Errorf("the evaluation is of other weights than those of %s", d.Export)
	}
	for _, q := range d.Requirements {
		if err := q.check(e); err != nil {
			return err
		}
	}
	if m.Default == "" || len(d.NotWorse) == 0 {
		return nil
	}
	current, err := r.Version(ctx, Ref{m.Name, m.Default})
	if err != nil {
		return err
	}
	return notWorse(e, current, d.NotWorse)
}

// notWorse compares figures with those of the default, which have to be of as many examples.
func notWorse(e *Evaluation, current *Version, names []string) error {
	if current.Evaluation == nil {
		return fmt.Errorf("the default, %s, was deployed without an evaluation: there is nothing to compare with", current.Ref())
	}
	for _, name := range names {
		if err := CheckComparable(name); err != nil {
			return err
		}
	}
	for _, name := range append([]string{"examples"}, names...) {
		x, err := e.figure(name)
		if err != nil {
			return err
		}
		y, err := current.Evaluation.figure(name)
		if err != nil {
			return fmt.Errorf("the default, %s: %w", current.Ref(), err)
		}
		if name == "examples" {
			if x != y {
				return fmt.Errorf("the evaluation is over %v examples and that of the default, %s, over %v: use the same", x, current.Ref(), y)
			}
			continue
		}
		if worse[name](x, y) {
			return fmt.Errorf("%s is %v, worse than that of the default, %s, %v", name, x, current.Ref(), y)
		}
	}
	return nil
}

// CheckComparable returns an error for figures of which it is not known whether more is better.
func CheckComparable(name string) error {
	if worse[name] == nil {
		return fmt.Errorf("%q cannot be compared: use one of %s", name, strings.Join(slices.Sorted(maps.Keys(worse)), ", "))
	}
	return nil
}
