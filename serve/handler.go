package serve

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"strconv"
	"strings"
)

// Handler answers all routes.
func (s *Server) Handler() http.Handler {
	mux := http.NewServeMux()
	for _, route := range []struct {
		pattern, name string
		open          bool // without a token
		answer        func(w http.ResponseWriter, r *http.Request) error
	}{
		{"POST /v1/models/{name}", "predict", false, s.predict},
		{"POST /v1/models/{name}/versions/{version}", "predict", false, s.predict},
		{"GET /v1/models", "models", false, s.listModels},
		{"GET /v1/models/{name}", "models", false, s.describeModel},
		{"GET /v1/models/{name}/versions/{version}", "models", false, s.describeModel},

		{"POST /v2/models/{name}/infer", "infer", false, s.infer},
		{"POST /v2/models/{name}/versions/{version}/infer", "infer", false, s.infer},
		{"GET /v2/{$}", "metadata", false, s.serverMetadata},
		{"GET /v2", "metadata", false, s.serverMetadata},
		{"GET /v2/health/live", "health", true, s.live},
		{"GET /v2/health/ready", "health", true, s.ready},
		{"GET /v2/models/{name}", "metadata", false, s.modelMetadata},
		{"GET /v2/models/{name}/versions/{version}", "metadata", false, s.modelMetadata},
		{"GET /v2/models/{name}/ready", "health", false, s.modelReady},
		{"GET /v2/models/{name}/versions/{version}/ready", "health", false, s.modelReady},
		{"POST /v2/repository/index", "repository", false, s.repositoryIndex},
		{"POST /v2/repository/models/{name}/load", "repository", false, s.loadModel},

		{"GET /metrics", "metrics", false, s.readMetrics},
		{"GET /openapi.json", "page", true, s.openAPI},
		{"GET /{$}", "page", true, s.page},
	} {
		mux.HandleFunc(route.pattern, s.within(s.metrics.route(route.name), route.open, route.answer))
	}
	predict := s.within(s.metrics.route("predict"), false, s.predict)
	other := s.metrics.route("other")
	mux.HandleFunc("/", s.within(other, true, func(w http.ResponseWriter, r *http.Request) error { return s.notFound(mux, w, r) }))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost && strings.HasPrefix(r.URL.Path, modelsPath) && strings.HasSuffix(r.URL.Path, ":predict") {
			predict(w, r) // to look for a pattern would take a tenth of the time of a request
			return
		}
		mux.ServeHTTP(w, r)
	})
}

// notFound tells a wrong method from a wrong path.
func (s *Server) notFound(mux *http.ServeMux, w http.ResponseWriter, r *http.Request) error {
	for _, method := range []string{http.MethodGet, http.MethodPost} {
		try := &http.Request{Method: method, URL: r.URL, Host: r.Host}
		if _, pattern := mux.Handler(try); pattern != "/" {
			w.Header().Set("Allow", method)
			return &statusError{http.StatusMethodNotAllowed, "use " + method + " for " + r.URL.Path}
		}
	}
	return &statusError{http.StatusNotFound, "there is nothing at " + r.URL.Path + ": see /openapi.json"}
}

// statusError is an error with the HTTP status to answer it with.
type statusError struct {
	status int
	text   string
}

func (e *statusError) Error() string { return e.text }

func badRequest(err error) error { return &statusError{http.StatusBadRequest, err.Error()} }

// within answers a route within the limits.
func (s *Server) within(m *routeMetrics, open bool, answer func(w http.ResponseWriter, r *http.Request) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		n := s.inFlight.Add(1)
		defer s.inFlight.Add(-1)
		if s.draining.Load() {
			w.Header().Set("Connection", "close")
		}
		var err error
		switch {
		case !open && !s.authorized(r):
			w.Header().Set("WWW-Authenticate", "Bearer")
			err = &statusError{http.StatusUnauthorized, "a bearer token is needed, and the right one"}
		case !open && n > int64(s.options.MaxInFlight):
			err = errOverloaded
		default:
			err = answer(w, r)
		}
		status := http.StatusOK
		if err != nil {
			status = s.fail(w, err)
		}
		m.count(status)
	}
}

func (s *Server) authorized(r *http.Request) bool {
	if s.options.Token == "" {
		return true
	}
	token, bearer := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	given, want := sha256.Sum256([]byte(token)), sha256.Sum256([]byte(s.options.Token))
	return bearer && subtle.ConstantTimeCompare(given[:], want[:]) == 1
}

// fail answers with an error.
func (s *Server) fail(w http.ResponseWriter, err error) (status int) {
	status = statusOf(err)
	if status == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", "1")
	}
	if status == http.StatusInternalServerError {
		s.options.Log.Error("a request failed", "error", err)
	}
	writeJSON(w, status, map[string]string{"error": err.Error()})
	return status
}

// statusOf is the HTTP status of an error.
func statusOf(err error) int {
	var known *statusError
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &known):
		return known.status
	case errors.As(err, &large):
		return http.StatusRequestEntityTooLarge
	case errors.Is(err, errNoSuchModel), errors.Is(err, fs.ErrNotExist):
		return http.StatusNotFound
	case errors.Is(err, errOverloaded):
		return http.StatusServiceUnavailable
	case errors.Is(err, context.Canceled):
		return 499 // the client is gone; nobody reads this but the metrics
	}
	return http.StatusInternalServerError
}

func writeJSON(w http.ResponseWriter, status int, v any) error {
	var data bytes.Buffer
	encoder := json.NewEncoder(&data)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(v); err != nil {
		return err
	}
	return writeBody(w, status, data.Bytes())
}

// writeBody sends JSON. That a client is gone is not the server's error.
func writeBody(w http.ResponseWriter, status int, data []byte) error {
	h := w.Header()
	h["Content-Type"] = contentJSON
	if len(data) > 1024 { // else the server finds it itself, at less cost
		h["Content-Length"] = []string{strconv.Itoa(len(data))}
	}
	w.WriteHeader(status)
	w.Write(data)
	return nil
}

var contentJSON = []string{"application/json"}

// readBody appends a request's body to memory that is used again. The caller calls release when it is done with it.
func (s *Server) readBody(w http.ResponseWriter, r *http.Request, memory []byte) (body []byte, release func(), err error) {
	size := r.ContentLength
	if size > s.options.MaxBody {
		return memory, func() {}, &http.MaxBytesError{Limit: s.options.MaxBody}
	}
	if size < 0 {
		size = s.options.MaxBody
	}
	release = func() { s.bodies.Add(-size) }
	if s.bodies.Add(size) > s.options.MaxBodies {
		return memory, release, errOverloaded
	}
	from := r.Body
	if r.ContentLength < 0 {
		from = http.MaxBytesReader(w, from, s.options.MaxBody)
	}
	body, err = readAll(from, memory, int(r.ContentLength))
	var large *http.MaxBytesError
	if err != nil && !errors.As(err, &large) {
		err = &statusError{http.StatusBadRequest, "the body of the request did not arrive: " + err.Error()}
	}
	return body, release, err
}

// readAll reads a body of a known size, or of an unknown one that is negative.
func readAll(from io.Reader, memory []byte, size int) ([]byte, error) {
	if missing := size + 1 - cap(memory); missing > 0 {
		memory = make([]byte, 0, size+1)
	}
	for {
		if len(memory) == cap(memory) {
			memory = append(memory, 0)[:len(memory)]
		}
		n, err := from.Read(memory[len(memory):cap(memory)])
		memory = memory[:len(memory)+n]
		if err == io.EOF {
			return memory, nil
		}
		if err != nil {
			return memory, err
		}
	}
}
