package casapi

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync/atomic"
	"time"

	"casflow/internal/redact"
)

// Endpoint is the path of an API call.
type Endpoint string

// The parse endpoints each cost one credit and answer in the unified shape.
const (
	SmartParse        Endpoint = "/v4/smart/parse"         // finds out the kind of statement by itself
	CDSLParse         Endpoint = "/v4/cdsl/parse"          // CDSL eCAS
	NSDLParse         Endpoint = "/v4/nsdl/parse"          // NSDL eCAS
	CAMSKFintechParse Endpoint = "/v4/cams_kfintech/parse" // mutual fund statements

	// ContractNoteParse reads a broker's contract note: half a credit, and an answer
	// of its own shape, see DecodeContractNote.
	ContractNoteParse Endpoint = "/v4/contract_note/parse"
)

const (
	defaultBaseURL   = "https://api.casparser.in"
	defaultTimeout   = 90 * time.Second // docs: 60 s; users allow 60 to 120 s
	defaultFileField = "file"           // the seed's name; newer docs say pdf_file
	defaultUserAgent = "casflow"

	defaultMaxAnswer = 32 << 20
	maxErrorBody     = 64 << 10
)

// Config says how to reach the API.
type Config struct {
	// BaseURL is scheme, host and perhaps a path. Defaults to
	// https://api.casparser.in.
	BaseURL string
	// APIKey returns the key and is asked before each call, since keys rotate.
	// Required.
	APIKey func() redact.Secret
	// Timeout bounds a parse call from the connection to the last byte of the answer,
	// and calls about the account where it is less than their 15 s. Defaults to 90 s.
	// All other calls have limits of their own.
	Timeout time.Duration
	// FileField names the multipart part that holds the PDF. Defaults to "file";
	// the API's newer documentation says "pdf_file".
	FileField string
	// Transport makes the requests; nil means an own one made for many slow calls.
	// No call follows a redirect: the key would go along.
	Transport http.RoundTripper
	// UserAgent defaults to "casflow".
	UserAgent string
	// AccessTokens makes the calls of /v4/* with an access token in the key's place:
	// one for all calls of the client, renewed when 80 % of its life is over. A call
	// whose token is refused (401, 403) is made once more with a new one, under the
	// same request id, where what it sends can be read again; Generate and CDSLFetch,
	// which send a mail or an SMS, never are.
	AccessTokens bool
	// FileHosts are hosts that Download fetches files from besides those of the API
	// and of BaseURL.
	FileHosts []string
	// MaxAnswerBytes caps the answer of a parse call. Defaults to 32 MiB.
	MaxAnswerBytes int64
	// Observe is told of each call that was made, from the goroutine that made it:
	// the status of the answer, 0 where there was none, and how long it took. Nil
	// tells nobody.
	Observe func(endpoint Endpoint, status int, took time.Duration)
}

// Client calls the API. It may be used by many goroutines at once.
type Client struct {
	transport http.RoundTripper // without an http.Client, which keeps a copy of what it needs to be redirected
	waiting   http.RoundTripper // for calls that send little and wait long
	files     *http.Client      // for Download
	base      string
	key       func() redact.Secret
	timeout   time.Duration
	fileField string
	userAgent string
	maxAnswer int64
	fileHosts []string
	tokens    *tokenSource // nil: the key is used for all calls
	generated atomic.Bool  // Generate has found that the API has the newer path alone
	observe   func(endpoint Endpoint, status int, took time.Duration)
}

var fieldName = regexp.MustCompile(`^[A-Za-z0-9_.-]+$`)

// New returns a client, or every fault of the configuration at once.
func New(config Config) (*Client, error) {
	c := &Client{
		transport: config.Transport,
		base:      strings.TrimRight(withDefault(config.BaseURL, defaultBaseURL), "/"),
		key:       config.APIKey,
		timeout:   withDefault(config.Timeout, defaultTimeout),
		fileField: withDefault(config.FileField, defaultFileField),
		userAgent: withDefault(config.UserAgent, defaultUserAgent),
		maxAnswer: withDefault(config.MaxAnswerBytes, defaultMaxAnswer),
		fileHosts: config.FileHosts,
		observe:   config.Observe,
	}
	if config.AccessTokens {
		c.tokens = &tokenSource{key: c.key, issue: func(ctx context.Context) (*Token, error) { return c.CreateToken(ctx, 0) }}
	}
	if c.observe == nil {
		c.observe = func(Endpoint, int, time.Duration) {}
	}
	if c.waiting = c.transport; c.transport == nil {
		shared := newTransport()
		c.transport, c.waiting = shared, newLone(shared)
	}
	c.files = &http.Client{Transport: c.transport, CheckRedirect: c.followFiles}

	var faults []error
	if err := checkBaseURL(c.base); err != nil {
		faults = append(faults, err)
	}
	if c.key == nil {
		faults = append(faults, errors.New("no API key"))
	}
	if c.timeout < 0 {
		faults = append(faults, fmt.Errorf("timeout %s is negative", c.timeout))
	}
	if !fieldName.MatchString(c.fileField) {
		faults = append(faults, fmt.Errorf("file field %q may hold letters, digits and _.- only", c.fileField))
	}
	if !printable(c.userAgent) {
		faults = append(faults, errors.New("user agent has characters that no header can hold"))
	}
	if c.maxAnswer < 0 {
		faults = append(faults, fmt.Errorf("answer limit %d is negative", c.maxAnswer))
	}
	if len(faults) > 0 {
		return nil, fmt.Errorf("casapi: %w", errors.Join(faults...))
	}
	return c, nil
}

// checkBaseURL does not repeat the URL, which may hold credentials.
func checkBaseURL(base string) error {
	parsed, err := url.Parse(base)
	switch {
	case err != nil:
		return errors.New("base URL is no URL")
	case parsed.Scheme != "https" && parsed.Scheme != "http", parsed.Hostname() == "":
		return errors.New("base URL must be like https://host")
	case !printable(parsed.Hostname()):
		return errors.New("base URL must have a host of plain letters, others as punycode (xn--)")
	case parsed.User != nil, strings.ContainsAny(base, "?#"): // an empty query would swallow the path too
		return errors.New("base URL must have no user, query or fragment")
	}
	return nil
}

// CloseIdleConnections closes connections that no call is using.
func (c *Client) CloseIdleConnections() { c.files.CloseIdleConnections() }

// NewRequestID returns an id for a call: "req_" and 26 letters and digits, 130
// bits of them random. The API keeps to it as the X-Request-ID, by which its
// usage log can be asked later whether a lost call was completed.
func NewRequestID() string { return "req_" + rand.Text() }

// printable reports whether text can go into a header as it is.
func printable(text string) bool {
	for i := range len(text) {
		if text[i] <= ' ' && text[i] != ' ' || text[i] >= 0x7f {
			return false
		}
	}
	return text == strings.TrimSpace(text)
}

func withDefault[T comparable](value, otherwise T) T {
	var zero T
	if value == zero {
		return otherwise
	}
	return value
}
