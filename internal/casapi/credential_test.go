package casapi_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"casflow/internal/casapi"
	"casflow/internal/casapi/sandbox"
	"casflow/internal/redact"
)

// TestClient_Tokens_Life: one token for all calls, renewed in the background when 80 %
// of its life is over, and waited for only when there is no good one.
func TestClient_Tokens_Life(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		i := &issuer{}
		client := tokenClient(t, i)
		begin := time.Now()
		parse := func(want string, waits time.Duration) {
			t.Helper()
			began := time.Now()
			if _, err := client.Parse(t.Context(), upload()); err != nil {
				t.Errorf("after %v: %v", time.Since(begin), err)
			}
			if calls := i.used(); calls[len(calls)-1] != want || time.Since(began) != waits {
				t.Errorf("after %v: token %s after %v, want %s after %v", time.Since(begin), calls[len(calls)-1], time.Since(began), want, waits)
			}
			synctest.Wait()
		}
		parse("at_1", time.Second)
		parse("at_1", 0)
		time.Sleep(48*time.Minute - 2*time.Second - 1) // a nanosecond before 80 % of the hour, counted from its request
		parse("at_1", 0)
		time.Sleep(time.Second)
		if issued, _ := i.given(); issued != 1 {
			t.Errorf("renewed before its time")
		}
		time.Sleep(time.Nanosecond)
		parse("at_1", 0) // and begins the renewal
		time.Sleep(2 * time.Second)
		parse("at_2", 0)
		if _, err := client.Credits(t.Context()); err != nil {
			t.Errorf("calls about the account take the key: %v", err)
		}
		time.Sleep(2 * time.Hour)
		parse("at_3", time.Second)
	})
}

// TestClient_Tokens_RenewalFails: while the old token is good nobody notices, and the
// renewal is tried again, but not by each call.
func TestClient_Tokens_RenewalFails(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		i := &issuer{}
		client := tokenClient(t, i)
		parse := func() error {
			_, err := client.Parse(t.Context(), upload())
			time.Sleep(2 * time.Second)
			return err
		}
		if err := parse(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(48 * time.Minute)
		i.failNext(2)
		for range 10 {
			if err := parse(); err != nil {
				t.Error(err)
			}
		}
		if _, left := i.given(); left != 1 {
			t.Errorf("%d failures are left, want 1: one try within twenty seconds", left)
		}
		time.Sleep(72 * time.Second) // two hundredths of the hour
		if err := parse(); err != nil {
			t.Error(err)
		}
		if _, left := i.given(); left != 0 {
			t.Errorf("%d failures are left, want none", left)
		}
		i.failNext(1)
		time.Sleep(time.Hour)
		err := parse()
		assertFailed(t, err, casapi.ErrUnavailable, nil, false)
		if !strings.HasPrefix(err.Error(), "/v1/token: ") {
			t.Errorf("%v: does not say that it is the token", err)
		}
		if err := parse(); err != nil {
			t.Error(err)
		}
	})
}

// TestClient_Tokens_Crowd: however many need a token, one is asked for; whoever goes
// away does not take it from the others.
func TestClient_Tokens_Crowd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		i := &issuer{refusal: `{"status":"failed","code":"TOKEN_EXPIRED","msg":"Token expired"}`}
		client := tokenClient(t, i)
		crowd := func(n int, first context.Context) {
			t.Helper()
			var group sync.WaitGroup
			group.Go(func() {
				_, err := client.Parse(first, upload())
				if gone := first.Err(); gone != nil {
					assertFailed(t, err, casapi.ErrUnavailable, gone, false)
				}
			})
			synctest.Wait()
			for range n {
				group.Go(func() {
					if _, err := client.Parse(t.Context(), upload()); err != nil {
						t.Error(err)
					}
				})
			}
			group.Wait()
		}
		leaving, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
		defer cancel()
		crowd(100, leaving)
		if issued, _ := i.given(); issued != 1 {
			t.Errorf("%d tokens were issued, want 1", issued)
		}
		// All are refused at once, and again one token serves them all.
		i.mu.Lock()
		i.refuses = func(token string) bool { return token == "at_1" }
		i.mu.Unlock()
		crowd(100, t.Context())
		if issued, _ := i.given(); issued != 2 {
			t.Errorf("%d tokens were issued, want 2", issued)
		}
	})
}

