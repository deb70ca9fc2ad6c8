package casapi_test

import (
	"errors"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"casflow/internal/casapi"
	"casflow/internal/redact"
)

func TestNew_Faults(t *testing.T) {
	t.Parallel()
	const (
		shape = "base URL must be like https://host"
		bare  = "base URL must have no user, query or fragment"
	)
	base := func(text string) func(*casapi.Config) { return func(c *casapi.Config) { c.BaseURL = text } }
	tests := []struct {
		name   string
		change func(*casapi.Config)
		want   []string // none: the configuration is good
	}{
		{name: "Defaults", change: func(*casapi.Config) {}},
		{name: "Path", change: base("http://127.0.0.1:8080/stand-in/")},
		{name: "IPv6", change: base("https://[::1]:8443")},
		{name: "NoScheme", change: base("api.casparser.in"), want: []string{shape}},
		{name: "OtherScheme", change: base("ftp://api.example.invalid"), want: []string{shape}},
		{name: "NoHost", change: base("https://"), want: []string{shape}},
		{name: "PortWithoutHost", change: base("https://:8443"), want: []string{shape}},
		{name: "Opaque", change: base("https:api.example.invalid"), want: []string{shape}},
		{name: "HostInLetters", change: base("https://\u0430pi.example"), want: []string{"base URL must have a host of plain letters, others as punycode (xn--)"}},
		{name: "NoURL", change: base("https://%zz"), want: []string{"base URL is no URL"}},
		{name: "User", change: base("https://zed:" + testPassword + "@api.example.invalid"), want: []string{bare}},
		{name: "Query", change: base("https://api.example.invalid?a=b"), want: []string{bare}},
		{name: "EmptyQuery", change: base("https://api.example.invalid?"), want: []string{bare}},
		{name: "Fragment", change: base("https://api.example.invalid#a"), want: []string{bare}},
		{name: "EmptyFragment", change: base("https://api.example.invalid/#"), want: []string{bare}},
		{name: "NoKey", change: func(c *casapi.Config) { c.APIKey = nil }, want: []string{"no API key"}},
		{name: "Timeout", change: func(c *casapi.Config) { c.Timeout = -1 }, want: []string{"timeout -1ns is negative"}},
		{name: "FileField", change: func(c *casapi.Config) { c.FileField = `a"b` }, want: []string{`file field "a\"b" may hold letters, digits and _.- only`}},
		{name: "UserAgent", change: func(c *casapi.Config) { c.UserAgent = "a\r\nX-Api-Key: b" }, want: []string{"user agent has characters that no header can hold"}},
		{name: "MaxAnswerBytes", change: func(c *casapi.Config) { c.MaxAnswerBytes = -1 }, want: []string{"answer limit -1 is negative"}},
		{
			name: "Several",
			change: func(c *casapi.Config) {
				*c = casapi.Config{BaseURL: "x", Timeout: -1, FileField: " ", UserAgent: "é", MaxAnswerBytes: -2}
			},
			want: []string{
				shape, "no API key", "timeout -1ns is negative", `file field " " may hold letters, digits and _.- only`,
				"user agent has characters that no header can hold", "answer limit -2 is negative",
			},
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			config := casapi.Config{APIKey: func() redact.Secret { return testKey }}
			test.change(&config)
			client, err := casapi.New(config)
			var got []string
			if err != nil {
				got = strings.Split(strings.TrimPrefix(err.Error(), "casapi: "), "\n")
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			if (client == nil) != (err != nil) {
				t.Errorf("got client %v with error %v", client, err)
			}
		})
	}
}

// TestNew_Transport: requests are made by the transport that is given.
func TestNew_Transport(t *testing.T) {
	t.Parallel()
	given := transportFunc(func(*http.Request) (*http.Response, error) { return nil, errors.ErrUnsupported })
	client := newClient(t, func(c *casapi.Config) { c.Transport = given })
	_, err := client.Parse(t.Context(), upload())
	assertFailed(t, err, casapi.ErrUnavailable, errors.ErrUnsupported, false)
}

type transportFunc func(*http.Request) (*http.Response, error)

func (f transportFunc) RoundTrip(request *http.Request) (*http.Response, error) { return f(request) }

// TestNew_BaseURL: the key goes nowhere but to the base URL.
func TestNew_BaseURL(t *testing.T) {
	t.Parallel()
	for base, want := range map[string]string{
		"":                                "https://api.casparser.in/v1/credits",
		"http://127.0.0.1:8080/stand-in/": "http://127.0.0.1:8080/stand-in/v1/credits",
	} {
		var got *url.URL
		client := newClient(t, func(c *casapi.Config) {
			c.BaseURL = base
			c.Transport = transportFunc(func(r *http.Request) (*http.Response, error) {
				got = r.URL
				return nil, errors.ErrUnsupported
			})
		})
		_, err := client.Credits(t.Context())
		assertFailed(t, err, casapi.ErrUnavailable, errors.ErrUnsupported, false)
		if got.String() != want {
			t.Errorf("base %q: got %s, want %s", base, got, want)
		}
	}
}

