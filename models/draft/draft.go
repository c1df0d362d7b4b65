package draft

import (
	"context"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/penstock-ml/penstock/models"
	"github.com/penstock-ml/penstock/models/records"
	"github.com/penstock-ml/penstock/models/spec"
)

// Options say what to draft a spec for. All but Input and Label may be left out.
type Options struct {
	Input     string // a file of records with labels: delimited text or JSON lines, perhaps compressed
	Label     string // a column's name, or its number from 1
	LabelKind string // one of package spec's; "" for a guess
	Delimiter byte
	Header    *bool // nil for a guess
	Name      string
}

// A Draft is a spec as text, and what was found on the way.
type Draft struct {
	Text     []byte
	Spec     *spec.Spec
	Records  int64    // that were looked at
	Complete bool     // the file has no more
	LeftOut  []string // columns that are no features, with the reason
}

// New drafts a spec for a file. It is a valid one.
func New(ctx context.Context, o Options) (*Draft, error) {
	p, err := newProfile(ctx, o)
	if err != nil {
		return nil, err
	}
	label, err := p.find(o.Label)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", o.Input, err)
	}
	p.settle(label)
	d := &drafting{profile: p, label: label, regression: o.LabelKind == spec.Regression || o.LabelKind == "" && label.regression()}
	if err := label.checkLabel(d.regression); err != nil {
		return nil, fmt.Errorf("%s: %w", o.Input, err)
	}
	d.divide()
	if len(d.numbers)+len(d.words) == 0 {
		return nil, fmt.Errorf("%s: no column can be a feature: %s", o.Input, strings.Join(d.leftOut, "; "))
	}
	text := d.write(nameOf(o))
	s, err := spec.Parse("the drafted spec", text)
	if err == nil {
		err = models.Check(s)
	}
	if err != nil {
		return nil, fmt.Errorf("this is a defect of penstock: %w", err)
	}
	return &Draft{Text: text, Spec: s, Records: p.records, Complete: p.all, LeftOut: d.leftOut}, nil
}

// nameOf is the model's name: the file's, unless it is given.
func nameOf(o Options) string {
	if o.Name != "" {
		return o.Name
	}
	name, _, _ := strings.Cut(path.Base(o.Input), ".")
	return name
}

// find is the column of a name or else of a number.
func (p *profile) find(name string) (*column, error) {
	i := slices.Index(p.format.Columns, name)
	if number, err := strconv.Atoi(name); i < 0 && err == nil && number >= 1 && number <= len(p.columns) {
		i = number - 1
	}
	if i < 0 {
		return nil, fmt.Errorf("--label is %q, which is no column%s", name, spec.DidYouMean(name, p.format.Columns))
	}
	return p.columns[i], nil
}

// drafting is a draft as it comes about.
type drafting struct {
	*profile
	label      *column
	regression bool
	numbers    []*column
	words      []*column // hashed ones among them
	leftOut    []string
}

// divide gives each column its role.
func (d *drafting) divide() {
	for _, c := range d.columns {
		if c == d.label {
			continue
		}
		switch role, reason := c.roleOf(); role {
		case leftOut:
			d.leftOut = append(d.leftOut, c.name+" "+reason)
		case number:
			d.numbers = append(d.numbers, c)
		default:
			d.words = append(d.words, c)
		}
	}
}

// missing are the markers that count as no value in the file.
func (d *drafting) missing() (texts []string) {
	for _, c := range d.columns {
		for _, text := range c.absent {
			if !slices.Contains(texts, text) {
				texts = append(texts, text)
			}
		}
	}
	slices.Sort(texts)
	return texts
}

// classes are the label's, sorted.
func (d *drafting) classes() (texts []string) {
	for text := range d.label.counts {
		if !slices.Contains(d.label.absent, text) {
			texts = append(texts, text)
		}
	}
	slices.Sort(texts)
	return texts
}

// jsonl tells that the file is one of JSON lines.
func (d *drafting) jsonl() bool { return d.format.Kind == records.JSONL }
