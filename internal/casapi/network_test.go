package casapi_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"casflow/internal/casapi"
)

// assertFailed checks the class, the cause and whether the outcome is unknown.
func assertFailed(t *testing.T, err, class, cause error, unknown bool) {
	t.Helper()
	_ = assertClass(t, err, class)
	if cause != nil && !errors.Is(err, cause) {
		t.Errorf("%v: does not match %v", err, cause)
	}
	if got := errors.Is(err, casapi.ErrOutcomeUnknown); got != unknown {
		t.Errorf("%v: outcome unknown is %t, want %t", err, got, unknown)
	}
}

func TestClient_Parse_CanceledBefore(t *testing.T) {
	t.Parallel()
	client := serve(t, func(http.ResponseWriter, *http.Request) { t.Error("was sent") })
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := client.Parse(ctx, upload())
	assertFailed(t, err, casapi.ErrUnavailable, context.Canceled, false)
}

func TestClient_Parse_CanceledWhileWaiting(t *testing.T) {
	t.Parallel()
	for way, request := range ways() {
		t.Run(way, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithCancel(t.Context())
			client := serve(t, func(_ http.ResponseWriter, r *http.Request) {
				_, _ = io.Copy(io.Discard, r.Body)
				cancel()
				<-r.Context().Done()
			})
			_, err := client.Parse(ctx, request())
			assertFailed(t, err, casapi.ErrUnavailable, context.Canceled, true)
		})
	}
}

func TestClient_Parse_CanceledWhileUploading(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	client := serve(t, func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
	})
	pipe, writer := io.Pipe() // a Read of it hangs until it is closed
	request := upload()
	request.PDF = &hanging{PipeReader: pipe, begun: cancel}
	_, err := client.Parse(ctx, request)
	assertFailed(t, err, casapi.ErrUnavailable, context.Canceled, false)
	if _, err := writer.Write([]byte("x")); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("reader was not closed: %v", err)
	}
}

// hanging is a PDF whose Read does not return. begun is called from within it,
// so that whatever begun sets off finds the Read under way.
type hanging struct {
	*io.PipeReader
	begun func()
}

func (h *hanging) Read(p []byte) (int, error) {
	h.begun()
	return h.PipeReader.Read(p)
}

func TestClient_Parse_Timeout(t *testing.T) {
	t.Parallel()
	client := serve(t, func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		<-r.Context().Done()
	}, func(c *casapi.Config) { c.Timeout = 50 * time.Millisecond })
	_, err := client.Parse(t.Context(), byLink())
	assertFailed(t, err, casapi.ErrUnavailable, context.DeadlineExceeded, true)
	if t.Context().Err() != nil {
		t.Error("the caller's context ended")
	}
}

func TestClient_Parse_TimeoutWhileUploading(t *testing.T) {
	t.Parallel()
	client := serve(t, answering(200, nil, unified), func(c *casapi.Config) { c.Timeout = 50 * time.Millisecond })
	request := upload()
	request.PDF, _ = io.Pipe()
	_, err := client.Parse(t.Context(), request)
	assertFailed(t, err, casapi.ErrUnavailable, context.DeadlineExceeded, false)
}

func TestClient_Parse_Unreachable(t *testing.T) {
	t.Parallel()
	client := newClient(t, func(c *casapi.Config) { c.BaseURL = "http://127.0.0.1:1" }) // a port that nothing listens on
	for way, request := range ways() {
		_, err := client.Parse(t.Context(), request())
		assertFailed(t, err, casapi.ErrUnavailable, nil, false)
		if _, ok := errors.AsType[*net.OpError](err); !ok {
			t.Errorf("%s: %v: cause is lost", way, err)
		}
	}
}

