package casapi_test

import (
	"crypto/x509"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"casflow/internal/casapi"
	"casflow/internal/redact"
)

func noProxy(*http.Request) (*url.URL, error) { return nil, nil } //nolint:nilnil // as http.Transport has it

// TestLone_Connections: each call has a connection of its own, which ends with it; a
// TLS session is taken up again.
func TestLone_Connections(t *testing.T) {
	t.Parallel()
	var resumed atomic.Int32
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.TLS.DidResume {
			resumed.Add(1)
		}
		if !r.Close {
			t.Error("the server was not told that the connection ends")
		}
		answering(200, nil, unified)(w, r)
	}))
	opened, closed := make(chan net.Conn, 10), make(chan net.Conn, 10)
	server.Config.ConnState = func(conn net.Conn, state http.ConnState) {
		switch state { //nolint:exhaustive // the rest is between them
		case http.StateNew:
			opened <- conn
		case http.StateClosed:
			closed <- conn
		}
	}
	server.StartTLS()
	t.Cleanup(server.Close)
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	client := newClient(t, func(c *casapi.Config) { c.BaseURL, c.Transport = server.URL, casapi.Lone(roots, noProxy) })
	for range 3 {
		answer, err := client.Parse(t.Context(), byLink())
		if err != nil || string(answer.Body) != unified {
			t.Fatalf("got %+v, %v", answer, err)
		}
		if conn := <-opened; conn != <-closed {
			t.Error("another connection than the call's was closed")
		}
	}
	if got := resumed.Load(); got != 2 {
		t.Errorf("%d sessions were taken up again, want 2", got)
	}
}

// TestLone_Proxy: a call for which there is a proxy goes through it.
func TestLone_Proxy(t *testing.T) {
	t.Parallel()
	var asked atomic.Pointer[string]
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Store(new(r.RequestURI))
		answering(200, nil, unified)(w, r)
	}))
	t.Cleanup(proxy.Close)
	through, err := url.Parse(proxy.URL)
	if err != nil {
		t.Fatal(err)
	}
	client := newClient(t, func(c *casapi.Config) {
		c.BaseURL, c.Transport = "http://api.example.invalid", casapi.Lone(nil, http.ProxyURL(through))
	})
	if _, err := client.Parse(t.Context(), byLink()); err != nil {
		t.Fatal(err)
	}
	if got := asked.Load(); got == nil || *got != "http://api.example.invalid/v4/smart/parse" {
		t.Errorf("the proxy was asked for %v", got)
	}
}

// TestLone_Answers: interim answers are passed over, but not for ever, and no header is
// read without end.
func TestLone_Answers(t *testing.T) {
	t.Parallel()
	const (
		interim = "HTTP/1.1 102 Processing\r\n\r\n"
		hints   = "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
		whole   = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + "1\r\n{\r\n" + "e\r\n\"meta\":{\"a\":1}\r\n" + "1\r\n}\r\n0\r\n\r\n"
	)
	for name, test := range map[string]struct {
		raw string
		ok  bool
	}{
		"Interim":       {interim + hints + whole, true},
		"InterimAlone":  {interim, false},
		"TooManyOfThem": {strings.Repeat(interim, 6) + whole, false},
		"LongHeader":    {"HTTP/1.1 200 OK\r\nX-A: " + strings.Repeat("a", 200<<10) + "\r\n" + whole[len("HTTP/1.1 200 OK\r\n"):], true},
		"EndlessHeader": {"HTTP/1.1 200 OK\r\nX-A: " + strings.Repeat("a", 300<<10) + "\r\n" + whole[len("HTTP/1.1 200 OK\r\n"):], false},
		"LargeBody":     {"HTTP/1.1 200 OK\r\n\r\n" + unified + strings.Repeat(" ", 1<<20), true},
		"NotHTTP":       {"SSH-2.0-x\r\n", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := serve(t, hijack(test.raw)).Parse(t.Context(), byLink())
			if test.ok && err != nil {
				t.Fatal(err)
			}
			if !test.ok {
				assertFailed(t, err, casapi.ErrUnavailable, nil, true)
			}
		})
	}
}

// TestLone_HandshakeHangs: until there is a connection nothing was sent.
func TestLone_HandshakeHangs(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	heard := make(chan error, 1)
	go func() {
		conn, err := listener.Accept()
		if err == nil {
			_, err = io.Copy(io.Discard, conn) // until the other side closes it
		}
		heard <- err
	}()
	client := newClient(t, func(c *casapi.Config) {
		c.BaseURL, c.Timeout = "https://"+listener.Addr().String(), 50*time.Millisecond
	})
	_, err = client.Parse(t.Context(), byLink())
	assertFailed(t, err, casapi.ErrUnavailable, nil, false)
	if err := <-heard; err != nil {
		t.Error(err)
	}
}

// byLink is a request with a link to a PDF.
func byLink() casapi.Request {
	request := upload()
	request.PDF, request.Size, request.URL = nil, 0, redact.Secret("https://files.example.invalid/a.pdf")
	return request
}

// ways are how a document is given.
func ways() map[string]func() casapi.Request {
	return map[string]func() casapi.Request{"Upload": upload, "Link": byLink}
}
