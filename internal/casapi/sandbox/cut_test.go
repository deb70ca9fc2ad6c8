package sandbox

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"syscall"
	"testing"
	"time"
)

func TestFault_Cut(t *testing.T) {
	t.Parallel()
	c := cdsl(t, 1)
	tests := map[string]struct {
		fault  Fault
		bytes  int // of a body; -1: not even a status
		status int // in the ledger
		billed bool
	}{
		"Cut":            {Fault{Cut: true}, -1, 0, false},
		"CutBilled":      {Fault{Cut: true, Billed: true}, -1, http.StatusOK, true},
		"CutBeatsStatus": {Fault{Cut: true, Status: 500}, -1, 0, false},
		"OneByte":        {Fault{CutAfter: 1}, 1, http.StatusOK, true},
		"HalfAnAnswer":   {Fault{CutAfter: len(c.answer) / 2}, len(c.answer) / 2, http.StatusOK, true},
		"AllButOne":      {Fault{CutAfter: len(c.answer) - 1}, len(c.answer) - 1, http.StatusOK, true},
		"StatusCut":      {Fault{Status: 502, Body: "<html>", CutAfter: 3}, 3, 502, false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, Config{Credits: 5})
			b.api.FailNext(tt.fault)
			got, err := b.send(t.Context(), c.upload())
			if err == nil {
				t.Fatalf("no error: status %d, %d bytes", got.status, len(got.body))
			}
			if tt.bytes < 0 {
				if got.status != 0 {
					t.Errorf("status = %d, want no answer", got.status)
				}
				if !errors.Is(err, syscall.ECONNRESET) && !errors.Is(err, io.EOF) {
					t.Errorf("error = %v, want a connection that was reset", err)
				}
			} else if len(got.body) != tt.bytes || !errors.Is(err, io.ErrUnexpectedEOF) {
				t.Errorf("got %d bytes, error %v, want %d and an unexpected EOF", len(got.body), err, tt.bytes)
			}
			want := Call{Status: tt.status, Billed: tt.billed, Cut: true}
			if tt.billed {
				want.Credits = Credit
			}
			last := b.api.Calls()[0]
			if got := (Call{Status: last.Status, Billed: last.Billed, Credits: last.Credits, Cut: last.Cut}); got != want {
				t.Errorf("call = %+v, want %+v", got, want)
			}
			if calls := b.api.Totals().Calls; calls != 1 {
				t.Errorf("calls = %d, want 1", calls)
			}
			again := b.mustSend(t, c.upload())
			if again.status != http.StatusOK || !bytes.Equal(again.body, c.answer) {
				t.Errorf("the next call: status = %d, want the whole answer", again.status)
			}
		})
	}
}

func TestFault_Cut_OtherConnections(t *testing.T) {
	t.Parallel()
	c := cdsl(t, 1)
	for name, http2 := range map[string]bool{"TLS": false, "HTTP2": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			api := New(Config{Key: testKey, Credits: 5})
			server := httptest.NewUnstartedServer(api)
			server.EnableHTTP2 = http2
			server.StartTLS()
			t.Cleanup(server.Close)
			api.FailNext(Fault{Cut: true, Billed: true})
			up := c.upload()
			request, err := http.NewRequestWithContext(t.Context(), up.method, server.URL+up.path, bytes.NewReader(up.body))
			if err != nil {
				t.Fatal(err)
			}
			request.GetBody = nil
			request.Header.Set("Content-Type", up.contentType)
			request.Header.Set("x-api-key", testKey)
			response, err := server.Client().Do(request)
			if err == nil {
				_ = response.Body.Close()
				t.Errorf("status = %d, want no answer", response.StatusCode)
			}
			if got := api.Totals(); got != (Count{Calls: 1, Billed: 1}) {
				t.Errorf("totals = %+v, want one call, billed", got)
			}
		})
	}
}

// A client that hangs up while its call waits is billed only where the fault
// says so, and then at once.
func TestFault_ClientGone(t *testing.T) {
	t.Parallel()
	c := cdsl(t, 1)
	for name, billed := range map[string]bool{"Billed": true, "NotBilled": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			api := New(Config{Key: testKey, Credits: 5})
			over := make(chan struct{}, 1)
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				api.ServeHTTP(w, r)
				over <- struct{}{}
			}))
			t.Cleanup(server.Close)
			b := bench{api: api, url: server.URL}
			api.FailNext(Fault{Delay: time.Hour, Billed: billed})
			ctx, hangUp := context.WithCancel(t.Context())
			sent := make(chan error, 1)
			go func() {
				_, err := b.send(ctx, c.upload())
				sent <- err
			}()
			if err := api.AwaitCalls(t.Context(), 1); err != nil {
				t.Fatal(err)
			}
			want := Count{Calls: 1}
			if billed {
				want.Billed = 1
			}
			if got := api.Document(c.sum()); got != want {
				t.Errorf("while it waits: document = %+v, want %+v", got, want)
			}
			hangUp()
			if err := <-sent; !errors.Is(err, context.Canceled) {
				t.Errorf("error = %v, want canceled", err)
			}
			<-over
			if got := api.Document(c.sum()); got != want {
				t.Errorf("document = %+v, want %+v", got, want)
			}
			if got := api.Calls()[0]; got.Status != 499 || got.Billed != billed || !got.Cut {
				t.Errorf("call = %+v, want 499, cut, billed %v", got, billed)
			}
		})
	}
}
