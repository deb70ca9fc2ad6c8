package casapi_test

import (
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"casflow/internal/casapi"
)

// TestClient_Parse_Taken: that the last byte of a PDF was taken is told long before the
// answer comes, also where the PDF is kept to be sent again, and once.
func TestClient_Parse_Taken(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		tokens bool
		sent   int32 // calls of Sent before the answer
	}{"Key": {false, 1}, "Token": {true, 0}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			taken := make(chan struct{})
			var sent atomic.Int32
			client := serve(t, func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/v1/token" {
					answering(200, nil, `{"access_token":"at_1","expires_in":3600}`)(w, r)
					return
				}
				_, _ = io.Copy(io.Discard, r.Body)
				<-taken
				if got := sent.Load(); got != test.sent {
					t.Errorf("Sent was called %d times before the answer, want %d", got, test.sent)
				}
				answering(200, nil, unified)(w, r)
			}, func(c *casapi.Config) { c.AccessTokens = test.tokens })
			_, err := client.Parse(t.Context(), casapi.Request{
				Endpoint: casapi.SmartParse, PDF: strings.NewReader("%PDF-1.7"), Size: 8,
				Sent: func() { sent.Add(1) }, Taken: func() { close(taken) }, // twice would panic
			})
			if err != nil || sent.Load() != 1 {
				t.Errorf("Parse() = %v, Sent was called %d times in all", err, sent.Load())
			}
		})
	}
	t.Run("Never", func(t *testing.T) { // sent: it is told all the same
		t.Parallel()
		taken := 0
		_, err := newClient(t).Parse(t.Context(), casapi.Request{Taken: func() { taken++ }})
		if err == nil || taken != 1 {
			t.Errorf("Parse() = %v, Taken was called %d times", err, taken)
		}
	})
}
