package registry

import (
	"context"
	"errors"
	"io/fs"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/penstock-ml/penstock/models/predictor/predictortest"
	"github.com/penstock-ml/penstock/models/saved"
	"github.com/penstock-ml/penstock/storage"
	"github.com/penstock-ml/penstock/storage/storagetest"
)

// onBoth runs a test with a registry on disk and with one on Cloud Storage, each with an export to deploy.
func onBoth(t *testing.T, test func(t *testing.T, r *Registry, export string)) {
	for name, root := range map[string]string{"disk": t.TempDir(), "cloud": "gs://bucket/" + t.Name()} {
		t.Run(name, func(t *testing.T) {
			if !storage.IsLocal(root) {
				storagetest.StartCloud(t, "bucket")
			}
			export, _, err := saved.WriteExport(t.Context(), storage.Join(root, "job"), "toy", time.Unix(1000, 0), predictortest.Model(t))
			if err != nil {
				t.Fatal(err)
			}
			r := Open(storage.Join(root, "registry"))
			if _, err := r.Create(t.Context(), Info{Name: "toy"}); err != nil {
				t.Fatal(err)
			}
			test(t, r, export)
		})
	}
}

func deploy(t *testing.T, r *Registry, d Deployment) *Version {
	t.Helper()
	d.Name = "toy"
	v, err := r.Deploy(t.Context(), d)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func refused(t *testing.T, err error, words string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), words) {
		t.Errorf("the error is %v, want one that says %q", err, words)
	}
}

func TestVersions(t *testing.T) {
	onBoth(t, func(t *testing.T, r *Registry, export string) {
		ctx := t.Context()
		_, err := r.Create(ctx, Info{Name: "toy"})
		if !errors.Is(err, fs.ErrExist) {
			t.Errorf("the second creation: %v", err)
		}
		_, err = r.Locate(ctx, Ref{Name: "toy"})
		refused(t, err, "has no version yet")
		for _, want := range []string{"v1", "v2"} {
			if v := deploy(t, r, Deployment{Export: export}); v.Version != want {
				t.Errorf("deployed %s, want %s", v.Version, want)
			}
		}
		deploy(t, r, Deployment{Export: export, Version: "2026.11", Labels: map[string]string{"a": "b"}})
		_, err = r.Deploy(ctx, Deployment{Name: "toy", Export: export, Version: "v1"})
		if !errors.Is(err, fs.ErrExist) {
			t.Errorf("v1 for the second time: %v", err)
		}
		dir, err := r.Locate(ctx, Ref{Name: "toy"})
		if err != nil || !strings.HasSuffix(dir, "/toy/versions/v1") {
			t.Errorf("the default is %s, %v", dir, err)
		}
		copied, err := saved.ReadExport(ctx, dir)
		if err != nil || copied.Spec.Name != predictortest.Model(t).Spec.Name {
			t.Errorf("the version: %v, %v", copied, err)
		}
		before, err := r.SetDefault(ctx, Ref{"toy", "2026.11"})
		if before != "v1" || err != nil {
			t.Errorf("before, the default was %s, %v", before, err)
		}
		v, err := r.Version(ctx, Ref{Name: "toy"})
		if err != nil || v.Version != "2026.11" || v.Labels["a"] != "b" || v.WeightsSHA256 == "" || v.Kind != "wide_deep" {
			t.Errorf("the default is %+v, %v", v, err)
		}
		_, err = r.SetDefault(ctx, Ref{"toy", "v9"})
		refused(t, err, "has no version v9 (it has v1, v2, 2026.11)")
		_, err = r.Locate(ctx, Ref{Name: "tyo"})
		refused(t, err, "there is no model tyo in "+r.Dir()+" (it has toy)")
	})
}

func TestTheDefaultGoesLast(t *testing.T) {
	onBoth(t, func(t *testing.T, r *Registry, export string) {
		ctx := t.Context()
		deploy(t, r, Deployment{Export: export})
		deploy(t, r, Deployment{Export: export})
		refused(t, r.DeleteVersion(ctx, Ref{"toy", "v1"}), "is the default")
		refused(t, r.DeleteModel(ctx, "toy"), "has versions: delete v1, v2 first")
		for _, version := range []string{"v2", "v1"} {
			if err := r.DeleteVersion(ctx, Ref{"toy", version}); err != nil {
				t.Fatal(err)
			}
		}
		m, err := r.Model(ctx, "toy")
		if err != nil || m.Default != "" || len(m.Versions) > 0 {
			t.Errorf("what is left: %+v, %v", m, err)
		}
		if err := r.DeleteModel(ctx, "toy"); err != nil {
			t.Fatal(err)
		}
		if files, err := storage.List(ctx, r.Dir()); len(files) > 0 || err != nil {
			t.Errorf("files left: %v, %v", files, err)
		}
	})
}

// A version that is half deleted, or damaged, is none, and does not become the default.
func TestWhatIsNotWholeIsAbsent(t *testing.T) {
	onBoth(t, func(t *testing.T, r *Registry, export string) {
		ctx := t.Context()
		deploy(t, r, Deployment{Export: export})
		deploy(t, r, Deployment{Export: export})
		if err := storage.Delete(ctx, storage.Join(r.versionDir(Ref{"toy", "v2"}), "MANIFEST.json")); err != nil {
			t.Fatal(err)
		}
		_, err := r.SetDefault(ctx, Ref{"toy", "v2"})
		refused(t, err, "has no version v2 (it has v1)")
		err = r.changePointer(ctx, "toy", func(p *pointer) error { p.Deleting = []string{"v3"}; return nil })
		if err != nil {
			t.Fatal(err)
		}
		deploy(t, r, Deployment{Export: export, Version: "v3"})
		_, err = r.SetDefault(ctx, Ref{"toy", "v3"})
		refused(t, err, "is being deleted")
	})
}

