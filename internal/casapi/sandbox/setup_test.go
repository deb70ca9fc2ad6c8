package sandbox

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

const testKey = "sk_test_0001"

// bench is a Sandbox behind a real server.
type bench struct {
	api *Sandbox
	url string
}

func setup(t *testing.T, c Config) bench {
	t.Helper()
	if c.Key == "" {
		c.Key = testKey
	}
	api := New(c)
	server := httptest.NewServer(api)
	t.Cleanup(server.Close)
	return bench{api: api, url: server.URL}
}

// result is an answer read to its end.
type result struct {
	status int
	header http.Header
	body   []byte
}

// failure is the shape of the API's errors.
type failure struct {
	Status string `json:"status"`
	Msg    string `json:"msg"`
	Code   string `json:"code"`
	Detail string `json:"detail"` // of account calls
}

func (r result) failure(t *testing.T) failure {
	t.Helper()
	var f failure
	if err := json.Unmarshal(r.body, &f); err != nil {
		t.Fatalf("status %d: body %q: %v", r.status, r.body, err)
	}
	return f
}

// call is a request to be sent.
type call struct {
	method, path, key, id, contentType string
	inbox                              string // the inbox token; "": none
	body                               []byte
}

// send sends c once. It may be used from any goroutine.
func (b bench) send(ctx context.Context, c call) (result, error) {
	request, err := http.NewRequestWithContext(ctx, c.method, b.url+c.path, bytes.NewReader(c.body))
	if err != nil {
		return result{}, err
	}
	request.GetBody = nil // net/http must not send it again by itself
	request.Header.Set("Content-Type", c.contentType)
	if c.key != "" {
		request.Header.Set("x-api-key", c.key)
	}
	if c.inbox != "" {
		request.Header.Set("x-inbox-token", c.inbox)
	}
	if c.id != "" {
		request.Header.Set("X-Request-ID", c.id)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return result{}, err
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	return result{status: response.StatusCode, header: response.Header, body: body}, err
}

func (b bench) mustSend(t *testing.T, c call) result {
	t.Helper()
	r, err := b.send(t.Context(), c)
	if err != nil {
		t.Fatalf("%s %s: %v", c.method, c.path, err)
	}
	return r
}

// sendAll sends the calls at once and counts their statuses.
func (b bench) sendAll(t *testing.T, calls []call) map[int]int {
	t.Helper()
	var mu sync.Mutex
	statuses := map[int]int{}
	var group sync.WaitGroup
	for _, call := range calls {
		group.Go(func() {
			got, err := b.send(t.Context(), call)
			if err != nil {
				t.Errorf("send: %v", err)
			}
			mu.Lock()
			defer mu.Unlock()
			statuses[got.status]++
		})
	}
	group.Wait()
	return statuses
}

// part is a part of a form: a file where it has a file name.
type part struct{ name, filename, content string }

// formCall is a smart parse call with a multipart body.
func formCall(parts ...part) call {
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	for _, p := range parts {
		var field io.Writer
		var err error
		if p.filename != "" {
			field, err = w.CreateFormFile(p.name, p.filename)
		} else {
			field, err = w.CreateFormField(p.name)
		}
		if err != nil {
			panic(err) // the buffer does not fail
		}
		_, _ = io.WriteString(field, p.content)
	}
	_ = w.Close()
	return call{
		method: http.MethodPost, path: SmartParse, key: testKey,
		contentType: w.FormDataContentType(), body: body.Bytes(),
	}
}

// jsonCall is a smart parse call with a JSON body.
func jsonCall(fields map[string]any) call {
	body, err := json.Marshal(fields)
	if err != nil {
		panic(err) // strings only
	}
	return call{
		method: http.MethodPost, path: SmartParse, key: testKey,
		contentType: "application/json", body: body,
	}
}

// upload is the ordinary call for a statement.
func (s statement) upload() call {
	return formCall(part{"file", "statement.pdf", string(s.pdf)}, part{"password", "", s.password})
}

func (s statement) base64() string { return base64.StdEncoding.EncodeToString(s.pdf) }

func (s statement) sum() [32]byte { return sha256.Sum256(s.pdf) }

// at sends the call to another path.
func (c call) at(path string) call {
	c.path = path
	return c
}

func (c call) withKey(key string) call {
	c.key = key
	return c
}

func (c call) withID(id string) call {
	c.id = id
	return c
}

// fakeClock is a clock that stands still until it is moved.
type fakeClock struct {
	mu  sync.Mutex
	now time.Time
}

func newFakeClock() *fakeClock {
	return &fakeClock{now: time.Date(2026, time.March, 31, 23, 30, 0, 0, time.UTC)}
}

func (c *fakeClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *fakeClock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// barePDF is a sound PDF with nothing attached and no password, in at least so
// many bytes.
func barePDF(size int) []byte {
	var b bytes.Buffer
	var offsets []int
	object := func(text string) {
		offsets = append(offsets, b.Len())
		fmt.Fprintf(&b, "%d 0 obj\n%s\nendobj\n", len(offsets), text)
	}
	b.WriteString("%PDF-1.7\n")
	object("<</Type/Catalog/Pages 2 0 R>>")
	object("<</Type/Pages/Kids[3 0 R]/Count 1>>")
	object("<</Type/Page/Parent 2 0 R/MediaBox[0 0 200 200]/Resources<<>>/Contents 4 0 R>>")
	object(fmt.Sprintf("<</Length %d>>\nstream\n%s\nendstream", size, strings.Repeat(" ", size)))
	xref := b.Len()
	fmt.Fprintf(&b, "xref\n0 %d\n0000000000 65535 f \n", len(offsets)+1)
	for _, offset := range offsets {
		fmt.Fprintf(&b, "%010d 00000 n \n", offset)
	}
	fmt.Fprintf(&b, "trailer\n<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n", len(offsets)+1, xref)
	return b.Bytes()
}
