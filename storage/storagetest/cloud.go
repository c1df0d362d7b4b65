package storagetest

import (
	"io"
	"net"
	"strconv"
	"testing"

	"github.com/fsouza/fake-gcs-server/fakestorage"
)

// StartCloud serves Cloud Storage with empty buckets until the test ends, and
// points package storage to it. Tests that call it cannot be parallel.
func StartCloud(t testing.TB, buckets ...string) {
	t.Helper()
	host, port := freeAddress(t)
	server, err := fakestorage.NewServerWithOptions(fakestorage.Options{
		Scheme:     "http",
		Host:       host,
		Port:       port,
		PublicHost: net.JoinHostPort(host, strconv.Itoa(int(port))), // without it every read fails
		Writer:     io.Discard,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Stop)
	for _, bucket := range buckets {
		server.CreateBucketWithOpts(fakestorage.CreateBucketOpts{Name: bucket})
	}
	t.Setenv("STORAGE_EMULATOR_HOST", server.URL())
}

// freeAddress returns an address that nothing listens on: the server must know
// its port before it listens.
func freeAddress(t testing.TB) (host string, port uint16) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	address := listener.Addr().(*net.TCPAddr)
	return address.IP.String(), uint16(address.Port)
}