// Many who deploy, make default and delete at the same time lose nothing, and leave a default that is there.
func TestConcurrentChanges(t *testing.T) {
	onBoth(t, func(t *testing.T, r *Registry, export string) {
		const people = 4
		ctx := t.Context()
		var wg sync.WaitGroup
		for range people {
			wg.Go(func() {
				v, err := r.Deploy(ctx, Deployment{Name: "toy", Export: export})
				if err != nil {
					t.Error(err)
					return
				}
				if _, err := r.SetDefault(ctx, v.Ref()); err != nil {
					t.Error(err)
				}
				err = r.DeleteVersion(ctx, v.Ref())
				if err != nil && !strings.Contains(err.Error(), "is the default") {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		m, err := r.Model(ctx, "toy")
		if err != nil {
			t.Fatal(err)
		}
		if m.Default != "" && !slices.Contains(m.Versions, m.Default) || m.Default == "" && len(m.Versions) > 0 {
			t.Errorf("the default is %q of %v", m.Default, m.Versions)
		}
	})
}

func TestGates(t *testing.T) {
	onBoth(t, func(t *testing.T, r *Registry, export string) {
		evaluation := func(auc, loss, examples float64) *Evaluation {
			return &Evaluation{Figures: map[string]float64{"auc": auc, "loss": loss, "examples": examples}}
		}
		try := func(d Deployment) error {
			d.Name, d.Export = "toy", export
			_, err := r.Deploy(context.Background(), d)
			return err
		}
		q, err := ParseRequirement("auc >= 0.9")
		if err != nil {
			t.Fatal(err)
		}
		strict := []Requirement{q}
		refused(t, try(Deployment{Requirements: strict}), "an evaluation is needed")
		refused(t, try(Deployment{Requirements: strict, Evaluation: evaluation(.89, .3, 10)}), "auc is 0.89, and auc>=0.9 is required")
		refused(t, try(Deployment{Requirements: []Requirement{{"acu", ">", 0}}, Evaluation: evaluation(.89, .3, 10)}), "the evaluation has no acu, only auc, examples, loss")
		other := evaluation(.95, .3, 10)
		other.WeightsSHA256 = "of another model"
		refused(t, try(Deployment{Evaluation: other}), "is of other weights")
		deploy(t, r, Deployment{Export: export, Requirements: strict, Evaluation: evaluation(.92, .3, 10), NotWorse: []string{"loss"}})
		refused(t, try(Deployment{Evaluation: evaluation(.95, .31, 10), NotWorse: []string{"auc", "loss"}}), "loss is 0.31, worse than that of the default, toy@v1, 0.3")
		refused(t, try(Deployment{Evaluation: evaluation(.91, .29, 10), NotWorse: []string{"auc", "loss"}}), "auc is 0.91, worse")
		refused(t, try(Deployment{Evaluation: evaluation(.95, .29, 11), NotWorse: []string{"loss"}}), "over 11 examples and that of the default, toy@v1, over 10")
		deploy(t, r, Deployment{Export: export, Evaluation: evaluation(.92, .3, 10), NotWorse: []string{"auc", "loss"}})
		if m, err := r.Model(t.Context(), "toy"); err != nil || len(m.Versions) != 2 {
			t.Errorf("the versions are %v, %v", m, err)
		}
	})
}

func TestNames(t *testing.T) {
	for _, text := range []string{"", ".", "..", "a/b", "../a", "a@", "a@.", "a@..", "a@b/../c", "a@1..2", "a@.1", "a@1.", "-a", "a b", "a@b@c", "ä", strings.Repeat("a", 129)} {
		if ref, err := ParseRef(text); err == nil {
			t.Errorf("%q is taken for %+v", text, ref)
		}
	}
	for text, want := range map[string]Ref{"a": {"a", ""}, "a_B-1@v1": {"a_B-1", "v1"}, "_@1.0.2-rc": {"_", "1.0.2-rc"}} {
		if ref, err := ParseRef(text); err != nil || ref != want || ref.String() != text {
			t.Errorf("%q is %+v, %v", text, ref, err)
		}
	}
}

func TestParsers(t *testing.T) {
	for _, text := range []string{"", "auc", "auc=1", "auc>=", "auc>=x", ">=1", "auc>=1 and more"} {
		if q, err := ParseRequirement(text); err == nil {
			t.Errorf("%q is taken for %+v", text, q)
		}
	}
	for _, text := range []string{"", "[]", "{}", `{"auc":1}`} {
		if e, err := ParseEvaluation([]byte(text)); err == nil {
			t.Errorf("%q is taken for %+v", text, e)
		}
	}
	for _, text := range []string{
		`{"examples":3,"auc":0.5,"precision":null,"confusion_matrix":[[1]],"weights_sha256":"x"}`,
		`{"steps":9,"metrics":{"examples":3,"auc":0.5},"weights_sha256":"x"}`,
	} {
		e, err := ParseEvaluation([]byte(text))
		if err != nil || len(e.Figures) != 2 || e.Figures["auc"] != .5 || e.WeightsSHA256 != "x" {
			t.Errorf("%s: %+v, %v", text, e, err)
		}
	}
}
