package serve

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/penstock-ml/penstock/models/registry"
)

// Options say what to serve, and within which limits. Zero limits are the defaults.
type Options struct {
	// Export is the directory of the one model to serve, or Registry that of all whose default versions are followed.
	Export, Registry string
	RefreshEvery     time.Duration // how often the registry is looked at; 10 s

	LatencyTarget time.Duration // that a batch may take; 5 ms
	Patience      time.Duration // that a request may wait for its batch, else it is refused; 1 s
	MaxBody       int64         // bytes of one request; 8 MB
	MaxBodies     int64         // bytes of all requests at a time; 256 MB
	MaxInstances  int           // of one request; 10,000
	MaxInFlight   int           // requests at a time; 1,024
	Timeout       time.Duration // for a request to arrive, and as much for the answer to leave; 30 s
	// Drain is how long a server that is told to end goes on answering, closing each connection after an answer, so that
	// who sends requests can turn to another; 1 s.
	Drain time.Duration

	Token string // that requests have to bear, if any
	Log   *slog.Logger
}

func (o *Options) setDefaults() {
	setDefault(&o.RefreshEvery, 10*time.Second)
	setDefault(&o.LatencyTarget, 5*time.Millisecond)
	setDefault(&o.Patience, time.Second)
	setDefault(&o.MaxBody, 8<<20)
	setDefault(&o.MaxBodies, 256<<20)
	setDefault(&o.MaxInstances, 10_000)
	setDefault(&o.MaxInFlight, 1024)
	setDefault(&o.Timeout, 30*time.Second)
	setDefault(&o.Drain, time.Second)
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
}

func setDefault[T comparable](value *T, otherwise T) {
	var zero T
	if *value == zero {
		*value = otherwise
	}
}

// Server answers prediction requests.
type Server struct {
	options Options
	catalog *catalog
	metrics *metrics

	draining atomic.Bool
	inFlight atomic.Int64
	bodies   atomic.Int64 // bytes
}

// New loads the models.
func New(ctx context.Context, o Options) (*Server, error) {
	o.setDefaults()
	s := &Server{options: o}
	s.metrics = newMetrics(func() float64 { return float64(s.inFlight.Load()) })
	s.catalog = &catalog{options: o, metrics: s.metrics, log: o.Log}
	s.catalog.models.Store(&map[string]*model{})
	if o.Registry == "" {
		return s, s.catalog.single(ctx, o.Export)
	}
	s.catalog.registry = registry.Open(o.Registry)
	if err := s.catalog.refreshAll(ctx); err != nil {
		return nil, err
	}
	return s, nil
}

// Models lists the models as NAME@VERSION.
func (s *Server) Models() (names []string) {
	for _, m := range s.catalog.list() {
		names = append(names, m.current.Load().Ref().String())
	}
	return names
}

// Serve answers requests until the context ends, and then those that are under way. It closes the listener.
func (s *Server) Serve(ctx context.Context, listener net.Listener, secure *tls.Config) error {
	server := s.httpServer()
	following, stop := context.WithCancel(ctx)
	defer stop()
	if s.catalog.registry != nil {
		go s.catalog.followRegistry(following, s.options.RefreshEvery)
	}
	ended := make(chan error, 1)
	go func() {
		if secure == nil {
			ended <- server.Serve(listener)
			return
		}
		server.TLSConfig = secure
		ended <- server.ServeTLS(listener, "", "")
	}()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	return s.shutDown(server, ended)
}

func (s *Server) httpServer() *http.Server {
	server := &http.Server{
		Handler:           s.Handler(),
		ReadHeaderTimeout: min(10*time.Second, s.options.Timeout),
		ReadTimeout:       s.options.Timeout,
		WriteTimeout:      2 * s.options.Timeout,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          slog.NewLogLogger(s.options.Log.Handler(), slog.LevelDebug),
		Protocols:         &http.Protocols{},
	}
	server.Protocols.SetHTTP1(true)
	server.Protocols.SetHTTP2(true)
	server.Protocols.SetUnencryptedHTTP2(true)
	return server
}

// shutDown drains the server and ends it.
func (s *Server) shutDown(server *http.Server, ended <-chan error) error {
	s.draining.Store(true)
	s.options.Log.Info("ending: answering what comes for the last time", "for", s.options.Drain)
	time.Sleep(s.options.Drain)
	ctx, cancel := context.WithTimeout(context.Background(), 2*s.options.Timeout)
	defer cancel()
	err := server.Shutdown(ctx)
	if served := <-ended; !errors.Is(served, http.ErrServerClosed) {
		err = errors.Join(err, served)
	}
	return err
}
