package casapi_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"casflow/internal/casapi"
	"casflow/internal/redact"
)

const filePDF = "%PDF-1.7 and so on"

func TestClient_Download(t *testing.T) {
	t.Parallel()
	var got http.Header
	mux := http.NewServeMux()
	mux.HandleFunc("/a.pdf", func(w http.ResponseWriter, r *http.Request) {
		got = r.Header
		_, _ = io.WriteString(w, filePDF)
	})
	mux.Handle("/moved", http.RedirectHandler("/a.pdf?secret=1", http.StatusFound))
	mux.Handle("/round", http.RedirectHandler("/round", http.StatusFound))
	mux.Handle("/away", http.RedirectHandler("https://files.example.invalid/a.pdf", http.StatusFound))
	mux.Handle("/page", answering(200, nil, "<html>sign in</html>"))
	mux.Handle("/empty", answering(200, nil, ""))
	mux.Handle("/gone", answering(403, nil, "<Error>Request has expired</Error>"))
	mux.Handle("/none", answering(404, nil, ""))
	mux.Handle("/busy", answering(429, http.Header{"Retry-After": {"7"}}, ""))
	mux.Handle("/down", answering(503, nil, ""))
	mux.Handle("/long", answering(200, nil, filePDF+strings.Repeat("x", 10<<20)))
	mux.HandleFunc("/chunked", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, filePDF)
		_ = http.NewResponseController(w).Flush()
		_, _ = io.WriteString(w, strings.Repeat("x", 10<<20))
	})
	mux.Handle("/cut", hijack("HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n"+filePDF+strings.Repeat("x", 3000)))
	mux.Handle("/cutearly", hijack("HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n"+filePDF))
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	client := newClient(t, func(c *casapi.Config) { c.BaseURL = server.URL })
	for _, path := range []string{"/a.pdf", "/moved"} {
		var into bytes.Buffer
		n, err := client.Download(t.Context(), casapi.File{URL: redact.Secret(server.URL + path), Expires: time.Now().Add(time.Hour)}, &into)
		if err != nil || n != int64(len(filePDF)) || into.String() != filePDF {
			t.Errorf("%s: got %d bytes %q, %v", path, n, into.String(), err)
		}
	}
	if got.Get("X-Api-Key") != "" || got.Get("X-Request-Id") != "" {
		t.Errorf("a file's host is told %v", got)
	}
	for path, want := range map[string]error{
		"/round": casapi.ErrUnavailable, "/away": casapi.ErrUnavailable, "/page": casapi.ErrUnavailable, "/empty": casapi.ErrUnavailable,
		"/gone": casapi.ErrNotFound, "/none": casapi.ErrNotFound, "/busy": casapi.ErrRateLimited, "/down": casapi.ErrUnavailable,
		"/long": casapi.ErrTooLarge, "/chunked": casapi.ErrTooLarge, "/cut": casapi.ErrUnavailable, "/cutearly": casapi.ErrUnavailable,
	} {
		link := server.URL + path + "?signature=0123456789"
		_, err := client.Download(t.Context(), casapi.File{URL: redact.Secret(link)}, io.Discard)
		assertFailed(t, err, want, nil, false)
		if strings.Contains(err.Error(), "0123456789") {
			t.Errorf("%s: the link is told: %v", path, err)
		}
	}
}

// TestClient_Download_Hosts: links elsewhere are not followed.
func TestClient_Download_Hosts(t *testing.T) {
	t.Parallel()
	var asked []string
	transport := transportFunc(func(r *http.Request) (*http.Response, error) {
		asked = append(asked, r.URL.Host)
		return nil, errors.ErrUnsupported
	})
	client := newClient(t, func(c *casapi.Config) {
		c.Transport, c.FileHosts = transport, []string{"files.example.com"}
	})
	for link, taken := range map[string]bool{
		"https://cdn.casparser.in/a.pdf": true, "https://storage.casparser.in/a.pdf?x=1": true, "https://api.casparser.in/a": true,
		"https://CDN.casparser.in:443/a": true, "https://files.example.com/a.pdf": true,
		"http://cdn.casparser.in/a.pdf": false, "https://casparser.in.example.invalid/a": false, "https://evilcasparser.in/a": false,
		"https://cdn.casparser.in@example.invalid/a": false, "https://me:x@cdn.casparser.in/a": false, "http://169.254.169.254/a": false,
		"file:///etc/passwd": false, "": false, "https://%zz": false, "//cdn.casparser.in/a": false,
	} {
		before := len(asked)
		_, err := client.Download(t.Context(), casapi.File{URL: redact.Secret(link)}, io.Discard)
		if taken {
			assertFailed(t, err, casapi.ErrUnavailable, errors.ErrUnsupported, false)
		} else {
			assertFailed(t, err, casapi.ErrBadRequest, nil, false)
		}
		if (len(asked) > before) != taken {
			t.Errorf("%s: asked %v", link, asked[before:])
		}
	}
}

// TestClient_Download_Time: a link that has expired is not tried, and a host that
// does not answer is given up.
func TestClient_Download_Time(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		client := newClient(t, func(c *casapi.Config) { c.Transport = silent() })
		file := casapi.File{URL: "https://cdn.casparser.in/a.pdf", Expires: time.Now().Add(time.Second)}
		begin := time.Now()
		_, err := client.Download(t.Context(), file, io.Discard)
		assertFailed(t, err, casapi.ErrUnavailable, context.DeadlineExceeded, false)
		if waited := time.Since(begin); waited != time.Minute {
			t.Errorf("gave up after %v, want a minute", waited)
		}
		_, err = client.Download(t.Context(), file, io.Discard)
		assertFailed(t, err, casapi.ErrNotFound, nil, false)
		if !strings.Contains(err.Error(), "expired") || time.Since(begin) != time.Minute {
			t.Errorf("got %v", err)
		}
	})
}

// TestClient_Download_Writer: the writer's own error is not the API's.
func TestClient_Download_Writer(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(answering(200, nil, filePDF))
	t.Cleanup(server.Close)
	client := newClient(t, func(c *casapi.Config) { c.BaseURL = server.URL })
	_, err := client.Download(t.Context(), casapi.File{URL: redact.Secret(server.URL)}, brokenWriter{})
	var failure *casapi.Error
	if !errors.Is(err, io.ErrShortWrite) || errors.As(err, &failure) {
		t.Errorf("got %v", err)
	}
}

type brokenWriter struct{}

func (brokenWriter) Write([]byte) (int, error) { return 0, io.ErrShortWrite }
