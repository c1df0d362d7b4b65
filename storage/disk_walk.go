package storage

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

func (disk) list(ctx context.Context, dir string) ([]Info, error) {
	var infos []Info
	err := walk(ctx, filepath.Clean(dir), func(info Info) { infos = append(infos, info) })
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return infos, err
}

// walk visits every file below a directory. Links to files are files; links to
// directories are not followed, so that a walk ends.
func walk(ctx context.Context, dir string, visit func(Info)) error {
	entries, err := readDir(ctx, dir)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		path := filepath.Join(dir, entry.Name())
		if entry.IsDir() {
			if err := walk(ctx, path, visit); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
		} else if info, err := (disk{}).stat(ctx, path); err == nil {
			visit(info)
		}
	}
	return nil
}

// readDir returns the committed entries of a directory.
func readDir(ctx context.Context, dir string) ([]fs.DirEntry, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	kept := entries[:0]
	for _, entry := range entries {
		if !strings.HasPrefix(entry.Name(), tempPrefix) {
			kept = append(kept, entry)
		}
	}
	return kept, nil
}

func (disk) glob(ctx context.Context, pattern string) ([]Info, error) {
	root := literalPrefix(pattern)
	g := &diskGlob{ctx: ctx}
	err := g.expand(root, strings.Split(pattern[len(root):], "/"))
	return g.found, err
}

// diskGlob expands a pattern segment by segment, so that only directories that
// can hold a match are read.
type diskGlob struct {
	ctx   context.Context
	found []Info
}

// expand finds the files below dir (empty, or with its final slash) that match
// the rest of the pattern.
func (g *diskGlob) expand(dir string, rest []string) error {
	segment := rest[0]
	if strings.Contains(segment, "**") {
		return g.expandTree(dir, strings.Join(rest, "/"))
	}
	if !hasMeta(segment) {
		return g.descend(dir+unescape(segment), rest[1:])
	}
	match, err := compile(segment)
	if err != nil {
		return err
	}
	entries, err := readDir(g.ctx, nonEmpty(dir))
	if err != nil {
		return ignoreAbsent(err)
	}
	for _, entry := range entries {
		if match.MatchString(entry.Name()) {
			if err := g.descend(dir+entry.Name(), rest[1:]); err != nil {
				return err
			}
		}
	}
	return nil
}

// descend goes on below a path that matched so far, or collects it when the
// pattern ends there.
func (g *diskGlob) descend(path string, rest []string) error {
	if len(rest) > 0 {
		return g.expand(path+"/", rest)
	}
	if info, err := (disk{}).stat(g.ctx, path); err == nil {
		g.found = append(g.found, info)
	}
	return nil
}

// expandTree matches a pattern that reaches across directories.
func (g *diskGlob) expandTree(dir, pattern string) error {
	match, err := compile(pattern)
	if err != nil {
		return err
	}
	root := nonEmpty(dir)
	return ignoreAbsent(walk(g.ctx, root, func(info Info) {
		relative, err := filepath.Rel(root, info.Path)
		if err == nil && match.MatchString(filepath.ToSlash(relative)) {
			info.Path = dir + relative
			g.found = append(g.found, info)
		}
	}))
}

// nonEmpty turns the empty prefix of a relative pattern into a directory.
func nonEmpty(dir string) string {
	if dir == "" {
		return "."
	}
	return dir
}

// ignoreAbsent forgives what a pattern's own guess or a racing deletion causes.
func ignoreAbsent(err error) error {
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) {
		return nil
	}
	return err
}
