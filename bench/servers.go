package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const (
	predictPath = "/v1/models/census:predict"
	// bareAnswer is how many bytes the bare handler answers with: as Penstock's usual answer to one instance.
	bareAnswer = 196
	// instanceJSON is the instance of every request.
	instanceJSON = `{"instances":[{"age":39,"workclass":"State-gov","education":"Bachelors","education_num":13,"marital_status":"Never-married",` +
		`"occupation":"Adm-clerical","relationship":"Not-in-family","race":"White","gender":"Male","capital_gain":2174,"capital_loss":0,` +
		`"hours_per_week":40,"native_country":"United-States"}]}`
)

// serveFigure chooses what of a load is measured.
type serveFigure func(perSecond, p99 float64) float64

func requestRate(perSecond, _ float64) float64 { return perSecond }
func slowest(_, p99 float64) float64           { return p99 }

// serves puts load on `penstock serve`.
func serves(figure serveFigure) side {
	return func(ctx context.Context, b *bench, _ int) (measurement, error) {
		model, err := b.model(ctx)
		if err != nil {
			return measurement{}, err
		}
		cmd := exec.CommandContext(ctx, b.binary, "serve", "--model", model, "--address", "127.0.0.1:0", "--format", "json")
		return b.loaded(ctx, cmd, figure, func(stdout *bufio.Reader) (string, error) {
			var line struct{ URL string }
			text, err := stdout.ReadString('\n')
			if err == nil {
				err = json.Unmarshal([]byte(text), &line)
			}
			return strings.TrimPrefix(line.URL, "http://"), err
		})
	}
}

// bareServer is a peer that reads and writes bodies of the same size and does nothing else: what net/http allows.
func bareServer(figure serveFigure) peer {
	p := peer{name: "a net/http handler that only reads and writes bodies of that size"}
	p.run = func(ctx context.Context, b *bench, _ int) (measurement, error) {
		self, err := os.Executable()
		if err != nil {
			return measurement{}, err
		}
		cmd := exec.CommandContext(ctx, self, "-bare-handler")
		return b.loaded(ctx, cmd, figure, func(stdout *bufio.Reader) (string, error) {
			text, err := stdout.ReadString('\n')
			return strings.TrimSpace(text), err
		})
	}
	return p
}

// serveBare is the bare handler's process.
func serveBare(ctx context.Context) error {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Println(listener.Addr())
	answer := append(bytes.Repeat([]byte{' '}, bareAnswer-3), "{}\n"...)
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Content-Length", strconv.Itoa(len(answer)))
		w.Write(answer)
	})}
	go func() {
		<-ctx.Done()
		server.Close()
	}()
	return server.Serve(listener)
}

// fastAPI is the peer in Python.
func fastAPI(figure serveFigure) peer {
	p := peer{name: "FastAPI, uvicorn, ONNX Runtime", environment: "torch", script: "serve_peer.py", modules: []string{"fastapi", "uvicorn", "onnxruntime", "pandas"}}
	p.run = func(ctx context.Context, b *bench, _ int) (measurement, error) {
		model, err := b.onnxModel(ctx)
		if err != nil {
			return measurement{}, err
		}
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return measurement{}, err
		}
		address := listener.Addr().String()
		listener.Close()
		_, port, _ := net.SplitHostPort(address)
		cmd := exec.CommandContext(ctx, b.python("torch"), "-m", "uvicorn", "serve_peer:app", "--host", "127.0.0.1", "--port", port, "--log-level", "warning")
		cmd.Dir, cmd.Env = b.peersDir, append(os.Environ(), "MODEL="+model, "PYTHONDONTWRITEBYTECODE=1")
		return b.loaded(ctx, cmd, figure, func(*bufio.Reader) (string, error) { return address, waitFor(ctx, address) })
	}
	return p
}

// waitFor waits until a server listens.
func waitFor(ctx context.Context, address string) error {
	for range 600 {
		conn, err := net.Dial("tcp", address)
		if err == nil {
			return conn.Close()
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
	}
	return fmt.Errorf("nothing listens at %s", address)
}

// loaded starts a server, which find tells the address of, puts load on it and ends it.
func (b *bench) loaded(ctx context.Context, cmd *exec.Cmd, figure serveFigure, find func(stdout *bufio.Reader) (string, error)) (m measurement, err error) {
	if cmd.Env == nil {
		cmd.Env = os.Environ()
	}
	cmd.Env = append(cmd.Env, "GOMAXPROCS="+strconv.Itoa(b.cores))
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return m, err
	}
	var stderr strings.Builder
	cmd.Stderr = &stderr
	if err := cmd.Start(); err != nil {
		return m, err
	}
	defer func() {
		cmd.Process.Signal(syscall.SIGTERM)
		cmd.Wait()
		m.resident = mostResident(cmd.ProcessState)
		if err != nil {
			err = fmt.Errorf("%s: %w: %s", filepath.Base(cmd.Path), err, lastLine(stderr.String()))
		}
	}()
	address, err := find(bufio.NewReader(stdout))
	if err != nil {
		return m, err
	}
	if _, err := answerLength(address, predictPath, instanceJSON); err != nil {
		return m, err
	}
	duration := loadTime
	if b.quick {
		duration /= 10
	}
	perSecond, p99, err := load(ctx, address, predictPath, instanceJSON, duration)
	m.value = figure(perSecond, p99)
	return m, err
}
