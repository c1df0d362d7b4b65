package saved

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"sort"
	"strconv"
	"strings"

	"github.com/penstock-ml/penstock/storage"
)

const exportDir = "export"

// Locate returns the directory of the model that name stands for: name itself
// where it is an export, else the newest valid export in it, name being a job
// directory, its export directory, or one of the named directories there.
func Locate(ctx context.Context, name string) (dir string, err error) {
	_, err = storage.Stat(ctx, storage.Join(name, manifestName))
	if err == nil {
		return name, nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("cannot look for a model in %s: %w", name, err)
	}
	for _, root := range []string{storage.Join(name, exportDir), name} {
		dir, err := newestExport(ctx, root)
		if dir != "" || err != nil {
			return dir, err
		}
	}
	return "", fmt.Errorf("%s is neither an exported model nor a job directory that holds one: %w", name, fs.ErrNotExist)
}

// newestExport returns the newest valid export below root, "" where there is no
// export at all, and an error where all are damaged.
func newestExport(ctx context.Context, root string) (string, error) {
	exports, err := listExports(ctx, root)
	if err != nil {
		return "", err
	}
	var firstErr error
	for _, dir := range exports {
		_, err := ReadDir(ctx, dir)
		if err == nil {
			return dir, nil
		}
		if !errors.Is(err, ErrNotCommitted) {
			return "", err
		}
		if firstErr == nil {
			firstErr = err
		}
	}
	if firstErr != nil {
		return "", fmt.Errorf("no valid export in %s: %w", root, firstErr)
	}
	return "", nil
}

// An export's MANIFEST.json below JOB_DIR/export or JOB_DIR/export/NAME.
var exportManifest = regexp.MustCompile(`^(?:[^/]+/)?([0-9]{1,18})/MANIFEST\.json$`)

// listExports returns the exports below root, newest first and those of the same
// second by name.
func listExports(ctx context.Context, root string) ([]string, error) {
	root = storage.Join(root) // as List's paths begin
	infos, err := storage.List(ctx, root)
	if err != nil {
		return nil, fmt.Errorf("cannot list %s: %w", root, err)
	}
	seconds := make(map[string]int64)
	var dirs []string
	for _, info := range infos {
		relative := strings.TrimPrefix(strings.TrimPrefix(info.Path, root), "/")
		match := exportManifest.FindStringSubmatch(relative)
		if match == nil {
			continue
		}
		dir := storage.Dir(info.Path)
		seconds[dir], _ = strconv.ParseInt(match[1], 10, 64) // 18 digits always fit
		dirs = append(dirs, dir)
	}
	sort.SliceStable(dirs, func(i, j int) bool { return seconds[dirs[i]] > seconds[dirs[j]] })
	return dirs, nil
}
