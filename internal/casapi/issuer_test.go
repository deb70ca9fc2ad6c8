package casapi_test

import (
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"casflow/internal/casapi"
)

// issuer is an API that gives out tokens at_1, at_2 and so on, each for an hour and
// after a second, and takes the last one alone. It is a transport, so that time can
// stand still.
type issuer struct {
	mu      sync.Mutex
	issued  int
	fails   int               // so many requests for tokens are refused
	refuses func(string) bool // whether a call with this token is refused
	refusal string            // how
	calls   []string          // the tokens of the calls, in order
	bodies  []string
	ids     []string
}

func (i *issuer) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	if r.URL.Path == "/v1/token" {
		time.Sleep(time.Second)
		if err := r.Context().Err(); err != nil {
			return nil, err
		}
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	answer := func(status int, text string) (*http.Response, error) {
		return &http.Response{StatusCode: status, Body: io.NopCloser(strings.NewReader(text)), Header: http.Header{}, ContentLength: int64(len(text))}, nil
	}
	key := r.Header.Get("X-Api-Key")
	if strings.HasPrefix(r.URL.Path, "/v1/") {
		if strings.HasPrefix(key, "at_") {
			return answer(400, `{"detail":"Access tokens cannot be used for this endpoint"}`)
		}
		if r.URL.Path != "/v1/token" {
			return answer(200, `{"used":1}`)
		}
		if i.fails > 0 {
			i.fails--
			return answer(503, ``)
		}
		i.issued++
		return answer(200, fmt.Sprintf(`{"access_token":"at_%d","token_type":"api_key","expires_in":3600}`, i.issued))
	}
	i.calls, i.bodies, i.ids = append(i.calls, key), append(i.bodies, string(body)), append(i.ids, r.Header.Get("X-Request-Id"))
	if key != fmt.Sprintf("at_%d", i.issued) || i.refuses != nil && i.refuses(key) {
		return answer(403, i.refusal)
	}
	return answer(200, unified)
}

// tokenClient uses access tokens of an issuer.
func tokenClient(t *testing.T, i *issuer, changes ...func(*casapi.Config)) *casapi.Client {
	t.Helper()
	return newClient(t, append(changes, func(c *casapi.Config) {
		c.AccessTokens, c.Transport = true, i
	})...)
}

func (i *issuer) used() []string {
	i.mu.Lock()
	defer i.mu.Unlock()
	return slices.Clone(i.calls)
}

// given counts the tokens that were issued, and the failures that are to come.
func (i *issuer) given() (issued, fails int) {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.issued, i.fails
}

func (i *issuer) failNext(n int) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.fails = n
}
