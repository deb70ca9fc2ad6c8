package sandbox

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

func TestSandbox_Parse_BodyTooLarge(t *testing.T) {
	t.Parallel()
	c := cdsl(t, 1)
	fits := int64(len(c.upload().body))
	tests := map[string]struct {
		max    int64
		length int64 // -1: not announced
		want   int
	}{
		"Fits":             {fits, fits, http.StatusOK},
		"FitsChunked":      {fits, -1, http.StatusOK},
		"TooLarge":         {fits - 1, fits, http.StatusRequestEntityTooLarge},
		"TooLargeChunked":  {fits - 1, -1, http.StatusRequestEntityTooLarge},
		"MuchTooLarge":     {100, fits, http.StatusRequestEntityTooLarge},
		"MuchTooLargeOpen": {100, -1, http.StatusRequestEntityTooLarge},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			api := New(Config{Key: testKey, Credits: 5, MaxBodyBytes: tt.max})
			up := c.upload()
			request := httptest.NewRequest(up.method, up.path, bytes.NewReader(up.body))
			request.ContentLength = tt.length
			request.Header.Set("Content-Type", up.contentType)
			request.Header.Set("x-api-key", testKey)
			recorder := httptest.NewRecorder()
			api.ServeHTTP(recorder, request)
			if recorder.Code != tt.want {
				t.Fatalf("status = %d, want %d", recorder.Code, tt.want)
			}
			if tt.want == http.StatusOK {
				return
			}
			if got := recorder.Header().Get("Content-Type"); !strings.HasPrefix(got, "text/html") {
				t.Errorf("Content-Type = %q, want HTML", got)
			}
			if got := recorder.Header().Get("X-Credits-Used"); got != "" {
				t.Errorf("X-Credits-Used = %q, want none from an edge proxy", got)
			}
			if got := api.Calls()[0].Status; got != tt.want {
				t.Errorf("call's status = %d, want %d", got, tt.want)
			}
		})
	}
}

// A client that is still sending when it is refused gets the refusal all the
// same.
func TestSandbox_Parse_RefusedWhileSending(t *testing.T) {
	t.Parallel()
	b := setup(t, Config{Credits: -1})
	big := formCall(part{"file", "s.pdf", strings.Repeat("x", 20<<20)})
	for range 3 {
		if got := b.mustSend(t, big); got.status != http.StatusRequestEntityTooLarge {
			t.Errorf("status = %d, want 413", got.status)
		}
		if got := b.mustSend(t, big.withKey("wrong")); got.status != http.StatusUnauthorized {
			t.Errorf("status = %d, want 401", got.status)
		}
	}
}

// A client that waits to be told to go on does not send a body that is refused.
func TestSandbox_Parse_ExpectContinue(t *testing.T) {
	t.Parallel()
	b := setup(t, Config{Credits: -1})
	client := &http.Client{Transport: &http.Transport{ExpectContinueTimeout: time.Hour}}
	t.Cleanup(client.CloseIdleConnections)
	up := cdsl(t, 1).upload()
	for key, want := range map[string]int{"wrong": http.StatusUnauthorized, testKey: http.StatusOK} {
		sent := &countingReader{Reader: bytes.NewReader(up.body)}
		request, err := http.NewRequestWithContext(t.Context(), up.method, b.url+up.path, sent)
		if err != nil {
			t.Fatal(err)
		}
		request.ContentLength = int64(len(up.body))
		request.Header.Set("Content-Type", up.contentType)
		request.Header.Set("Expect", "100-continue")
		request.Header.Set("x-api-key", key)
		response, err := client.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
		if response.StatusCode != want {
			t.Errorf("status = %d, want %d", response.StatusCode, want)
		}
		if refused := want != http.StatusOK; refused != (sent.bytes.Load() == 0) {
			t.Errorf("status %d: %d bytes of the body were sent", want, sent.bytes.Load())
		}
	}
}

// countingReader counts what is read of it.
type countingReader struct {
	io.Reader
	bytes atomic.Int64
}

func (r *countingReader) Read(p []byte) (int, error) {
	n, err := r.Reader.Read(p)
	r.bytes.Add(int64(n))
	return n, err
}
