package saved

import (
	"fmt"
	"net"
	"os"
	"strings"
	"testing"

	"github.com/fsouza/fake-gcs-server/fakestorage"

	"github.com/penstock-ml/penstock/storage"
)

const bucket = "models"

// TestMain serves a Cloud Storage of the process's own, which package storage
// finds by the environment.
func TestMain(m *testing.M) {
	server, err := startCloud()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	server.Stop()
	os.Exit(code)
}

func startCloud() (*fakestorage.Server, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	port := listener.Addr().(*net.TCPAddr).Port
	listener.Close()
	host := fmt.Sprintf("127.0.0.1:%d", port)
	server, err := fakestorage.NewServerWithOptions(fakestorage.Options{
		Scheme: "http", Host: "127.0.0.1", Port: uint16(port), PublicHost: host,
	})
	if err != nil {
		return nil, err
	}
	server.CreateBucketWithOpts(fakestorage.CreateBucketOpts{Name: bucket})
	return server, os.Setenv("STORAGE_EMULATOR_HOST", host)
}

// onBoth runs a test on disk and on Cloud Storage, each with an empty root.
func onBoth(t *testing.T, test func(t *testing.T, root string)) {
	t.Run("disk", func(t *testing.T) { test(t, t.TempDir()) })
	t.Run("cloud", func(t *testing.T) {
		test(t, "gs://"+bucket+"/"+strings.ReplaceAll(t.Name(), "/", "-"))
	})
}

// overwrite replaces a file, as damage does.
func overwrite(t testing.TB, name string, data []byte) {
	t.Helper()
	if err := storage.WriteFile(t.Context(), name, data); err != nil {
		t.Fatal(err)
	}
}

func read(t testing.TB, name string) []byte {
	t.Helper()
	data, err := storage.ReadFile(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	return data
}
