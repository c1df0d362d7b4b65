package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/penstock-ml/penstock/models/registry"
	"github.com/penstock-ml/penstock/models/saved"
	"github.com/penstock-ml/penstock/storage"
)

const modelsHelp = `A registry keeps models between training and use, in a directory on disk or on Cloud Storage. A model has versions,
each a copy of an export that never changes, and a default version, which its name alone stands for. Commands that take
--model find NAME or NAME@VERSION in the directory that --registry names; serve and stream-predict follow the default.`

func newModelsCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{Use: "models", Short: "Keep models and their versions in a registry", Long: modelsHelp, RunE: needsCommand}
	cmd.AddCommand(newModelsCreate(a), newModelsDeploy(a), newModelsList(a), newModelsDescribe(a), newModelsSetDefault(a), newModelsDelete(a))
	return cmd
}

// newModelsAction makes a command on one model or version, its argument, or none where optional.
func (a *app) newModelsAction(use, short string, optional bool, do func(ctx context.Context, r *registry.Registry, ref registry.Ref) error) *cobra.Command {
	var dir string
	name, argument, _ := strings.Cut(use, " ")
	cmd := &cobra.Command{Use: use + " --registry DIR", Short: short}
	cmd.Flags().StringVar(&dir, "registry", "", "`directory` of the registry (required)")
	require(cmd, "registry")
	cmd.Args = func(_ *cobra.Command, args []string) error {
		if len(args) == 1 || optional && len(args) == 0 {
			return nil
		}
		return fmt.Errorf("give one %s", strings.Trim(argument, "[]"))
	}
	cmd.Example = "  penstock models " + name + " " + exampleOf(argument) + " --registry registry"
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		var ref registry.Ref
		if len(args) == 1 {
			var err error
			if ref, err = registry.ParseRef(args[0]); err != nil {
				return err
			}
			if ref.Version != "" && !strings.Contains(argument, "@") {
				return fmt.Errorf("%q names a version: give a model's name alone", args[0])
			}
			if ref.Version == "" && argument == "NAME@V" {
				return fmt.Errorf("say which version of %s: give NAME@VERSION", ref.Name)
			}
		}
		return a.run(func(ctx context.Context) error { return do(ctx, registry.Open(dir), ref) })(cmd, args)
	}
	return cmd
}

// exampleOf is an argument as one would write it.
func exampleOf(argument string) string {
	return strings.NewReplacer("NAME", "census", "[@V]", "@v2", "@V", "@v2", "[", "", "]", "").Replace(argument)
}

func newModelsCreate(a *app) *cobra.Command {
	var info registry.Info
	cmd := a.newModelsAction("create NAME", "Add a model, which has no versions yet", false, func(ctx context.Context, r *registry.Registry, ref registry.Ref) error {
		info.Name = ref.Name
		m, err := r.Create(ctx, info)
		if err != nil {
			return err
		}
		return a.print(m, func(w io.Writer) { row(w, "created", m.Name) })
	})
	cmd.Flags().StringVar(&info.Description, "description", "", "`words` about the model")
	cmd.Flags().StringToStringVar(&info.Labels, "labels", nil, "`labels`, a comma-separated list of KEY=VALUE")
	return cmd
}

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

func newModelsList(a *app) *cobra.Command {
	return a.newModelsAction("list [NAME]", "List models, or the versions of one", true, func(ctx context.Context, r *registry.Registry, ref registry.Ref) error {
		if ref.Name == "" {
			return a.listModels(ctx, r)
		}
		return a.listVersions(ctx, r, ref.Name)
	})
}

func (a *app) listModels(ctx context.Context, r *registry.Registry) error {
	names, err := r.Names(ctx)
	if err != nil {
		return err
	}
	models := []*registry.Model{}
	for _, name := range names {
		m, err := r.Model(ctx, name)
		if err != nil {
			return err
		}
		models = append(models, m)
	}
	return a.print(models, func(w io.Writer) {
		row(w, "MODEL", "DEFAULT", "VERSIONS", "CREATED", "LABELS")
		for _, m := range models {
			row(w, m.Name, m.Default, len(m.Versions), m.Created.Local().Format(time.DateTime), labels(m.Labels))
		}
	})
}

