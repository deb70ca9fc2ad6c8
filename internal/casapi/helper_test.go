package casapi_test

import (
	"bytes"
	"errors"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"casflow/internal/casapi"
	"casflow/internal/redact"
)

const (
	testKey      = "sk_test_0123456789abcdef"
	testPassword = "Open-Sesame-77"
	unified      = `{"meta":{"cas_type":"CDSL"},"investor":{"name":"Zed Example"}}`
)

// classes are all classes of failure.
func classes() []error {
	return []error{
		casapi.ErrBadRequest, casapi.ErrUnauthorized, casapi.ErrInsufficientCredits, casapi.ErrForbidden,
		casapi.ErrNotFound, casapi.ErrWrongPassword, casapi.ErrUnprocessable, casapi.ErrNotPDF, casapi.ErrTooLarge,
		casapi.ErrRateLimited, casapi.ErrUnavailable, casapi.ErrBadAnswer, casapi.ErrSource, casapi.ErrReconnect,
	}
}

// assertClass checks that err matches exactly one class, and returns it as an
// *Error.
func assertClass(t *testing.T, err, want error) *casapi.Error {
	t.Helper()
	var failure *casapi.Error
	if !errors.As(err, &failure) {
		t.Fatalf("got error %v, want an *Error that matches %v", err, want)
	}
	var got []error
	for _, class := range classes() {
		if errors.Is(err, class) {
			got = append(got, class)
		}
	}
	if !slices.Equal(got, []error{want}) {
		t.Fatalf("%v: matches %v, want %v alone", err, got, want)
	}
	return failure
}

// serve starts a server and a client of it.
func serve(t *testing.T, handler http.HandlerFunc, changes ...func(*casapi.Config)) *casapi.Client {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return newClient(t, append(changes, func(c *casapi.Config) { c.BaseURL = server.URL })...)
}

func newClient(t *testing.T, changes ...func(*casapi.Config)) *casapi.Client {
	t.Helper()
	config := casapi.Config{APIKey: func() redact.Secret { return testKey }}
	for _, change := range changes {
		change(&config)
	}
	client, err := casapi.New(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.CloseIdleConnections)
	return client
}

// answering is a handler that reads the whole request and answers.
func answering(status int, header http.Header, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		maps.Copy(w.Header(), header)
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

// silent is a client whose server takes every request and never answers.
func silent() http.RoundTripper {
	return transportFunc(func(r *http.Request) (*http.Response, error) {
		if r.Body != nil {
			_, _ = io.Copy(io.Discard, r.Body)
		}
		<-r.Context().Done()
		return nil, r.Context().Err()
	})
}

// upload is a request with a small PDF.
func upload() casapi.Request {
	pdf := "%PDF-1.7 " + strings.Repeat("x", 1000)
	return casapi.Request{
		Endpoint:  casapi.SmartParse,
		RequestID: "req_Test0001",
		Password:  testPassword,
		PDF:       strings.NewReader(pdf),
		Size:      int64(len(pdf)),
	}
}

// hijack is a handler that reads the whole request, writes raw bytes to the
// connection and cuts it.
func hijack(raw string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		connection, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			panic(err)
		}
		_, _ = io.Copy(connection, bytes.NewBufferString(raw))
		_ = connection.Close()
	}
}
