package saved

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strconv"
	"time"

	"github.com/penstock-ml/penstock/models/features"
	"github.com/penstock-ml/penstock/models/spec"
	"github.com/penstock-ml/penstock/storage"
)

// Files of an export, beside its features.
const (
	ModelFile   = "model.yaml"
	WeightsFile = "weights.safetensors"
)

// Model is all that prediction needs.
type Model struct {
	Spec     *spec.Spec
	Features *features.Fitted
	Weights  []Tensor
}

// WriteExport writes the model to jobDir/export/name/<unix seconds of at>, or to
// the next free second where that is taken; concurrent exports never share one.
// It returns the directory and the SHA-256 of its weights.safetensors.
func WriteExport(ctx context.Context, jobDir, name string, at time.Time, m *Model) (dir, weightsSHA256 string, err error) {
	if !fs.ValidPath(name) || path.Base(name) != name || name == "." {
		return "", "", fmt.Errorf("%q is no name for an export; give one without slashes", name)
	}
	files, err := m.files()
	if err != nil {
		return "", "", fmt.Errorf("cannot export the model: %w", err)
	}
	for second := at.Unix(); ; second++ {
		dir = storage.Join(jobDir, exportDir, name, strconv.FormatInt(second, 10))
		err = WriteDir(ctx, dir, files)
		if err == nil {
			return dir, Digest(files[0].Data), nil
		}
		if !errors.Is(err, fs.ErrExist) {
			return "", "", err
		}
	}
}

// files encodes the model: the weights first, then the rest. The features form a
// committed directory of their own within the export.
func (m *Model) files() ([]File, error) {
	weights, err := EncodeTensors(m.Weights)
	if err != nil {
		return nil, err
	}
	model, err := m.Spec.Marshal()
	if err != nil {
		return nil, err
	}
	fitted, err := encodeFeatures(m.Features)
	if err != nil {
		return nil, err
	}
	commit, err := newManifest(fitted)
	if err != nil {
		return nil, err
	}
	fitted = append(fitted, File{manifestName, commit.marshal()})
	return append([]File{{WeightsFile, weights}, {ModelFile, model}}, under(featuresDir, fitted)...), nil
}

// ReadExport reads and verifies the export in dir; see Locate for finding one.
func ReadExport(ctx context.Context, dir string) (*Model, error) {
	files, err := ReadDir(ctx, dir)
	if err != nil {
		return nil, err
	}
	for _, name := range []string{ModelFile, WeightsFile} {
		if files[name] == nil {
			return nil, fmt.Errorf("%s is missing; the directory holds no model", storage.Join(dir, name))
		}
	}
	m := new(Model)
	if m.Spec, err = spec.Parse(storage.Join(dir, ModelFile), files[ModelFile]); err != nil {
		return nil, err
	}
	name := path.Join(featuresDir, featuresName)
	if m.Features, err = decodeFeatures(storage.Join(dir, name), files[name]); err != nil {
		return nil, err
	}
	if m.Weights, err = DecodeTensors(files[WeightsFile]); err != nil {
		return nil, fmt.Errorf("cannot read %s: %w", storage.Join(dir, WeightsFile), err)
	}
	return m, nil
}

// WeightsSHA256 returns the SHA-256 of an export's weights, as WriteExport does.
func WeightsSHA256(ctx context.Context, dir string) (string, error) {
	m, err := readManifest(ctx, dir)
	if err != nil {
		return "", err
	}
	for _, entry := range m.Files {
		if entry.Name == WeightsFile {
			return entry.SHA256, nil
		}
	}
	return "", fmt.Errorf("%s is missing; the directory holds no model", storage.Join(dir, WeightsFile))
}

// under prefixes the names of files by a directory.
func under(dir string, files []File) []File {
	prefixed := make([]File, len(files))
	for i, f := range files {
		prefixed[i] = File{path.Join(dir, f.Name), f.Data}
	}
	return prefixed
}