func (a *app) listVersions(ctx context.Context, r *registry.Registry, name string) error {
	m, err := r.Model(ctx, name)
	if err != nil {
		return err
	}
	versions, err := r.Versions(ctx, name)
	if err != nil {
		return err
	}
	if versions == nil {
		versions = []*registry.Version{}
	}
	return a.print(versions, func(w io.Writer) {
		row(w, "VERSION", "DEFAULT", "CREATED", "AUC", "WEIGHTS", "LABELS")
		for _, v := range versions {
			mark := ""
			if v.Version == m.Default {
				mark = "*"
			}
			row(w, v.Version, mark, v.Created.Local().Format(time.DateTime), figureOf(v, "auc"), v.WeightsSHA256[:12], labels(v.Labels))
		}
	})
}

// figureOf is a figure of a version's evaluation.
func figureOf(v *registry.Version, name string) string {
	if v.Evaluation == nil {
		return figure(nil)
	}
	x, ok := v.Evaluation.Figures[name]
	if !ok {
		return figure(nil)
	}
	return figure(&x)
}

func newModelsDescribe(a *app) *cobra.Command {
	return a.newModelsAction("describe NAME[@V]", "Print all that is known of a model or a version", false, func(ctx context.Context, r *registry.Registry, ref registry.Ref) error {
		if ref.Version == "" {
			return a.describeModel(ctx, r, ref.Name)
		}
		return a.describeVersion(ctx, r, ref)
	})
}

func (a *app) describeModel(ctx context.Context, r *registry.Registry, name string) error {
	m, err := r.Model(ctx, name)
	if err != nil {
		return err
	}
	return a.print(m, func(w io.Writer) {
		row(w, "model", m.Name)
		row(w, "description", m.Description)
		row(w, "labels", labels(m.Labels))
		row(w, "created", m.Created.Local().Format(time.DateTime))
		row(w, "default", m.Default)
		row(w, "versions", strings.Join(m.Versions, ", "))
	})
}

func (a *app) describeVersion(ctx context.Context, r *registry.Registry, ref registry.Ref) error {
	dir, err := r.Locate(ctx, ref)
	if err != nil {
		return err
	}
	v, err := r.Version(ctx, ref)
	if err != nil {
		return err
	}
	text, err := saved.ReadFile(ctx, dir, saved.ModelFile)
	if err != nil {
		return err
	}
	whole := struct {
		*registry.Version
		Directory string `json:"directory"`
		ModelYAML string `json:"model_yaml"`
	}{v, dir, string(text)}
	return a.print(whole, func(w io.Writer) {
		row(w, "version", v.Ref())
		row(w, "labels", labels(v.Labels))
		row(w, "created", v.Created.Local().Format(time.DateTime))
		row(w, "source", v.Source)
		row(w, "directory", dir)
		row(w, "weights sha256", v.WeightsSHA256)
		if v.Evaluation != nil {
			for _, name := range sortedKeys(v.Evaluation.Figures) {
				row(w, name, number(v.Evaluation.Figures[name]))
			}
		}
		fmt.Fprintf(w, "\n%s", text)
	})
}

func newModelsSetDefault(a *app) *cobra.Command {
	return a.newModelsAction("set-default NAME@V", "Make a version the default, to roll out or back", false, func(ctx context.Context, r *registry.Registry, ref registry.Ref) error {
		before, err := r.SetDefault(ctx, ref)
		if err != nil {
			return err
		}
		result := map[string]string{"name": ref.Name, "default": ref.Version, "before": before}
		return a.print(result, func(w io.Writer) { row(w, "default", ref, "before "+before) })
	})
}

func newModelsDelete(a *app) *cobra.Command {
	return a.newModelsAction("delete NAME[@V]", "Delete a version, or a model without versions", false, func(ctx context.Context, r *registry.Registry, ref registry.Ref) (err error) {
		if ref.Version == "" {
			err = r.DeleteModel(ctx, ref.Name)
		} else {
			err = r.DeleteVersion(ctx, ref)
		}
		if err != nil {
			return err
		}
		return a.print(map[string]string{"deleted": ref.String()}, func(w io.Writer) { row(w, "deleted", ref) })
	})
}

// labels are written as they are given.
func labels(m map[string]string) string {
	var pairs []string
	for _, key := range sortedKeys(m) {
		pairs = append(pairs, key+"="+m[key])
	}
	return strings.Join(pairs, ",")
}
