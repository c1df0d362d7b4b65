package registry

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"time"

	"github.com/penstock-ml/penstock/models/saved"
	"github.com/penstock-ml/penstock/models/spec"
)

// Deployment is what Deploy shall do.
type Deployment struct {
	Name string
	// Export is the directory to copy.
	Export string
	// Version is the new version's name; empty is v1, v2 and so on.
	Version string
	Labels  map[string]string
	// Evaluation has the model's figures, which Requirements and NotWorse, names of figures, are about.
	Evaluation   *Evaluation
	Requirements []Requirement
	NotWorse     []string
}

// Deploy copies an export into the registry as a new version, once it is known to meet what is required of it. The
// first version of a model becomes its default. A version that exists is fs.ErrExist.
func (r *Registry) Deploy(ctx context.Context, d Deployment) (*Version, error) {
	m, err := r.Model(ctx, d.Name)
	if err != nil {
		return nil, err
	}
	files, err := saved.ReadDir(ctx, d.Export)
	if err != nil {
		return nil, err
	}
	v, err := describe(files, d)
	if err != nil {
		return nil, err
	}
	if err := r.admit(ctx, m, v, d); err != nil {
		return nil, err
	}
	if err := r.write(ctx, v, files); err != nil {
		return nil, err
	}
	return v, r.makeFirstDefault(ctx, v)
}

// describe is the version of an export's files, but for its name.
func describe(files map[string][]byte, d Deployment) (*Version, error) {
	if files[saved.ModelFile] == nil || files[saved.WeightsFile] == nil {
		return nil, fmt.Errorf("%s holds no model", d.Export)
	}
	s, err := spec.Parse(d.Export, files[saved.ModelFile])
	if err != nil {
		return nil, err
	}
	return &Version{
		Name: d.Name, Version: d.Version, Created: time.Now().UTC(), Labels: d.Labels, Source: d.Export,
		WeightsSHA256: saved.Digest(files[saved.WeightsFile]), Spec: s.Name, Kind: s.Model.Kind, Evaluation: d.Evaluation,
	}, nil
}

// write makes the version's directory. Without a name of the user's it takes the next one that was never used.
func (r *Registry) write(ctx context.Context, v *Version, files map[string][]byte) error {
	if v.Version != "" {
		if err := checkVersion(v.Version); err != nil {
			return err
		}
		return r.writeVersion(ctx, v, files)
	}
	for {
		err := r.changePointer(ctx, v.Name, func(p *pointer) error {
			p.Last++
			v.Version = "v" + strconv.Itoa(p.Last)
			return nil
		})
		if err != nil {
			return err
		}
		if err := r.writeVersion(ctx, v, files); !errors.Is(err, fs.ErrExist) {
			return err
		}
	}
}

func (r *Registry) writeVersion(ctx context.Context, v *Version, files map[string][]byte) error {
	info, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	all := []saved.File{{Name: versionFile, Data: append(info, '\n')}}
	for name, data := range files {
		if name != versionFile { // of a version that is deployed from another
			all = append(all, saved.File{Name: name, Data: data})
		}
	}
	return saved.WriteDir(ctx, r.versionDir(v.Ref()), all)
}

// makeFirstDefault makes a version the default where there is none.
func (r *Registry) makeFirstDefault(ctx context.Context, v *Version) error {
	return r.changePointer(ctx, v.Name, func(p *pointer) error {
		if p.Default == "" {
			p.Default = v.Version
		}
		return nil
	})
}
