package serve

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/penstock-ml/penstock/models/predictor"
	"github.com/penstock-ml/penstock/models/predictor/predictortest"
	"github.com/penstock-ml/penstock/models/registry"
	"github.com/penstock-ml/penstock/models/saved"
)

// export writes the toy model, whose weights are scaled to tell one version from another.
func export(t testing.TB, scale float32) string {
	t.Helper()
	m := predictortest.Model(t)
	for _, w := range m.Weights {
		for i := range w.Data {
			w.Data[i] *= scale
		}
	}
	dir, _, err := saved.WriteExport(t.Context(), t.TempDir(), "toy", time.Unix(1000, 0), m)
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// newRegistry has the toy model with a version for each scale; the first is the default.
func newRegistry(t testing.TB, scales ...float32) *registry.Registry {
	t.Helper()
	r := registry.Open(t.TempDir())
	if _, err := r.Create(t.Context(), registry.Info{Name: "toy"}); err != nil {
		t.Fatal(err)
	}
	for _, scale := range scales {
		if _, err := r.Deploy(t.Context(), registry.Deployment{Name: "toy", Export: export(t, scale)}); err != nil {
			t.Fatal(err)
		}
	}
	return r
}

func start(t testing.TB, o Options) (*Server, string) {
	t.Helper()
	s, err := New(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(s.Handler())
	t.Cleanup(server.Close)
	return s, server.URL
}

func body(from, to int) string {
	var list []string
	for i := from; i < to; i++ {
		list = append(list, predictortest.JSON(i))
	}
	return `{"instances":[` + strings.Join(list, ",") + "]}"
}

// expected is the answer to body, from the predictor alone.
func expected(t testing.TB, dir string, from, to int) string {
	t.Helper()
	p, err := predictor.Load(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	return `{"predictions":[` + strings.Join(predictortest.Predictions(t, p, from, to), ",") + "]}\n"
}

func do(t testing.TB, method, url, body string, header ...string) (status int, answer string, h http.Header) {
	t.Helper()
	r, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	data, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(data), response.Header
}

func TestPredict(t *testing.T) {
	dir := export(t, 1)
	_, url := start(t, Options{Export: dir})
	for _, n := range []int{0, 1, 2, 7, 300, 3000} {
		status, answer, header := do(t, "POST", url+"/v1/models/toy:predict", body(0, n))
		if want := expected(t, dir, 0, n); status != 200 || answer != want {
			t.Fatalf("%d instances: %d %.300s\nwant %.300s", n, status, answer, want)
		}
		if header.Get(versionHeader) != "1000" || header.Get("Content-Type") != "application/json" {
			t.Errorf("header: %v", header)
		}
	}
	_, answer, _ := do(t, "POST", url+"/v1/models/toy/versions/1000:predict", body(5, 6))
	if want := expected(t, dir, 5, 6); answer != want {
		t.Errorf("by version: %s, want %s", answer, want)
	}
}

// Requests that are scored together get the answers of requests that are not.
func TestBatchesDoNotMix(t *testing.T) {
	dir := export(t, 1)
	s, url := start(t, Options{Export: dir})
	want := make([]string, 40)
	for i := range want {
		want[i] = expected(t, dir, i, i+1+i%5)
	}
	var wg sync.WaitGroup
	for client := range 16 {
		wg.Go(func() {
			for i := range 100 {
				i = (i*7 + client) % len(want)
				if i%9 == 8 { // a wrong one among the others
					if status, answer, _ := do(t, "POST", url+"/v1/models/toy:predict", `{"instances":[{"age":"x"}]}`); status != 400 {
						t.Errorf("%d %s", status, answer)
					}
					continue
				}
				if _, answer, _ := do(t, "POST", url+"/v1/models/toy:predict", body(i, i+1+i%5)); answer != want[i] {
					t.Errorf("%s, want %s", answer, want[i])
					return
				}
			}
		})
	}
	wg.Wait()
	b := (*s.catalog.models.Load())["toy"].current.Load().batcher
	if len(b.idle) != b.lanes || b.rows != 0 || len(b.waiting) != 0 {
		t.Errorf("afterwards %d of %d lanes are idle and %d calls wait", len(b.idle), b.lanes, len(b.waiting))
	}
}

func TestWrongRequests(t *testing.T) {
	_, url := start(t, Options{Export: export(t, 1), MaxBody: 4000, MaxInstances: 20})
	for _, test := range []struct {
		method, path, body string
		status             int
		words              string
	}{
		{"POST", "/v1/models/toy:predict", `{"instances":[` + predictortest.JSON(0) + `,{"age":"old"}]}`, 400, "instances[1]: "},
		{"POST", "/v1/models/toy:predict", `{"instances":[{"hour":1}]}`, 400, `unknown field \"hour\": did you mean \"hours\"?`},
		{"POST", "/v1/models/toy:predict", `{"instances":[{"age":[1]}]}`, 400, "is an object or an array"},
		{"POST", "/v1/models/toy:predict", `{"instances":[{"age":}]}`, 400, "a value is expected"},
		{"POST", "/v1/models/toy:predict", `{"instances":3}`, 400, "is no array"},
		{"POST", "/v1/models/toy:predict", ``, 400, "not a prediction request"},
		{"POST", "/v1/models/toy:predict", strings.Repeat("[", 1000), 400, "not a prediction request"},
		{"POST", "/v1/models/toy:predict", body(0, 21), 413, "has 21 instances, and up to 20 are taken"},
		{"POST", "/v1/models/toy:predict", body(0, 200), 413, "too large"},
		{"POST", "/v1/models/toy:classify", body(0, 1), 404, "use /v1/models/toy:predict"},
		{"POST", "/v1/models/toy", body(0, 1), 404, "use /v1/models/toy:predict"},
		{"POST", "/v1/models/other:predict", body(0, 1), 404, "there is no such model: other"},
		{"POST", "/v1/models/toy/versions/7:predict", body(0, 1), 404, "there is no such model: version 7 of toy"},
		{"GET", "/v1/models/toy:predict", "", 404, "no such model"},
		{"DELETE", "/v1/models/toy", "", 405, "use GET for /v1/models/toy"},
		{"GET", "/v2/models/toy/infer", "", 405, "use POST for"},
		{"GET", "/nothing", "", 404, "see /openapi.json"},
		{"POST", "/v2/models/toy/infer", `{"inputs":[]}`, 400, `no \"inputs\"`},
		{"POST", "/v2/models/toy/infer", `{"inputs":[{"name":"age","shape":[2],"datatype":"FP64","data":[1]}]}`, 400, "[1] or [1, 1] is expected"},
		{"POST", "/v2/models/toy/infer", `{"inputs":[{"name":"aeg","shape":[1],"datatype":"FP64","data":[1]}]}`, 400, `unknown input \"aeg\"`},
		{"POST", "/v2/models/toy/infer", `{"inputs":[{"name":"age","shape":[1],"datatype":"FP64","data":[{}]}]}`, 400, "data[0]"},
		{"POST", "/v2/models/toy/infer", `{"inputs":[{"name":"age","shape":[1],"datatype":"FP64","data":["x"]}]}`, 400, "row 0: "},
		{"POST", "/v2/models/toy/infer", `{"inputs":[{"name":"age","shape":[1],"datatype":"FP64","data":[1]}],"outputs":[{"name":"z"}]}`, 400, `unknown output \"z\"`},
		{"POST", "/v2/models/toy/infer", `{"input":[]}`, 400, "not an inference request"},
	} {
		status, answer, _ := do(t, test.method, url+test.path, test.body)
		if status != test.status || !strings.Contains(answer, test.words) {
			t.Errorf("%s %s %.60s: %d %s, want %d with %s", test.method, test.path, test.body, status, answer, test.status, test.words)
		}
		if !json.Valid([]byte(answer)) {
			t.Errorf("%s %s: the answer is not JSON: %s", test.method, test.path, answer)
		}
	}
}

func TestBodiesOfUnknownLength(t *testing.T) {
	dir := export(t, 1)
	s, url := start(t, Options{Export: dir, MaxBody: 4000})
	post := func(body string) (int, string) {
		response, err := http.Post(url+"/v1/models/toy:predict", "application/json", io.MultiReader(strings.NewReader(body[:10]), strings.NewReader(body[10:])))
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		answer, _ := io.ReadAll(response.Body)
		return response.StatusCode, string(answer)
	}
	if status, answer := post(body(0, 5)); status != 200 || answer != expected(t, dir, 0, 5) {
		t.Errorf("%d %s", status, answer)
	}
	if status, answer := post(body(0, 500)); status != 413 {
		t.Errorf("%d %s", status, answer)
	}
	if n := s.bodies.Load(); n != 0 {
		t.Errorf("%d bytes are still counted", n)
	}
}

func TestInference(t *testing.T) {
	dir := export(t, 1)
	_, url := start(t, Options{Export: dir})
	request := `{"id":"q","inputs":[
		{"name":"id","shape":[2],"datatype":"BYTES","data":["row-0","row-6"]},
		{"name":"age","shape":[2,1],"datatype":"INT64","data":[[17],[23]]},
		{"name":"job","shape":[2],"datatype":"BYTES","data":["clerk",null]},
		{"name":"city","shape":[2],"datatype":"BYTES","data":["city 0","city 20"]},
		{"name":"hours","shape":[2],"datatype":"FP64","data":[1,43]}]}`
	status, answer, _ := do(t, "POST", url+"/v2/models/toy/infer", request)
	if status != 200 {
		t.Fatalf("%d %s", status, answer)
	}
	var got struct {
		ModelName, ModelVersion string
		ID                      string
		Outputs                 []struct {
			Name  string
			Shape []int
			Data  []json.RawMessage
		}
	}
	if err := json.Unmarshal([]byte(answer), &got); err != nil {
		t.Fatal(err)
	}
	_, v1, _ := do(t, "POST", url+"/v1/models/toy:predict", `{"instances":[`+predictortest.JSON(0)+","+predictortest.JSON(6)+"]}")
	var want struct {
		Predictions []map[string]json.RawMessage
	}
	if err := json.Unmarshal([]byte(v1), &want); err != nil {
		t.Fatal(err)
	}
	for _, out := range got.Outputs {
		var joined []string
		for _, p := range want.Predictions {
			joined = append(joined, strings.Trim(string(p[out.Name]), "[]"))
		}
		var data []string
		for _, d := range out.Data {
			data = append(data, string(d))
		}
		if strings.Join(data, ",") != strings.Join(joined, ",") {
			t.Errorf("%s is %v, want %v", out.Name, data, joined)
		}
	}
	if len(got.Outputs) != 6 || got.ID != "q" {
		t.Errorf("%s", answer)
	}
	_, answer, _ = do(t, "POST", url+"/v2/models/toy/versions/1000/infer", strings.TrimSuffix(request, "}")+`,"outputs":[{"name":"logits"}]}`)
	if !strings.HasPrefix(answer, `{"model_name":"toy","model_version":"1000","id":"q","outputs":[{"name":"logits","datatype":"FP32","shape":[2],"data":[`) {
		t.Errorf("only logits: %s", answer)
	}
}

// Every route that the description names exists, and every example of a model is predicted.
func TestDescriptions(t *testing.T) {
	_, url := start(t, Options{Export: export(t, 1)})
	_, text, _ := do(t, "GET", url+"/openapi.json", "")
	var api struct {
		Paths map[string]map[string]any
	}
	if err := json.Unmarshal([]byte(text), &api); err != nil {
		t.Fatal(err)
	}
	for path, methods := range api.Paths {
		for method := range methods {
			path := strings.NewReplacer("{name}", "toy", "{version}", "1000").Replace(path)
			if status, answer, _ := do(t, strings.ToUpper(method), url+path, "{}"); status == 404 || status == 405 || status == 500 {
				t.Errorf("%s %s: %d %s", method, path, status, answer)
			}
		}
	}
	_, text, _ = do(t, "GET", url+"/v1/models", "")
	var list struct {
		Models []struct {
			Name, Version string
			Inputs        []predictor.Input
			Example       json.RawMessage
		}
	}
	if err := json.Unmarshal([]byte(text), &list); err != nil {
		t.Fatal(err)
	}
	m := list.Models[0]
	if m.Name != "toy" || m.Version != "1000" || len(m.Inputs) != 5 || m.Inputs[1].Type != "number" || !slices.Contains(m.Inputs[2].Values, "pilot") || m.Inputs[2].Required || !m.Inputs[1].Required {
		t.Errorf("%s", text)
	}
	example := strings.TrimSuffix(string(m.Example), "}") + `,"city":"Rome"}`
	if status, answer, _ := do(t, "POST", url+"/v1/models/toy:predict", `{"instances":[`+example+"]}"); status != 200 {
		t.Errorf("the example: %d %s", status, answer)
	}
	for path, words := range map[string]string{
		"/v2":                          `"name":"penstock"`,
		"/v2/health/live":              `{"live":true}`,
		"/v2/health/ready":             `{"ready":true}`,
		"/v2/models/toy":               `"inputs":[{"name":"id","datatype":"BYTES","shape":[-1]},{"name":"age","datatype":"FP64","shape":[-1]}`,
		"/v2/models/toy/ready":         `"ready":true`,
		"/":                            "<title>Penstock</title>",
		"/metrics":                     `penstock_model_info{model="toy",version="1000"`,
		"/v1/models/toy":               `"classes":["<=50K",">50K"]`,
		"/v1/models/toy/versions/1000": `"kind":"wide_deep"`,
		"/v2/models/toy/versions/1000": `"platform":"penstock_wide_deep"`,
	} {
		if status, answer, _ := do(t, "GET", url+path, ""); status != 200 || !strings.Contains(answer, words) {
			t.Errorf("%s: %d %.300s", path, status, answer)
		}
	}
}

func TestExplain(t *testing.T) {
	dir := export(t, 1)
	_, url := start(t, Options{Export: dir})
	status, answer, _ := do(t, "POST", url+"/v1/models/toy:predict", `{"explain":true,"instances":[`+predictortest.JSON(3)+","+predictortest.JSON(4)+"]}")
	var got struct {
		Predictions []struct {
			Logits      []float64
			Explanation struct {
				Baseline      float64 `json:"baseline_logit"`
				Contributions map[string]float64
			}
		}
	}
	if err := json.Unmarshal([]byte(answer), &got); err != nil || status != 200 || len(got.Predictions) != 2 {
		t.Fatalf("%d %s: %v", status, answer, err)
	}
	for _, p := range got.Predictions {
		sum := p.Explanation.Baseline
		for _, c := range p.Explanation.Contributions {
			sum += c
		}
		if len(p.Explanation.Contributions) != 6 || sum-p.Logits[0] > 1e-5 || p.Logits[0]-sum > 1e-5 {
			t.Errorf("the contributions %v end at %v, the logit is %v", p.Explanation.Contributions, sum, p.Logits[0])
		}
	}
	_, plain, _ := do(t, "POST", url+"/v1/models/toy:predict", `{"explain":false,"instances":[`+predictortest.JSON(3)+","+predictortest.JSON(4)+"]}")
	if strings.Contains(plain, "explanation") || !strings.HasPrefix(answer, strings.SplitAfter(plain, `"probabilities"`)[0]) {
		t.Errorf("explained: %s\nplain: %s", answer, plain)
	}
	if status, answer, _ := do(t, "POST", url+"/v1/models/toy:predict", strings.Replace(body(0, 101), "{", `{"explain":true,`, 1)); status != 413 {
		t.Errorf("%d %s", status, answer)
	}
	if status, answer, _ := do(t, "POST", url+"/v1/models/toy:predict", `{"explain":true,"instances":[{"age":"x"}]}`); status != 400 {
		t.Errorf("%d %s", status, answer)
	}
}

func TestToken(t *testing.T) {
	_, url := start(t, Options{Export: export(t, 1), Token: "secret"})
	for _, test := range []struct {
		path, header string
		status       int
	}{
		{"/v1/models", "", 401}, {"/v1/models", "Bearer wrong", 401}, {"/v1/models", "secret", 401}, {"/v1/models", "Bearer secret", 200},
		{"/metrics", "", 401}, {"/v2/health/ready", "", 200}, {"/", "", 200},
	} {
		if status, answer, _ := do(t, "GET", url+test.path, "", "Authorization", test.header); status != test.status {
			t.Errorf("%s with %q: %d %.100s", test.path, test.header, status, answer)
		}
	}
}

// Beyond what can be answered in time, requests are refused at once, and those before them still answered.
func TestOverload(t *testing.T) {
	s, url := start(t, Options{Export: export(t, 1), Patience: time.Millisecond, MaxInFlight: 50})
	b := (*s.catalog.models.Load())["toy"].current.Load().batcher
	b.mu.Lock()
	idle := b.idle
	b.idle = nil // as if all lanes were busy
	b.mu.Unlock()
	first := make(chan int)
	go func() {
		status, _, _ := do(t, "POST", url+"/v1/models/toy:predict", body(0, 1))
		first <- status
	}()
	for waiting := false; !waiting; time.Sleep(time.Millisecond) {
		b.mu.Lock()
		waiting = len(b.waiting) == 1
		b.mu.Unlock()
	}
	status, answer, header := do(t, "POST", url+"/v1/models/toy:predict", body(0, 5000))
	if status != 503 || header.Get("Retry-After") == "" {
		t.Errorf("%d %s", status, answer)
	}
	b.mu.Lock()
	b.idle = idle[1:]
	w := b.next()
	b.mu.Unlock()
	w.turn <- idle[0]
	if status := <-first; status != 200 {
		t.Errorf("the first request: %d", status)
	}
	s.inFlight.Add(50)
	if status, answer, _ := do(t, "GET", url+"/v1/models", ""); status != 503 {
		t.Errorf("%d %s", status, answer)
	}
	if status, answer, _ := do(t, "GET", url+"/v2/health/live", ""); status != 200 {
		t.Errorf("%d %s", status, answer)
	}
	s.inFlight.Add(-50)
	s.bodies.Add(s.options.MaxBodies)
	if status, answer, _ := do(t, "POST", url+"/v1/models/toy:predict", body(0, 1)); status != 503 {
		t.Errorf("%d %s", status, answer)
	}
}

// While clients keep asking, the default changes back and forth and the server ends: every request is answered, by the
// version that was acknowledged before it or one that came later.
func TestSwapAndEndUnderLoad(t *testing.T) {
	const clients, swaps = 8, 6
	r := newRegistry(t, 1, 2, 3)
	s, err := New(t.Context(), Options{Registry: r.Dir(), RefreshEvery: time.Hour, Drain: 200 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, end := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- s.Serve(ctx, listener, nil) }()
	url := "http://" + listener.Addr().String()

	answers := map[string]int{} // version by answer
	for v := 1; v <= 3; v++ {
		dir, err := r.Locate(t.Context(), registry.Ref{Name: "toy", Version: fmt.Sprintf("v%d", v)})
		if err != nil {
			t.Fatal(err)
		}
		answers[expected(t, dir, 0, 1)] = v
	}
	var step, acknowledged, asked atomic.Int64 // steps count the swaps; at step n the default is version n%3+1
	var leaving atomic.Bool
	var wg sync.WaitGroup
	for range clients {
		wg.Go(func() {
			client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 1}}
			for !leaving.Load() {
				before := acknowledged.Load()
				response, err := client.Post(url+"/v1/models/toy:predict", "application/json", strings.NewReader(body(0, 1)))
				if err != nil {
					t.Errorf("a request was lost: %v", err)
					return
				}
				data, err := io.ReadAll(response.Body)
				response.Body.Close()
				version := answers[string(data)]
				if err != nil || version == 0 || response.Header.Get(versionHeader) != fmt.Sprintf("v%d", version) {
					t.Errorf("%d %s: %v", response.StatusCode, data, err)
					return
				}
				inTime := false
				for n := before; n <= step.Load(); n++ {
					inTime = inTime || int(n%3)+1 == version
				}
				if !inTime {
					t.Errorf("version %d answered a request after step %d was acknowledged", version, before)
				}
				asked.Add(1)
				if response.Close { // as who balances loads, turn to another server
					return
				}
			}
		})
	}
	for n := int64(1); n <= swaps; n++ {
		time.Sleep(20 * time.Millisecond)
		version := fmt.Sprintf("v%d", n%3+1)
		step.Store(n)
		if _, err := r.SetDefault(t.Context(), registry.Ref{Name: "toy", Version: version}); err != nil {
			t.Fatal(err)
		}
		status, answer, _ := do(t, "POST", url+"/v2/repository/models/toy/load", "")
		if status != 200 || !strings.Contains(answer, version) {
			t.Fatalf("%d %s", status, answer)
		}
		acknowledged.Store(n)
	}
	end()
	wg.Wait() // all clients were told to leave
	leaving.Store(true)
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if asked.Load() < swaps {
		t.Errorf("only %d requests were answered", asked.Load())
	}
}

// The catalog follows the registry by itself: new models, new defaults, models that are gone, versions that are damaged.
func TestFollowsTheRegistry(t *testing.T) {
	r := newRegistry(t, 1)
	s, url := start(t, Options{Registry: r.Dir()})
	if got := s.Models(); !slices.Equal(got, []string{"toy@v1"}) {
		t.Errorf("at first: %v", got)
	}
	if _, err := r.Create(t.Context(), registry.Info{Name: "new"}); err != nil {
		t.Fatal(err)
	}
	refresh := func() {
		t.Helper()
		if err := s.catalog.refreshAll(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	refresh()
	if got := s.Models(); !slices.Equal(got, []string{"toy@v1"}) {
		t.Errorf("with a model without versions: %v", got)
	}
	if _, err := r.Deploy(t.Context(), registry.Deployment{Name: "new", Export: export(t, 1), Version: "first"}); err != nil {
		t.Fatal(err)
	}
	refresh()
	if got := s.Models(); !slices.Equal(got, []string{"new@first", "toy@v1"}) {
		t.Errorf("with another model: %v", got)
	}
	dir := export(t, 2)
	if _, err := r.Deploy(t.Context(), registry.Deployment{Name: "toy", Export: dir}); err != nil {
		t.Fatal(err)
	}
	if _, answer, _ := do(t, "POST", url+"/v1/models/toy/versions/v2:predict", body(0, 1)); answer != expected(t, dir, 0, 1) {
		t.Errorf("a version that is not the default: %s", answer)
	}
	if err := r.DeleteVersion(t.Context(), registry.Ref{Name: "new", Version: "first"}); err != nil {
		t.Fatal(err)
	}
	if err := r.DeleteModel(t.Context(), "new"); err != nil {
		t.Fatal(err)
	}
	refresh()
	if got := s.Models(); !slices.Equal(got, []string{"toy@v1"}) {
		t.Errorf("at last: %v", got)
	}
	if status, answer, _ := do(t, "POST", url+"/v2/repository/models/new/load", ""); status != 404 {
		t.Errorf("%d %s", status, answer)
	}
}

// selfSigned is a certificate for localhost.
func selfSigned(t *testing.T) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{"localhost"}, NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// listen serves at a port of this machine until the test ends, and has to end well.
func listen(t *testing.T, o Options, secure *tls.Config) (address string) {
	t.Helper()
	o.Drain = time.Millisecond
	s, err := New(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, end := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() { ended <- s.Serve(ctx, listener, secure) }()
	t.Cleanup(func() {
		end()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return listener.Addr().String()
}

func TestTLS(t *testing.T) {
	pair, dir := selfSigned(t), export(t, 1)
	address := listen(t, Options{Export: dir}, &tls.Config{Certificates: []tls.Certificate{pair}})
	roots := x509.NewCertPool()
	leaf, err := x509.ParseCertificate(pair.Certificate[0])
	if err != nil {
		t.Fatal(err)
	}
	roots.AddCert(leaf)
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, ServerName: "localhost"}, ForceAttemptHTTP2: true}
	defer transport.CloseIdleConnections()
	response, err := (&http.Client{Transport: transport}).Post("https://"+address+"/v1/models/toy:predict", "application/json", strings.NewReader(body(0, 3)))
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil || string(answer) != expected(t, dir, 0, 3) || response.ProtoMajor != 2 {
		t.Errorf("%s %s: %v", response.Proto, answer, err)
	}
}

// Who sends a request too slowly is cut off.
func TestSlowRequests(t *testing.T) {
	address := listen(t, Options{Export: export(t, 1), Timeout: 100 * time.Millisecond}, nil)
	for _, part := range []string{"POST /v1/mod", "POST /v1/models/toy:predict HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{"} {
		conn, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		io.WriteString(conn, part)
		conn.SetReadDeadline(time.Now().Add(10 * time.Second))
		answer, err := io.ReadAll(conn)
		if err != nil || strings.Contains(string(answer), "200 OK") {
			t.Errorf("%.20s: %s %v", part, answer, err)
		}
	}
}

func TestMetrics(t *testing.T) {
	_, url := start(t, Options{Export: export(t, 1)})
	for range 3 {
		do(t, "POST", url+"/v1/models/toy:predict", body(0, 4))
	}
	do(t, "POST", url+"/v1/models/toy:predict", `{"instances":[{"age":"x"}]}`)
	_, text, _ := do(t, "GET", url+"/metrics", "")
	for _, line := range []string{
		`penstock_requests_total{code="200",route="predict"} 3`,
		`penstock_requests_total{code="400",route="predict"} 1`,
		`penstock_request_seconds_count{model="toy",version="1000"} 4`,
		`penstock_batch_rows_sum{model="toy",version="1000"} 13`,
		`penstock_instances_total{model="toy",version="1000"} 13`,
		`penstock_prediction_errors_total{model="toy",version="1000"} 1`,
		`penstock_requests_in_flight 1`,
	} {
		if !strings.Contains(text, line+"\n") {
			t.Errorf("there is no line %s in\n%s", line, text)
		}
	}
}

func BenchmarkPredict(b *testing.B) {
	s, err := New(b.Context(), Options{Export: export(b, 1)})
	if err != nil {
		b.Fatal(err)
	}
	handler := s.Handler()
	request := []byte(body(0, 1))
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			r := httptest.NewRequest("POST", "/v1/models/toy:predict", bytes.NewReader(request))
			handler.ServeHTTP(httptest.NewRecorder(), r)
		}
	})
}