func TestNewRequestID(t *testing.T) {
	t.Parallel()
	form := regexp.MustCompile(`^req_[A-Z2-7]{26}$`)
	seen := map[string]bool{}
	for range 1000 {
		id := casapi.NewRequestID()
		if !form.MatchString(id) || seen[id] {
			t.Fatalf("got id %q, seen %t", id, seen[id])
		}
		seen[id] = true
	}
}

// TestClient_Parse_Fault: a request that is wrong in itself is refused before
// anything is sent, and tells the caller that its PDF is not needed.
func TestClient_Parse_Fault(t *testing.T) {
	t.Parallel()
	key := redact.Secret(testKey)
	link := func(text redact.Secret) func(*casapi.Request) {
		return func(r *casapi.Request) { r.PDF, r.URL = nil, text }
	}
	tests := []struct {
		name   string
		key    redact.Secret
		change func(*casapi.Request)
		class  error
		want   string
	}{
		{"NoEndpoint", key, func(r *casapi.Request) { r.Endpoint = "" }, casapi.ErrBadRequest, "not a parse endpoint"},
		{"OtherEndpoint", key, func(r *casapi.Request) { r.Endpoint = "/v1/credits" }, casapi.ErrBadRequest, "not a parse endpoint"},
		{"RequestID", key, func(r *casapi.Request) { r.RequestID = "req_a_b" }, casapi.ErrBadRequest, "request id must be req_ and letters or digits"},
		{"LongRequestID", key, func(r *casapi.Request) { r.RequestID = "req_" + strings.Repeat("a", 125) }, casapi.ErrBadRequest, "request id must be req_ and letters or digits"},
		{"NoSource", key, link(""), casapi.ErrBadRequest, "neither a PDF nor a URL given"},
		{"BothSources", key, func(r *casapi.Request) { r.URL = "https://files.example.invalid/a" }, casapi.ErrBadRequest, "both a PDF and a URL given"},
		{"NoSize", key, func(r *casapi.Request) { r.Size = 0 }, casapi.ErrBadRequest, "size of the PDF is 0"},
		{"RelativeURL", key, link("files/a.pdf"), casapi.ErrBadRequest, "URL must be an absolute http or https URL"},
		{"FileURL", key, link("file:///a.pdf"), casapi.ErrBadRequest, "URL must be an absolute http or https URL"},
		{"NoURL", key, link("https://%zz"), casapi.ErrBadRequest, "URL must be an absolute http or https URL"},
		{"PasswordNotUTF8", key, func(r *casapi.Request) {
			r.PDF, r.URL, r.Password = nil, "https://files.example.invalid/a", "\xff\xfe"
		}, casapi.ErrBadRequest, "URL or password is not valid UTF-8"},
		{"NoKey", "", func(*casapi.Request) {}, casapi.ErrUnauthorized, "no API key"},
		{"BrokenKey", "sk_a\nb", func(*casapi.Request) {}, casapi.ErrUnauthorized, "API key has characters that no header can hold"},
		{"SpacedKey", "sk_ab ", func(*casapi.Request) {}, casapi.ErrUnauthorized, "API key has characters that no header can hold"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			client := serve(t, func(http.ResponseWriter, *http.Request) { t.Error("was sent") },
				func(c *casapi.Config) { c.APIKey = func() redact.Secret { return test.key } })
			request, sent := upload(), 0
			request.Sent = func() { sent++ }
			test.change(&request)
			answer, err := client.Parse(t.Context(), request)
			failure := assertClass(t, err, test.class)
			if failure.Message != test.want || failure.StatusCode != 0 || failure.OutcomeUnknown || answer != nil {
				t.Errorf("got %+v and answer %v, want message %q", failure, answer, test.want)
			}
			if sent != 1 {
				t.Errorf("Sent was called %d times", sent)
			}
		})
	}
}

// TestClient_Observe: each call that was made is told of, whatever it came to, and
// none that was not.
func TestClient_Observe(t *testing.T) {
	t.Parallel()
	type seen struct {
		endpoint casapi.Endpoint
		status   int
	}
	for name, test := range map[string]struct {
		handler http.HandlerFunc
		key     redact.Secret
		want    []seen
	}{
		"Answered": {answering(http.StatusOK, nil, unified), testKey, []seen{{casapi.SmartParse, 200}}},
		"Refused":  {answering(http.StatusTooManyRequests, nil, "{}"), testKey, []seen{{casapi.SmartParse, 429}}},
		"CutOff":   {hijack(""), testKey, []seen{{casapi.SmartParse, 0}}},
		"NotMade":  {answering(http.StatusOK, nil, unified), "", nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got []seen
			client := serve(t, test.handler, func(c *casapi.Config) {
				c.APIKey = func() redact.Secret { return test.key }
				c.Observe = func(endpoint casapi.Endpoint, status int, took time.Duration) {
					if took <= 0 {
						t.Errorf("the call took %s", took)
					}
					got = append(got, seen{endpoint, status})
				}
			})
			_, _ = client.Parse(t.Context(), upload()) // what it comes to, other tests say
			if diff := cmp.Diff(test.want, got, cmp.AllowUnexported(seen{})); diff != "" {
				t.Errorf("calls (-want +got):\n%s", diff)
			}
		})
	}
}
