package cli

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/penstock-ml/penstock/models/registry"
	"github.com/penstock-ml/penstock/models/saved"
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
