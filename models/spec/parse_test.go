package spec

import (
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func census(t testing.TB) []byte {
	t.Helper()
	data, err := os.ReadFile("../../testdata/census.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestParseCensus(t *testing.T) {
	s, err := Parse("census.yaml", census(t))
	if err != nil {
		t.Fatal(err)
	}
	b, err := s.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	again, err := Parse("x", b)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(s, again, cmpopts.IgnoreUnexported(Spec{})); d != "" {
		t.Fatal(d)
	}
}
