package cli

import (
	"context"
	"io"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"

	"github.com/penstock-ml/penstock/models/kernel"
)

// build says what program this is, and what it computes with here.
type build struct {
	Version  string `json:"version"`
	Go       string `json:"go"`
	Platform string `json:"platform"`
	Kernel   string `json:"kernel"`
}

func newVersionCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:     "version",
		Short:   "Print the version, and the kernel that this machine runs",
		Example: "  penstock version --format json",
		Args:    noArguments,
		RunE: a.run(func(context.Context) error {
			b := build{Version: "unknown", Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH, Kernel: kernel.Name()}
			if info, ok := debug.ReadBuildInfo(); ok {
				b.Version = info.Main.Version
			}
			return a.print(b, func(w io.Writer) {
				row(w, "version", b.Version)
				row(w, "go", b.Go)
				row(w, "platform", b.Platform)
				row(w, "kernel", b.Kernel)
			})
		}),
	}
}
