package records

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/penstock-ml/penstock/storage"
)

// writeTemp writes a file for one test.
func writeTemp(t testing.TB, name, content string) storage.Info {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(content), 0o666); err != nil {
		t.Fatal(err)
	}
	return storage.Info{Path: path, Size: int64(len(content))}
}

func TestScanRanges(t *testing.T) {
	file := writeTemp(t, "a.csv", "a,1\nb,\"x,\"\"y\"\r\n\nc,3")
	var got []string
	for _, r := range Split([]storage.Info{file}, Format{Columns: []string{"x", "y"}}, 3) {
		s, err := Open(context.Background(), Format{Columns: []string{"x", "y"}}, r)
		if err != nil {
			t.Fatal(err)
		}
		for s.Scan() {
			if s.Record().Err != nil {
				t.Fatal(s.Record().Err)
			}
			got = append(got, string(s.Record().Fields[0])+"|"+string(s.Record().Fields[1]))
		}
		if s.Err() != nil {
			t.Fatal(s.Err())
		}
		s.Close()
	}
	if len(got) != 3 || got[0] != "a|1" || got[1] != `b|x,"y` || got[2] != "c|3" {
		t.Errorf("got %q", got)
	}
}
