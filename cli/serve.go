package cli

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"

	"github.com/penstock-ml/penstock/serve"
)

const serveHelp = `Serve answers prediction requests over HTTP until it is interrupted, and then those that are under way.

With --registry alone all of its models are served, and a version that becomes the default takes over between two
requests, at the latest after --refresh. With --model it is one model, which stays as it is.

  POST /v1/models/NAME[/versions/V]:predict   {"instances": [{...}, ...]}, as AI Platform had it
  POST /v2/models/NAME[/versions/V]/infer     the Open Inference Protocol of KServe and Triton
  GET  /openapi.json                          describes these and all others
  GET  /metrics                               for Prometheus
  GET  /                                      a page on which to try the models`

const serveExample = `  penstock serve --model job --address localhost:8080
  curl -d "{\"instances\": [$(head -1 people.jsonl)]}" localhost:8080/v1/models/census:predict`

// serveFlags are the values of the flags of serve.
type serveFlags struct {
	model                        modelFlags
	address                      string
	tokenFile, tlsCert, tlsKey   string
	maxBodyMB, maxBodiesMB       int
	options                      serve.Options
	maxInstances, maxConcurrency int
}

func newServeCommand(a *app) *cobra.Command {
	f := &serveFlags{maxBodyMB: 8, maxBodiesMB: 256, maxInstances: 10_000, maxConcurrency: 1024}
	cmd := &cobra.Command{
		Use:     "serve (--model MODEL | --registry DIR) --address HOST:PORT",
		Short:   "Answer prediction requests over HTTP",
		Long:    serveHelp,
		Example: serveExample,
		Args:    noArguments,
		PreRunE: func(*cobra.Command, []string) error { return f.check() },
		RunE:    a.runUntilInterrupted(func(ctx context.Context) error { return a.serve(ctx, f) }),
	}
	flags := cmd.Flags()
	f.model.add(flags)
	flags.Lookup("model").Usage = strings.TrimSuffix(flags.Lookup("model").Usage, " (required)")
	flags.StringVar(&f.address, "address", ":8080", "`address` to listen at")
	flags.StringVar(&f.tokenFile, "token-file", "", "`file` with the bearer token that requests need")
	flags.StringVar(&f.tlsCert, "tls-cert", "", "`file` with the server's certificates, in PEM")
	flags.StringVar(&f.tlsKey, "tls-key", "", "`file` with the server's key, in PEM")
	flags.DurationVar(&f.options.RefreshEvery, "refresh", 0, "`time` between looks at the registry (default 10s)")
	flags.DurationVar(&f.options.LatencyTarget, "latency-target", 0, "`time` that a batch of requests may take (default 5ms)")
	flags.DurationVar(&f.options.Patience, "max-wait", 0, "`time` that a request may wait, beyond which it is refused (default 1s)")
	flags.DurationVar(&f.options.Timeout, "timeout", 0, "`time` for a request to arrive (default 30s)")
	flags.DurationVar(&f.options.Drain, "drain", 0, "`time` to go on answering after an interrupt, closing connections (default 1s)")
	flags.Var(atLeast(&f.maxInstances, 1), "max-instances", "`instances` of a request")
	flags.Var(atLeast(&f.maxConcurrency, 1), "max-requests", "`requests` that are answered at a time, beyond which they are refused")
	flags.Var(atLeast(&f.maxBodyMB, 1), "max-body-mb", "`megabytes` of a request")
	flags.Var(atLeast(&f.maxBodiesMB, 1), "max-bodies-mb", "`megabytes` of all requests that are answered at a time")
	return cmd
}

func (f *serveFlags) check() error {
	if f.model.model == "" && f.model.registry == "" {
		return errors.New("say what to serve: give --model or --registry")
	}
	if (f.tlsCert == "") != (f.tlsKey == "") {
		return errors.New("--tls-cert and --tls-key go together")
	}
	o := &f.options
	if min(o.RefreshEvery, o.LatencyTarget, o.Patience, o.Timeout, o.Drain) < 0 {
		return errors.New("times must be positive")
	}
	return nil
}

func (a *app) serve(ctx context.Context, f *serveFlags) error {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(400) // a server's heap is small: to collect it less often costs some megabytes
	}
	o, secure, err := f.resolve(ctx)
	if err != nil {
		return err
	}
	o.Log = slog.Default()
	server, err := serve.New(ctx, *o)
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", f.address)
	if err != nil {
		return fmt.Errorf("--address: %w", err)
	}
	if err := a.announce(listener.Addr().String(), server.Models(), secure != nil); err != nil {
		return err
	}
	return server.Serve(ctx, listener, secure)
}

// resolve reads what the flags name.
func (f *serveFlags) resolve(ctx context.Context) (o *serve.Options, secure *tls.Config, err error) {
	o = &f.options
	o.MaxBody, o.MaxBodies, o.MaxInstances, o.MaxInFlight = int64(f.maxBodyMB)<<20, int64(f.maxBodiesMB)<<20, f.maxInstances, f.maxConcurrency
	if f.model.model == "" {
		o.Registry = f.model.registry
	} else if o.Export, err = f.model.locate(ctx); err != nil {
		return nil, nil, err
	}
	if f.tokenFile != "" {
		if o.Token, err = readToken(f.tokenFile); err != nil {
			return nil, nil, err
		}
	}
	if f.tlsCert != "" {
		pair, err := tls.LoadX509KeyPair(f.tlsCert, f.tlsKey)
		if err != nil {
			return nil, nil, fmt.Errorf("--tls-cert and --tls-key: %w", err)
		}
		secure = &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}
	}
	return o, secure, nil
}

// readToken reads the file of --token-file.
func readToken(file string) (string, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return "", fmt.Errorf("--token-file: %w", err)
	}
	token := strings.TrimSpace(string(data))
	if token == "" {
		return "", fmt.Errorf("--token-file: %s is empty", file)
	}
	return token, nil
}

// announce tells where the server is. Who started it may wait for that line.
func (a *app) announce(address string, models []string, secure bool) error {
	scheme := "http"
	if secure {
		scheme = "https"
	}
	result := map[string]any{"url": scheme + "://" + address, "models": models}
	err := a.print(result, func(w io.Writer) {
		row(w, "serving", strings.Join(models, ", "))
		row(w, "at", scheme+"://"+address)
	})
	return errors.Join(err, a.flush())
}