// TestClient_Tokens_Refused: a call whose token is refused is made once more, whole
// and under the same id; whatever else is refused is not.
func TestClient_Tokens_Refused(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, refusal string
		forever       bool
		change        func(*casapi.Request)
		want          error // nil: it succeeds in the end
		calls         int
	}{
		{name: "Expired", refusal: `{"code":"TOKEN_EXPIRED","msg":"x"}`, calls: 2},
		{name: "ByWords", refusal: `{"msg":"Invalid or expired token"}`, calls: 2},
		{name: "Mere403", refusal: ``, calls: 2},
		{name: "ByURL", refusal: ``, calls: 2, change: func(r *casapi.Request) { r.PDF, r.URL = nil, "https://files.example.invalid/a" }},
		{name: "Twice", refusal: `{"msg":"Invalid API key"}`, forever: true, want: casapi.ErrUnauthorized, calls: 2},
		{name: "Plan", refusal: `{"msg":"Feature not enabled"}`, want: casapi.ErrForbidden, calls: 1},
		{name: "Credits", refusal: `{"msg":"Quota used up"}`, want: casapi.ErrInsufficientCredits, calls: 1},
		{name: "CannotBeRead", refusal: ``, want: casapi.ErrUnavailable, calls: 1, change: func(r *casapi.Request) {
			r.PDF = io.MultiReader(r.PDF) // no Seeker
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				i := &issuer{refusal: test.refusal}
				i.refuses = func(token string) bool { return token == "at_1" || test.forever }
				client := tokenClient(t, i)
				request, sent := upload(), 0
				request.Sent = func() { sent++ }
				if test.change != nil {
					test.change(&request)
				}
				answer, err := client.Parse(t.Context(), request)
				if test.want == nil && (err != nil || string(answer.Body) != unified) {
					t.Errorf("got %+v, %v", answer, err)
				}
				if test.want != nil {
					assertFailed(t, err, test.want, nil, false)
				}
				if len(i.calls) != test.calls || sent != 1 {
					t.Fatalf("%d calls with %v, and Sent %d times; want %d, and once", len(i.calls), i.calls, sent, test.calls)
				}
				if test.calls == 2 {
					if i.bodies[0] != i.bodies[1] || i.ids[0] != i.ids[1] || i.calls[1] != "at_2" {
						t.Errorf("sent %d and %d bytes, ids %v", len(i.bodies[0]), len(i.bodies[1]), i.ids)
					}
				}
				_, err = client.Parse(t.Context(), upload())
				if !test.forever && test.calls == 2 && err != nil {
					t.Errorf("the next call: %v", err)
				}
			})
		})
	}
}

// TestClient_Tokens_Inbox: a mailbox that is refused is no reason to call again, for
// that is billed.
func TestClient_Tokens_Inbox(t *testing.T) {
	t.Parallel()
	for refusal, calls := range map[string]int{
		`{"status":"error","msg":"Token revoked","requires_reconnect":true}`: 1, `{"status":"error","msg":"Invalid token"}`: 1, ``: 1,
		`{"status":"error","code":"TOKEN_EXPIRED"}`: 2, `{"status":"error","msg":"Access token expired"}`: 2,
	} {
		synctest.Test(t, func(t *testing.T) {
			i := &issuer{refusal: refusal, refuses: func(string) bool { return true }}
			_, err := tokenClient(t, i).InboxFiles(t.Context(), testInbox, casapi.InboxQuery{})
			if err == nil || len(i.calls) != calls {
				t.Errorf("%s: %d calls, %v, want %d", refusal, len(i.calls), err, calls)
			}
		})
	}
}

