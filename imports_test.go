package main

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/penstock-ml/penstock"

// arrows are the imports that may exist between the parts, by top-level directory. README.md prints them.
var arrows = map[string][]string{
	"main":       {"cli"},
	"cli":        {"pipelines", "runners", "serve", "models", "storage"},
	"pipelines":  {"transforms", "models", "storage"},
	"transforms": {"models", "storage"},
	"serve":      {"models", "storage"},
	"models":     {"storage"},
	"runners":    {"storage"},
	"storage":    {},
	"examples":   {"cli", "models"},
	"bench":      {"models"},
}

// beamUsers are the parts that may import Beam; of Beam's runners only package runners may import any.
var beamUsers = []string{"main", "cli", "pipelines", "transforms", "runners"}

const (
	beam        = "github.com/apache/beam/"
	beamRunners = "github.com/apache/beam/sdks/v2/go/pkg/beam/runners/"
)

func TestImportsFollowTheArrows(t *testing.T) {
	seen := map[string]bool{}
	for file, imports := range importsByFile(t) {
		from := part(filepath.ToSlash(file))
		if _, known := arrows[from]; !known {
			t.Errorf("%s is in %q, which has no arrows: add the part to the picture or move the file", file, from)
			continue
		}
		seen[from] = true
		for _, path := range imports {
			checkImport(t, file, from, path)
		}
	}
	for from := range arrows {
		if !seen[from] {
			t.Errorf("the picture has %q, which has no Go files", from)
		}
	}
}

func checkImport(t *testing.T, file, from, path string) {
	switch {
	case strings.HasPrefix(path, module+"/"):
		to := part(strings.TrimPrefix(path, module+"/") + "/x.go")
		if to != from && !slices.Contains(arrows[from], to) {
			t.Errorf("%s imports %s: there is no arrow from %s to %s", file, path, from, to)
		}
	case strings.HasPrefix(path, beamRunners) && from != "runners":
		t.Errorf("%s imports %s: only package runners may", file, path)
	case strings.HasPrefix(path, beam) && !slices.Contains(beamUsers, from):
		t.Errorf("%s imports %s: %s is free of Beam", file, path, from)
	case path == "flag" && !slices.Contains([]string{"main", "cli", "bench", "runners"}, from):
		t.Errorf("%s imports flag: only cli, bench and, for what runners hand to workers, runners read flags", file)
	}
}

// The picture in the README is the one that is enforced.
func TestReadmeShowsTheArrows(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	for from, to := range arrows {
		if len(to) == 0 {
			continue
		}
		if line := from + " -> " + strings.Join(to, ", "); !strings.Contains(string(readme), line) {
			t.Errorf("README.md lacks the line %q", line)
		}
	}
}

// part is the top-level directory that a file belongs to; "main" for the root.
func part(file string) string {
	directory, _, nested := strings.Cut(file, "/")
	if !nested {
		return "main"
	}
	return directory
}

// importsByFile parses every Go file of the module that is not a test; nested modules are not part of it.
func importsByFile(t *testing.T) map[string][]string {
	found := map[string][]string{}
	err := filepath.WalkDir(".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() {
			if _, err := os.Stat(filepath.Join(path, "go.mod")); path != "." && err == nil || strings.HasPrefix(entry.Name(), ".") && path != "." {
				return filepath.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		found[path] = []string{}
		for _, i := range file.Imports {
			imported, err := strconv.Unquote(i.Path.Value)
			if err != nil {
				return err
			}
			found[path] = append(found[path], imported)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}
