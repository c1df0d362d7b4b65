package saved

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"github.com/penstock-ml/penstock/models/features"
	"github.com/penstock-ml/penstock/storage"
)

const (
	featuresDir  = "features"
	featuresName = "features.json"
)

// WriteFeatures creates dir with the fitted features. A committed dir is left
// alone and the error is fs.ErrExist; remains of a crash are cleared away.
func WriteFeatures(ctx context.Context, dir string, f *features.Fitted) error {
	files, err := encodeFeatures(f)
	if err != nil {
		return fmt.Errorf("cannot write %s: %w", dir, err)
	}
	err = WriteDir(ctx, dir, files)
	if !errors.Is(err, fs.ErrExist) {
		return err
	}
	if committed, verifyErr := isCommitted(ctx, dir); verifyErr != nil || committed {
		return errors.Join(err, verifyErr)
	}
	if err := DeleteDir(ctx, dir); err != nil {
		return err
	}
	return WriteDir(ctx, dir, files)
}

// ReadFeatures reads what WriteFeatures wrote.
func ReadFeatures(ctx context.Context, dir string) (*features.Fitted, error) {
	files, err := ReadDir(ctx, dir)
	if err != nil {
		return nil, err
	}
	return decodeFeatures(storage.Join(dir, featuresName), files[featuresName])
}

func encodeFeatures(f *features.Fitted) ([]File, error) {
	data, err := features.Marshal(f)
	if err != nil {
		return nil, err
	}
	return []File{{featuresName, data}}, nil
}

func decodeFeatures(name string, data []byte) (*features.Fitted, error) {
	if data == nil {
		return nil, fmt.Errorf("%s is missing; the directory holds no features", name)
	}
	f, err := features.Unmarshal(data)
	if err != nil {
		return nil, fmt.Errorf("cannot decode %s: %w", name, err)
	}
	return f, nil
}
