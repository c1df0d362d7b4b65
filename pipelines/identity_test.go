package pipelines

import (
	"bytes"
	"context"
	"path/filepath"
	"testing"

	"github.com/penstock-ml/penstock/storage"
)

// Any byte of any block is part of a file's identity, and each file has its own.
func TestIdentityHasEveryBlock(t *testing.T) {
	const size = 2*hashBlockBytes + 5
	path := filepath.Join(t.TempDir(), "train.csv")
	data := bytes.Repeat([]byte("7,a\n"), size/4+1)[:size]
	contents := map[string]int{}
	identity := func() string {
		writeFile(t, path, data)
		info, err := storage.Stat(context.Background(), path)
		if err != nil {
			t.Fatal(err)
		}
		identities, err := identify(context.Background(), []storage.Info{info, info})
		if err != nil {
			t.Fatal(err)
		}
		if identities[0] != identities[1] || identities[0].Size != size {
			t.Fatalf("one file twice: %+v", identities)
		}
		return identities[0].Content
	}
	for _, at := range []int{0, hashBlockBytes - 1, hashBlockBytes, size - 1} {
		old := data[at]
		data[at] = 'x'
		contents[identity()] = at
		data[at] = old
	}
	contents[identity()] = -1
	if len(contents) != 5 {
		t.Errorf("5 files have %d identities: %v", len(contents), contents)
	}
	if again := identity(); contents[again] != -1 {
		t.Error("the same file has another identity")
	}
}
