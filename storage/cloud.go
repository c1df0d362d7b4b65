package storage

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"strings"
	"sync"

	"cloud.google.com/go/storage"
	"google.golang.org/api/googleapi"
	"google.golang.org/api/iterator"
)

// cloud is the driver of Google Cloud Storage.
type cloud struct{}

// clients holds the process's client, by the emulator's host ("" for Google
// itself) so that a test may start another emulator.
var clients = struct {
	sync.Mutex
	byHost map[string]*storage.Client
}{byHost: map[string]*storage.Client{}}

// client returns the process's client.
func client() (*storage.Client, error) {
	clients.Lock()
	defer clients.Unlock()
	host := os.Getenv("STORAGE_EMULATOR_HOST")
	if c := clients.byHost[host]; c != nil {
		return c, nil
	}
	// The client outlives the call that happens to make it, and so does the
	// context of its credentials.
	c, err := storage.NewClient(context.Background())
	if err != nil {
		return nil, err
	}
	// Writing a whole object or deleting one twice does no harm, so that all
	// calls may be retried.
	c.SetRetry(storage.WithPolicy(storage.RetryAlways))
	clients.byHost[host] = c
	return c, nil
}

// split cuts a path into its bucket and the name of the object.
func split(path string) (bucket, name string) {
	bucket, name, _ = strings.Cut(strings.TrimPrefix(path, cloudScheme), "/")
	return bucket, name
}

// bucketOf returns the bucket of a path and the rest of the path.
func bucketOf(path string) (*storage.BucketHandle, string, error) {
	bucket, name := split(path)
	if bucket == "" {
		return nil, "", errors.New("the path has no bucket: write gs://bucket/name")
	}
	c, err := client()
	if err != nil {
		return nil, "", err
	}
	return c.Bucket(bucket), name, nil
}

// object returns the object of a path.
func object(path string) (*storage.ObjectHandle, error) {
	bucket, name, err := bucketOf(path)
	if err != nil {
		return nil, err
	}
	if name == "" {
		return nil, errors.New("the path names a bucket, not a file: write gs://bucket/name")
	}
	return bucket.Object(name), nil
}

func (cloud) open(ctx context.Context, path string, offset, length int64) (io.ReadCloser, error) {
	if length == 0 {
		return io.NopCloser(bytes.NewReader(nil)), nil // the client would ask for all
	}
	o, err := object(path)
	if err != nil {
		return nil, err
	}
	// The service would expand objects stored with a content encoding, and sizes
	// and offsets would not hold.
	r, err := o.ReadCompressed(true).NewRangeReader(ctx, offset, length)
	if statusOf(err) == http.StatusRequestedRangeNotSatisfiable {
		return io.NopCloser(bytes.NewReader(nil)), nil
	}
	if err != nil {
		return nil, translateError(err)
	}
	return &objectReader{Reader: r, path: path}, nil
}

// objectReader puts the path into errors in the middle of an object.
type objectReader struct {
	*storage.Reader
	path string
}

func (r *objectReader) Read(p []byte) (int, error) {
	n, err := r.Reader.Read(p)
	if err != nil && err != io.EOF {
		err = wrap("read", r.path, err)
	}
	return n, err
}

// objectWriter writes an object that appears with Close.
type objectWriter struct {
	*storage.Writer
	cancel context.CancelFunc
	done   bool
}

func (cloud) create(ctx context.Context, path string) (Writer, error) {
	o, err := object(path)
	if err != nil {
		return nil, err
	}
	return newObjectWriter(ctx, o), nil
}

func newObjectWriter(ctx context.Context, o *storage.ObjectHandle) *objectWriter {
	ctx, cancel := context.WithCancel(ctx)
	return &objectWriter{Writer: o.NewWriter(ctx), cancel: cancel}
}

func (w *objectWriter) Close() error {
	defer w.cancel()
	w.done = true
	return translateError(w.Writer.Close())
}

// Abort cancels the upload; the client's Close then only frees what it holds.
func (w *objectWriter) Abort() {
	if !w.done {
		w.done = true
		w.cancel()
		w.Writer.Close()
	}
}

