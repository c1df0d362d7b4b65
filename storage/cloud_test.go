package storage

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"testing"

	"github.com/penstock-ml/penstock/storage/storagetest"
)

func TestCloudCancelledWrite(t *testing.T) {
	storagetest.StartCloud(t, "bucket")
	ctx, cancel := context.WithCancel(context.Background())
	w, err := Create(ctx, "gs://bucket/f")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(w, "lost"); err != nil {
		t.Fatal(err)
	}
	cancel()
	if err := w.Close(); !errors.Is(err, context.Canceled) {
		t.Errorf("Close after its context ended: %v", err)
	}
	wantList(t, "gs://bucket")
}

// TestCloudContentEncoding reads an object that the service offers to expand.
func TestCloudContentEncoding(t *testing.T) {
	storagetest.StartCloud(t, "bucket")
	var stored bytes.Buffer
	z := gzip.NewWriter(&stored)
	if err := errors.Join(second(io.WriteString(z, "text")), z.Close()); err != nil {
		t.Fatal(err)
	}
	o, err := object("gs://bucket/f.gz")
	if err != nil {
		t.Fatal(err)
	}
	w := o.NewWriter(context.Background())
	w.ContentEncoding = "gzip"
	if err := errors.Join(second(w.Write(stored.Bytes())), w.Close()); err != nil {
		t.Fatal(err)
	}
	if got := mustRead(t, "gs://bucket/f.gz"); got != stored.String() {
		t.Errorf("read %q, want the bytes as stored", got)
	}
}

// second drops the number of bytes that a write returns.
func second(_ int, err error) error { return err }

// TestCloudPlaceholders hides the empty objects that consoles make for
// directories.
func TestCloudPlaceholders(t *testing.T) {
	storagetest.StartCloud(t, "bucket")
	mustWrite(t, "gs://bucket/dir/", "")
	mustWrite(t, "gs://bucket/dir/f", "x")
	wantList(t, "gs://bucket/dir", "f")
	wantList(t, "gs://bucket", "dir/f")
}
