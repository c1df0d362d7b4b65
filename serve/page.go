package serve

import (
	_ "embed"
	"net/http"
)

//go:embed static/page.html
var pageHTML []byte

//go:embed static/openapi.json
var openAPIJSON []byte

// page answers GET / with a page for people. It loads nothing from elsewhere and cannot be framed.
func (s *Server) page(w http.ResponseWriter, _ *http.Request) error {
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'")
	h.Set("X-Content-Type-Options", "nosniff")
	_, err := w.Write(pageHTML)
	return ignore(err)
}

func (s *Server) openAPI(w http.ResponseWriter, _ *http.Request) error {
	return writeBody(w, http.StatusOK, openAPIJSON)
}

// ignore is of an answer that a client did not wait for.
func ignore(error) error { return nil }