// TestClient_Tokens_Once: what sends a mail or an SMS is made once, but the next call
// has a new token.
func TestClient_Tokens_Once(t *testing.T) {
	t.Parallel()
	for _, test := range retrievals() {
		if test.name != "Generate" && test.name != "CDSLFetch" {
			continue
		}
		synctest.Test(t, func(t *testing.T) {
			i := &issuer{refusal: `{"code":"TOKEN_EXPIRED","msg":"x"}`, refuses: func(token string) bool { return token == "at_1" }}
			client := tokenClient(t, i)
			_, err := test.call(t.Context(), client)
			assertFailed(t, err, casapi.ErrUnavailable, nil, false)
			if want := []string{"at_1"}; !slices.Equal(i.calls, want) {
				t.Errorf("%s: calls with %v, want %v", test.name, i.calls, want)
			}
			_, _ = test.call(t.Context(), client) // only what it sends matters
			if want := []string{"at_1", "at_2"}; !slices.Equal(i.calls, want) {
				t.Errorf("%s: calls with %v, want %v", test.name, i.calls, want)
			}
		})
	}
}

// TestClient_Tokens_Key: a new key has a new token, and a bad one none.
func TestClient_Tokens_Key(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		i := &issuer{}
		key := redact.Secret("sk_one")
		client := tokenClient(t, i, func(c *casapi.Config) { c.APIKey = func() redact.Secret { return key } })
		for _, next := range []redact.Secret{"sk_one", "sk_two", ""} {
			key = next
			_, err := client.Parse(t.Context(), upload())
			if next != "" && err != nil {
				t.Error(err)
			}
			if next == "" {
				assertFailed(t, err, casapi.ErrUnauthorized, nil, false)
			}
		}
		if want := []string{"at_1", "at_2"}; !slices.Equal(i.calls, want) {
			t.Errorf("calls with %v, want %v", i.calls, want)
		}
	})
}

// TestClient_Tokens_Trouble: what /v1/token answers is about the account or passes; it
// is never the document's fault.
func TestClient_Tokens_Trouble(t *testing.T) {
	t.Parallel()
	for status, want := range map[int]error{
		400: casapi.ErrUnavailable, 401: casapi.ErrUnauthorized, 402: casapi.ErrInsufficientCredits, 403: casapi.ErrForbidden,
		404: casapi.ErrUnavailable, 422: casapi.ErrUnavailable, 429: casapi.ErrRateLimited, 500: casapi.ErrUnavailable, 200: casapi.ErrUnavailable,
	} {
		client := serve(t, func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path != "/v1/token" {
				t.Errorf("%s was called", r.URL.Path)
			}
			answering(status, nil, `{}`)(w, r)
		}, func(c *casapi.Config) { c.AccessTokens = true })
		_, err := client.Parse(t.Context(), upload())
		assertFailed(t, err, want, nil, false)
	}
}

// TestClient_Tokens_Sandbox: as the stand-in has it, account calls take the key alone,
// and a token that it does not know any more is replaced.
func TestClient_Tokens_Sandbox(t *testing.T) {
	t.Parallel()
	api := sandbox.New(sandbox.Config{Key: testKey, Credits: 5})
	server := httptest.NewServer(api)
	t.Cleanup(server.Close)
	client := newClient(t, func(c *casapi.Config) { c.BaseURL, c.AccessTokens = server.URL, true })
	for range 2 {
		if _, err := client.Generate(t.Context(), goodMailback()); err != nil {
			t.Fatal(err)
		}
	}
	api.RevokeTokens()
	if _, err := client.InboxConnect(t.Context(), casapi.InboxConnectRequest{RedirectURI: "http://127.0.0.1/"}); err != nil {
		t.Fatal(err)
	}
	credits, err := client.Credits(t.Context())
	if err != nil || credits.Remaining != "4" || api.Tokens() != 2 {
		t.Errorf("credits %+v, %v, with %d tokens, want 4 left with 2", credits, err, api.Tokens())
	}
	token, err := client.CreateToken(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	if state, err := client.VerifyToken(t.Context(), token.Secret); err != nil || !state.Valid || state.Expires.IsZero() {
		t.Errorf("state %+v, %v", state, err)
	}
	asToken := newClient(t, func(c *casapi.Config) {
		c.BaseURL, c.APIKey = server.URL, func() redact.Secret { return token.Secret }
	})
	_, err = asToken.Credits(t.Context())
	assertFailed(t, err, casapi.ErrUnauthorized, nil, false) // for the text names the key
	if !strings.Contains(err.Error(), "status 400: Access tokens cannot be used") {
		t.Errorf("got %v", err)
	}
}