func (cloud) writeIf(ctx context.Context, path string, data []byte, generation int64) (int64, error) {
	o, err := object(path)
	if err != nil {
		return 0, err
	}
	condition := storage.Conditions{GenerationMatch: generation}
	if generation == 0 {
		condition = storage.Conditions{DoesNotExist: true}
	}
	w := newObjectWriter(ctx, o.If(condition))
	if _, err := w.Write(data); err != nil {
		w.Abort()
		return 0, translateError(err)
	}
	if err := w.Close(); err != nil {
		return 0, err
	}
	return w.Attrs().Generation, nil
}

func (cloud) stat(ctx context.Context, path string) (Info, error) {
	o, err := object(path)
	if err != nil {
		return Info{}, err
	}
	attrs, err := o.Attrs(ctx)
	if err != nil {
		return Info{}, translateError(err)
	}
	return infoOf(attrs), nil
}

func (cloud) list(ctx context.Context, dir string) ([]Info, error) {
	return listPrefix(ctx, strings.TrimRight(dir, "/")+"/")
}

// listPrefix returns the objects whose paths begin with a prefix.
func listPrefix(ctx context.Context, prefix string) ([]Info, error) {
	bucket, name, err := bucketOf(prefix)
	if err != nil {
		return nil, err
	}
	query := &storage.Query{Prefix: name}
	if err := query.SetAttrSelection([]string{"Bucket", "Name", "Size", "Generation"}); err != nil {
		return nil, err
	}
	var infos []Info
	objects := bucket.Objects(ctx, query)
	for {
		attrs, err := objects.Next()
		if err == iterator.Done {
			return infos, nil
		}
		if err != nil {
			return nil, translateError(err)
		}
		if !strings.HasSuffix(attrs.Name, "/") { // a console's placeholder for a directory
			infos = append(infos, infoOf(attrs))
		}
	}
}

func (cloud) glob(ctx context.Context, pattern string) ([]Info, error) {
	match, err := compile(pattern)
	if err != nil {
		return nil, err
	}
	infos, err := listPrefix(ctx, literalPrefix(pattern))
	matching := infos[:0]
	for _, info := range infos {
		if match.MatchString(info.Path) {
			matching = append(matching, info)
		}
	}
	return matching, err
}

func (cloud) remove(ctx context.Context, path string) error {
	o, err := object(path)
	if err != nil {
		return err
	}
	return translateError(o.Delete(ctx))
}

func (d cloud) removeDir(ctx context.Context, dir string) error {
	infos, err := d.list(ctx, dir)
	if err != nil {
		return err
	}
	for _, info := range infos {
		if err := d.remove(ctx, info.Path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

func (cloud) removeIf(ctx context.Context, path string, generation int64) error {
	o, err := object(path)
	if err != nil {
		return err
	}
	attrs, err := o.Attrs(ctx) // looked at first, since emulators delete on any condition
	if err == nil && attrs.Generation != generation {
		return ErrPrecondition
	}
	if err == nil {
		err = o.If(storage.Conditions{GenerationMatch: generation}).Delete(ctx)
	}
	if err = translateError(err); errors.Is(err, fs.ErrNotExist) {
		return ErrPrecondition
	}
	return err
}

func (cloud) writeDir(_ context.Context, dir string, write func(tmp string) error) error {
	return write(dir)
}

func infoOf(attrs *storage.ObjectAttrs) Info {
	path := cloudScheme + attrs.Bucket + "/" + attrs.Name
	return Info{Path: path, Size: attrs.Size, Generation: attrs.Generation}
}

// translateError turns the client's errors into those that this package
// promises.
func translateError(err error) error {
	switch {
	case errors.Is(err, storage.ErrObjectNotExist):
		return notFound("no such object")
	case errors.Is(err, storage.ErrBucketNotExist):
		return notFound("no such bucket")
	case statusOf(err) == http.StatusPreconditionFailed:
		return fmt.Errorf("%w: %w", ErrPrecondition, err)
	}
	return err
}

// statusOf returns the HTTP status of an error, 0 if it has none.
func statusOf(err error) int {
	var status *googleapi.Error
	if errors.As(err, &status) {
		return status.Code
	}
	return 0
}
