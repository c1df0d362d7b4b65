package cli

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/penstock-ml/penstock/models/registry"
	"github.com/penstock-ml/penstock/models/saved"
	"github.com/penstock-ml/penstock/storage"
)

const deployHelp = `Deploy copies an exported model into the registry as a new version: whole or not at all. The first version of a model
becomes its default; later ones do with set-default.

--require and --require-not-worse-than-default are about the figures in the file of --evaluation, which is what
evaluate prints with --format json. A model that falls short is not deployed. Figures that are to be compared with the
default's have to be of as many examples.`

const deployExample = `  penstock evaluate --model job --eval-files data/eval.csv --format json > figures.json
  penstock models deploy census --registry registry --model job --evaluation figures.json \
      --require 'auc>=0.9' --require-not-worse-than-default loss`

// deployFlags are the values of the flags of models deploy.
type deployFlags struct {
	model, evaluation string
	require, notWorse []string
	d                 registry.Deployment
}

func newModelsDeploy(a *app) *cobra.Command {
	f := &deployFlags{}
	cmd := a.newModelsAction("deploy NAME", "Copy an exported model into the registry as a new version", false, func(ctx context.Context, r *registry.Registry, ref registry.Ref) error {
		f.d.Name = ref.Name
		return a.deploy(ctx, r, f)
	})
	cmd.Long, cmd.Example = deployHelp, deployExample
	flags := cmd.Flags()
	flags.StringVar(&f.model, "model", "", "`directory` of an exported model or of a job (required)")
	flags.StringVar(&f.d.Version, "version", "", "`name` of the version (default: v1, v2 and so on)")
	flags.StringToStringVar(&f.d.Labels, "labels", nil, "`labels`, a comma-separated list of KEY=VALUE")
	flags.StringVar(&f.evaluation, "evaluation", "", "`file` with the model's figures, which the version keeps")
	flags.StringArrayVar(&f.require, "require", nil, "`condition` that a figure has to meet, such as 'auc>=0.9'; may be given again")
	flags.StringSliceVar(&f.notWorse, "require-not-worse-than-default", nil, "`figures` that must not be worse than the default version's")
	require(cmd, "model")
	cmd.PreRunE = func(*cobra.Command, []string) error { return f.check() }
	return cmd
}

// check reads the conditions.
func (f *deployFlags) check() error {
	for _, text := range f.require {
		q, err := registry.ParseRequirement(text)
		if err != nil {
			return fmt.Errorf("--require: %w", err)
		}
		f.d.Requirements = append(f.d.Requirements, q)
	}
	for _, name := range f.notWorse {
		if err := registry.CheckComparable(name); err != nil {
			return fmt.Errorf("--require-not-worse-than-default: %w", err)
		}
	}
	f.d.NotWorse = f.notWorse
	if f.evaluation == "" && len(f.require)+len(f.notWorse) > 0 {
		return errors.New("what is required is about figures: give --evaluation, a file that evaluate printed with --format json")
	}
	return nil
}

func (a *app) deploy(ctx context.Context, r *registry.Registry, f *deployFlags) (err error) {
	if f.d.Export, err = saved.Locate(ctx, f.model); err != nil {
		return fmt.Errorf("--model: %w", err)
	}
	if f.evaluation != "" {
		data, err := storage.ReadFile(ctx, f.evaluation)
		if err != nil {
			return fmt.Errorf("--evaluation: %w", err)
		}
		if f.d.Evaluation, err = registry.ParseEvaluation(data); err != nil {
			return fmt.Errorf("--evaluation: %s is %w", f.evaluation, err)
		}
	}
	v, err := r.Deploy(ctx, f.d)
	if err != nil {
		return err
	}
	return a.print(v, func(w io.Writer) { row(w, "deployed", v.Ref()) })
}
