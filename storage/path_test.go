package storage

import (
	"context"
	"strings"
	"testing"

	"github.com/penstock-ml/penstock/storage/storagetest"
)

func TestPaths(t *testing.T) {
	for _, test := range []struct{ path, dir, base, joined string }{
		{"a/b", "a", "b", "a/b/x/y"},
		{"/a", "/", "a", "/a/x/y"},
		{"a", ".", "a", "a/x/y"},
		{"gs://bucket/a/b", "gs://bucket/a", "b", "gs://bucket/a/b/x/y"},
		{"gs://bucket/a/", "gs://bucket", "a", "gs://bucket/a/x/y"},
		{"gs://bucket/a", "gs://bucket", "a", "gs://bucket/a/x/y"},
		{"gs://bucket", "gs://bucket", "bucket", "gs://bucket/x/y"},
	} {
		if got := Dir(test.path); got != test.dir {
			t.Errorf("Dir(%q) = %q, want %q", test.path, got, test.dir)
		}
		if got := Base(test.path); got != test.base {
			t.Errorf("Base(%q) = %q, want %q", test.path, got, test.base)
		}
		if got := Join(test.path, "x", "y"); got != test.joined {
			t.Errorf("Join(%q) = %q, want %q", test.path, got, test.joined)
		}
		if got := IsLocal(test.path); got != !strings.HasPrefix(test.path, "gs:") {
			t.Errorf("IsLocal(%q) = %v", test.path, got)
		}
	}
}

func TestCloudPathErrors(t *testing.T) {
	storagetest.StartCloud(t, "bucket")
	for path, want := range map[string]string{
		"gs://":         "no bucket",
		"gs:///x":       "no bucket",
		"gs://bucket":   "names a bucket",
		"gs://bucket/":  "names a bucket",
		"gs://absent/x": "no such",
	} {
		_, err := ReadFile(context.Background(), path)
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), path) {
			t.Errorf("ReadFile(%q): %v, want one with %q", path, err, want)
		}
	}
}
