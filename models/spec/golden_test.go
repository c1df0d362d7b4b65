package spec

import (
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var rewrite = flag.Bool("rewrite", false, "write the complaints found into testdata/wrong.txt")

// The file has one case after another: "=== title", a spec, "+++", and the
// complaints about it. Run the test with -rewrite to renew the complaints.
func TestComplaints(t *testing.T) {
	const file = "testdata/wrong.txt"
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var renewed strings.Builder
	for _, c := range strings.Split(string(data), "=== ")[1:] {
		title, rest, _ := strings.Cut(c, "\n")
		text, want, _ := strings.Cut(rest, "+++\n")
		got := complaints(text)
		if got == "" {
			t.Errorf("%s: no complaint", title)
		}
		if diff := cmp.Diff(want, got); diff != "" && !*rewrite {
			t.Errorf("%s (-want +got):\n%s", title, diff)
		}
		renewed.WriteString("=== " + title + "\n" + text + "+++\n" + got)
	}
	if *rewrite {
		if err := os.WriteFile(file, []byte(renewed.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// complaints are those about a spec, a line each. The text ␀ stands for a NUL byte.
func complaints(text string) string {
	_, err := Parse("m.yaml", []byte(strings.ReplaceAll(text, "␀", "\x00")))
	if err == nil {
		return ""
	}
	return err.Error() + "\n"
}
