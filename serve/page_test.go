package serve

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/penstock-ml/penstock/models/predictor/predictortest"
)

// browser is a Chromium that is driven by the WebDriver protocol (w3.org/TR/webdriver2).
type browser struct {
	t   *testing.T
	url string // of the session
}

// startBrowser starts one, or skips the test where there is none.
func startBrowser(t *testing.T) *browser {
	t.Helper()
	driver, err := exec.LookPath("chromedriver")
	if err != nil {
		t.Skip("there is no chromedriver: install Debian's packages chromium and chromium-driver")
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := listener.Addr().(*net.TCPAddr).Port
	listener.Close()
	cmd := exec.Command(driver, fmt.Sprintf("--port=%d", port))
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
	b := &browser{t: t, url: fmt.Sprintf("http://127.0.0.1:%d", port)}
	b.eventually("the driver answers", func() bool {
		response, err := http.Get(b.url + "/status")
		if err == nil {
			response.Body.Close()
		}
		return err == nil
	})
	options := map[string]any{"args": []string{
		"--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-quic", "--no-first-run",
		"--disable-background-networking", "--disable-component-update", "--disable-sync", "--user-data-dir=" + t.TempDir(),
	}}
	var session struct {
		SessionID string `json:"sessionId"`
	}
	err = b.try("POST", "/session", map[string]any{"capabilities": map[string]any{"alwaysMatch": map[string]any{"goog:chromeOptions": options}}}, &session)
	if err != nil {
		t.Skipf("the browser does not start: %v", err)
	}
	b.url += "/session/" + session.SessionID
	t.Cleanup(func() { b.call("DELETE", "", map[string]any{}, nil) })
	return b
}

// call makes one call of the protocol and reads the value that it answers.
func (b *browser) call(method, path string, body, value any) {
	b.t.Helper()
	if err := b.try(method, path, body, value); err != nil {
		b.t.Fatal(err)
	}
}

func (b *browser) try(method, path string, body, value any) error {
	data, err := json.Marshal(body)
	if err != nil {
		return err
	}
	request, err := http.NewRequest(method, b.url+path, bytes.NewReader(data))
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s %s: %s %v", method, path, answer, err)
	}
	if value == nil {
		return nil
	}
	return json.Unmarshal(answer, &struct{ Value any }{value})
}

func (b *browser) open(url string) {
	b.t.Helper()
	b.call("POST", "/url", map[string]string{"url": url}, nil)
}

// element finds the one that a CSS selector means.
func (b *browser) element(selector string) (path string) {
	b.t.Helper()
	var found map[string]string
	b.call("POST", "/element", map[string]string{"using": "css selector", "value": selector}, &found)
	for _, id := range found {
		path = "/element/" + id
	}
	return path
}

func (b *browser) click(selector string) {
	b.t.Helper()
	b.call("POST", b.element(selector)+"/click", map[string]any{}, nil)
}

func (b *browser) enter(selector, text string) {
	b.t.Helper()
	field := b.element(selector)
	b.call("POST", field+"/clear", map[string]any{}, nil)
	b.call("POST", field+"/value", map[string]string{"text": text}, nil)
}

// text is what people read of the page, or of a part of it; empty where that is not there.
func (b *browser) text(selector string) (text string) {
	b.t.Helper()
	b.call("POST", "/execute/sync", map[string]any{
		"script": "const e = document.querySelector(arguments[0]); return e ? e.innerText : ''", "args": []string{selector},
	}, &text)
	return text
}

func (b *browser) eventually(what string, holds func() bool) {
	b.t.Helper()
	for range 200 {
		if holds() {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	b.t.Fatalf("it never came about that %s", what)
}

// A person opens the page, changes the example, predicts, explains, and is told what is wrong.
func TestPageInABrowser(t *testing.T) {
	b := startBrowser(t)
	dir := export(t, 1)
	_, url := start(t, Options{Export: dir})
	b.open(url + "/")
	b.eventually("the model is shown", func() bool { return strings.Contains(b.text("#model-toy h2"), "version 1000") })
	if got := b.text("#model-toy form"); !strings.Contains(got, "age number") || !strings.Contains(got, "job string, may be missing") {
		t.Errorf("the form says %q", got)
	}
	r := predictortest.JSON(3)
	var values map[string]any
	if err := json.Unmarshal([]byte(r), &values); err != nil {
		t.Fatal(err)
	}
	for name, value := range values {
		b.enter("#model-toy input[name="+name+"]", fmt.Sprint(value))
	}
	b.click("#model-toy button")
	want := strings.TrimSuffix(strings.TrimPrefix(expected(t, dir, 3, 4), `{"predictions":[`), "]}\n")
	b.eventually("the prediction is shown", func() bool { return b.text("#model-toy .answer pre") != "" })
	var got, wanted any
	if err := json.Unmarshal([]byte(b.text("#model-toy .answer pre")), &got); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(want), &wanted); err != nil {
		t.Fatal(err)
	}
	if fmt.Sprint(got) != fmt.Sprint(wanted) {
		t.Errorf("the page shows %v, want %v", got, wanted)
	}
	if class := b.text("#model-toy .class"); !strings.Contains(want, class) || class == "" {
		t.Errorf("the class is %q, of %s", class, want)
	}
	b.click("#model-toy input[type=checkbox]")
	b.click("#model-toy button")
	b.eventually("the explanation is shown", func() bool { return strings.Contains(b.text("#model-toy .explanation"), "job_x_city") })
	b.enter("#model-toy input[name=age]", "old")
	b.click("#model-toy button")
	b.eventually("the error is shown", func() bool { return strings.Contains(b.text("#model-toy .error"), "instances[0]: ") })
}

// Where a token is needed, the page asks for it.
func TestPageAsksForTheToken(t *testing.T) {
	b := startBrowser(t)
	_, url := start(t, Options{Export: export(t, 1), Token: "secret"})
	b.open(url + "/")
	b.eventually("the token is asked for", func() bool { return strings.Contains(b.text("#token"), "Bearer token") })
	b.enter("#token input", "secret\n")
	b.eventually("the model is shown", func() bool { return strings.Contains(b.text("#model-toy h2"), "version 1000") })
}
