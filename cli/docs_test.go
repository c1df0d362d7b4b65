package cli

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"
)

// TestDocs: docs/ has a page for each command, made of what --help says. PENSTOCK_UPDATE=1 writes it anew.
func TestDocs(t *testing.T) {
	root := newRootCommand(newApp(nil, nil, nil, nil))
	pages := map[string]string{}
	var index strings.Builder
	index.WriteString("# Commands\n\nEach page is what `--help` of the command says. The tests hold them to it.\n\n| command | |\n|---|---|\n")
	addPages(root, pages, &index)
	pages["README.md"] = index.String()
	dir := filepath.Join("..", "docs")
	if os.Getenv("PENSTOCK_UPDATE") != "" {
		writePages(t, dir, pages)
	}
	found, err := filepath.Glob(filepath.Join(dir, "*.md"))
	if err != nil || len(found) != len(pages) {
		t.Errorf("docs/ has %d pages of %d, %v", len(found), len(pages), err)
	}
	for name, want := range pages {
		got, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Error(err)
		}
		if diff := cmp.Diff(want, string(got)); diff != "" {
			t.Errorf("docs/%s is not what --help says (-help +page):\n%s", name, diff)
		}
	}
}

func writePages(t *testing.T, dir string, pages map[string]string) {
	t.Helper()
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	for name, text := range pages {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
}

// addPages makes the pages of a command and of those below it.
func addPages(cmd *cobra.Command, pages map[string]string, index *strings.Builder) {
	if cmd.HasParent() && cmd.Runnable() && !cmd.HasAvailableSubCommands() {
		name := strings.ReplaceAll(strings.TrimPrefix(cmd.CommandPath(), "penstock "), " ", "-") + ".md"
		pages[name] = page(cmd)
		fmt.Fprintf(index, "| [%s](%s) | %s |\n", cmd.CommandPath(), name, cmd.Short)
	}
	below := cmd.Commands()
	slices.SortFunc(below, func(a, b *cobra.Command) int { return strings.Compare(a.Name(), b.Name()) })
	for _, c := range below {
		addPages(c, pages, index)
	}
}

func page(cmd *cobra.Command) string {
	var out strings.Builder
	fmt.Fprintf(&out, "# %s\n\n%s.\n\n    %s\n", cmd.CommandPath(), cmd.Short, cmd.UseLine())
	if cmd.Long != "" {
		fmt.Fprintf(&out, "\n%s\n", cmd.Long)
	}
	if cmd.Example != "" {
		fmt.Fprintf(&out, "\n## Examples\n\n%s\n", indented(cmd.Example))
	}
	for _, set := range []struct{ title, usages string }{
		{"Flags", cmd.LocalFlags().FlagUsages()}, {"Flags of every command", cmd.InheritedFlags().FlagUsages()},
	} {
		if set.usages != "" {
			fmt.Fprintf(&out, "\n## %s\n\n%s", set.title, indented(plainSwitches(set.usages)))
		}
	}
	return out.String()
}

// indented makes a block of code of lines.
func indented(text string) string {
	var out strings.Builder
	for line := range strings.Lines(text) {
		out.WriteString(strings.TrimRight("    "+strings.TrimPrefix(line, "  "), " "))
	}
	return out.String()
}
