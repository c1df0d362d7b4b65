package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"github.com/spf13/cobra"

	"github.com/penstock-ml/penstock/models/draft"
	"github.com/penstock-ml/penstock/models/spec"
	"github.com/penstock-ml/penstock/storage"
)

const initHelp = `Init looks at a file of records and writes a spec for it: which columns there are, which of them can be features and how,
whether the label is one of classes or a number, and how to train a model of so many records. The spec is ready to train,
and has comments on what was decided; change what you know better.

The file is delimited text or JSON lines, plain or gzip; its delimiter and whether it has a header are seen from it unless
they are given. COLUMN is a name or, where there is no header, a number from 1. Of very large files the beginning is looked
at.`

const initExample = `  penstock init --input people.csv --label income --output model.yaml
  penstock init --input adult.data.gz --label 15 --output census.yaml
  penstock train --config model.yaml --train-files people.csv --job-dir job`

// initFlags are the values of the flags of init.
type initFlags struct {
	options                draft.Options
	delimiter              string
	header                 bool
	output                 string
	overwrite, headerGiven bool
}

func newInitCommand(a *app) *cobra.Command {
	f := &initFlags{}
	cmd := &cobra.Command{
		Use:     "init --input FILE --label COLUMN --output SPEC",
		Short:   "Write a spec for a file of records",
		Long:    initHelp,
		Example: initExample,
		Args:    noArguments,
	}
	flags := cmd.Flags()
	flags.StringVar(&f.options.Input, "input", "", "`file` of records with labels (required)")
	flags.StringVar(&f.options.Label, "label", "", "`column` to predict: its name, or its number from 1 (required)")
	flags.StringVar(&f.output, "output", "", "`file` for the spec (required)")
	flags.Var(newOptionalChoice(&f.options.LabelKind, spec.Classification, spec.Regression), "label-kind", "classification or regression; seen from the label's values unless given")
	flags.StringVar(&f.delimiter, "delimiter", "", "`character` between fields, \\t for a tab; seen from the file unless given")
	flags.BoolVar(&f.header, "header", false, "the first line names the columns (--header=false: it does not); seen from the file unless given")
	flags.StringVar(&f.options.Name, "name", "", "`name` of the model; the file's unless given")
	flags.BoolVar(&f.overwrite, "overwrite", false, "replace a spec that is there")
	require(cmd, "input", "label", "output")
	cmd.PreRunE = func(cmd *cobra.Command, _ []string) error {
		f.headerGiven = cmd.Flags().Changed("header")
		return f.resolve()
	}
	cmd.RunE = a.runUntilInterrupted(func(ctx context.Context) error { return a.initialise(ctx, f) })
	return cmd
}

// resolve checks the flags and brings them into the form of options.
func (f *initFlags) resolve() error {
	if f.headerGiven {
		f.options.Header = &f.header
	}
	if f.delimiter == `\t` {
		f.delimiter = "\t"
	}
	switch {
	case f.delimiter == "":
	case len(f.delimiter) != 1 || f.delimiter[0] >= 0x80 || f.delimiter == `"` || f.delimiter == "\n":
		return fmt.Errorf("--delimiter is %q; make it one ASCII character that is no quote and no line break", f.delimiter)
	default:
		f.options.Delimiter = f.delimiter[0]
	}
	return nil
}

// drafted is the result of init.
type drafted struct {
	Output   string   `json:"output"`
	Records  int64    `json:"records"`
	Columns  int      `json:"columns"`
	Features int      `json:"features"`
	Label    string   `json:"label"`
	Kind     string   `json:"label_kind"`
	LeftOut  []string `json:"left_out"`
}

func (a *app) initialise(ctx context.Context, f *initFlags) error {
	if _, err := storage.Stat(ctx, f.output); err == nil && !f.overwrite {
		return fmt.Errorf("--output: %s is there already; choose another name, or give --overwrite", f.output)
	} else if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("--output: %w", err)
	}
	d, err := draft.New(ctx, f.options)
	if err != nil {
		return fmt.Errorf("--input: %w", err)
	}
	if err := storage.WriteFile(ctx, f.output, d.Text); err != nil {
		return fmt.Errorf("--output: %w", err)
	}
	result := drafted{
		Output: f.output, Records: d.Records, Columns: len(d.Spec.Data.Columns), Features: len(d.Spec.Features),
		Label: d.Spec.Label.Column, Kind: d.Spec.Label.Kind, LeftOut: append([]string{}, d.LeftOut...),
	}
	return a.print(result, func(w io.Writer) { writeDrafted(w, &result) })
}

func writeDrafted(w io.Writer, d *drafted) {
	row(w, "spec", d.Output)
	row(w, "records looked at", d.Records)
	row(w, "columns", d.Columns)
	row(w, "features", d.Features)
	row(w, "label", d.Label+", "+d.Kind)
	for _, reason := range d.LeftOut {
		row(w, "left out", reason)
	}
}
