package cli

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/pflag"

	"github.com/penstock-ml/penstock/models/registry"
	"github.com/penstock-ml/penstock/models/saved"
)

// modelFlags say which model a command uses: --model and --registry.
type modelFlags struct {
	model, registry string
}

func (f *modelFlags) add(flags *pflag.FlagSet) {
	flags.StringVar(&f.model, "model", "", "directory of an exported `model` or of a job, or NAME[@VERSION] with --registry (required)")
	flags.StringVar(&f.registry, "registry", "", "`directory` of a registry of models")
}

// locate returns the directory of the model's export.
func (f *modelFlags) locate(ctx context.Context) (dir string, err error) {
	if f.registry == "" {
		dir, err = saved.Locate(ctx, f.model)
	} else {
		dir, err = locateVersion(ctx, f.registry, f.model)
	}
	if err != nil {
		return "", fmt.Errorf("--model: %w", err)
	}
	return dir, nil
}

// hasVersion tells whether a name in a registry is that of one version.
func hasVersion(name string) bool { return strings.Contains(name, "@") }

func locateVersion(ctx context.Context, dir, name string) (string, error) {
	ref, err := registry.ParseRef(name)
	if err != nil {
		return "", err
	}
	return registry.Open(dir).Locate(ctx, ref)
}
