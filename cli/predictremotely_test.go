package cli

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
)

// What answers, but not with predictions, is an error in either format.
func TestPredictionsFromAStranger(t *testing.T) {
	for _, answer := range []string{"hello", `{"predictions":[{}]}`, `{"predictions":[{"class_ids":[0]}]}`} {
		stranger := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, answer) }))
		defer stranger.Close()
		file := t.TempDir() + "/people.jsonl"
		if err := os.WriteFile(file, []byte("{}\n"), 0o666); err != nil {
			t.Fatal(err)
		}
		for _, format := range []string{"text", "json"} {
			var out, errors bytes.Buffer
			args := []string{"predict", "--endpoint", stranger.URL, "--model", "census", "--json-instances", file, "--format", format}
			status := newApp(args, nil, &out, &errors).main(t.Context())
			if status != exitFailed || out.Len() > 0 || !strings.Contains(errors.String(), "is not a server of predictions: ") {
				t.Errorf("%s as %s: status %d, %q, %q", answer, format, status, &out, &errors)
			}
		}
	}
}