func TestClient_Parse_UntrustedCertificate(t *testing.T) {
	t.Parallel()
	server := httptest.NewTLSServer(answering(200, nil, unified))
	t.Cleanup(server.Close)
	client := newClient(t, func(c *casapi.Config) { c.BaseURL = server.URL })
	for way, request := range ways() {
		_, err := client.Parse(t.Context(), request())
		assertFailed(t, err, casapi.ErrUnavailable, nil, false)
		if _, ok := errors.AsType[*tls.CertificateVerificationError](err); !ok {
			t.Errorf("%s: %v: cause is lost", way, err)
		}
	}
}

func TestClient_Parse_Cut(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, raw string }{
		{"BeforeTheAnswer", ""},
		{"InTheHeader", "HTTP/1.1 200 OK\r\nContent-"},
		{"InTheBody", "HTTP/1.1 200 OK\r\nX-Request-Id: req_Answer\r\nContent-Length: 1000\r\n\r\n" + unified},
		{"InAChunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\n" + unified},
		{"WithoutLength", "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + unified[:20]},
		{"Gzipped", "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Encoding: gzip\r\n\r\n" + zipped(unified)[:40]},
		{"NotGzipped", "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Encoding: gzip\r\n\r\n" + unified},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			client := serve(t, hijack(test.raw))
			for _, request := range ways() {
				_, err := client.Parse(t.Context(), request())
				assertFailed(t, err, casapi.ErrUnavailable, nil, true)
			}
		})
	}
	t.Run("InAnError", func(t *testing.T) {
		t.Parallel()
		client := serve(t, hijack("HTTP/1.1 422 Unprocessable\r\nContent-Length: 1000\r\n\r\n{\"code\":\"INVALID_PASSWORD\",\"msg\":\"Wr"))
		_, err := client.Parse(t.Context(), upload())
		assertFailed(t, err, casapi.ErrWrongPassword, nil, false)
	})
}

func TestClient_Parse_OneRequest(t *testing.T) {
	t.Parallel()
	t.Run("NoRedirect", func(t *testing.T) {
		t.Parallel()
		var requests atomic.Int32
		client := serve(t, func(w http.ResponseWriter, r *http.Request) {
			requests.Add(1)
			_, _ = io.Copy(io.Discard, r.Body)
			http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
		})
		_, err := client.Parse(t.Context(), byLink())
		assertFailed(t, err, casapi.ErrUnavailable, nil, false)
		if got := requests.Load(); got != 1 {
			t.Errorf("got %d requests", got)
		}
	})
	t.Run("NoRetryOnAConnectionThatWentStale", func(t *testing.T) {
		t.Parallel()
		var requests atomic.Int32
		client := serve(t, func(w http.ResponseWriter, r *http.Request) {
			if requests.Add(1) == 1 {
				answering(200, nil, unified)(w, r)
				return
			}
			hijack("")(w, r)
		})
		if _, err := client.Parse(t.Context(), upload()); err != nil {
			t.Fatal(err)
		}
		_, err := client.Parse(t.Context(), upload())
		assertFailed(t, err, casapi.ErrUnavailable, nil, true)
		if got := requests.Load(); got != 2 {
			t.Errorf("got %d requests", got)
		}
	})
}

func TestClient_Parse_Gzip(t *testing.T) {
	t.Parallel()
	handler := func(w http.ResponseWriter, r *http.Request) {
		if got := r.Header.Get("Accept-Encoding"); got != "identity" {
			t.Errorf("asked for encoding %q", got)
		}
		answering(200, http.Header{"Content-Encoding": {"gzip"}}, zipped(unified))(w, r)
	}
	client := serve(t, handler)
	answer, err := client.Parse(t.Context(), upload())
	if err != nil || string(answer.Body) != unified {
		t.Errorf("got %+v, %v", answer, err)
	}
	small := serve(t, handler, func(c *casapi.Config) { c.MaxAnswerBytes = 10 })
	_, err = small.Parse(t.Context(), upload())
	assertFailed(t, err, casapi.ErrBadAnswer, nil, true)
}

func zipped(text string) string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = io.Copy(w, strings.NewReader(text))
	_ = w.Close()
	return b.String()
}
