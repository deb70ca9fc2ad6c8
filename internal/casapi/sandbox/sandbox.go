package sandbox

import (
	"crypto/rand"
	"net/http"
	"regexp"
	"time"
)

// The paths of the parse calls.
const (
	SmartParse        = "/v4/smart/parse"
	CDSLParse         = "/v4/cdsl/parse"
	NSDLParse         = "/v4/nsdl/parse"
	CAMSKFintechParse = "/v4/cams_kfintech/parse"

	creditsPath = "/v1/credits"
	usagePath   = "/v1/usage"
)

const (
	// defaultMaxBodyBytes leaves room for a PDF of maxPDFBytes and its form.
	defaultMaxBodyBytes = 12 << 20
	// maxPDFBytes is the largest PDF taken: 10 MB (the docs).
	maxPDFBytes = 10 << 20
	// fetchTimeout bounds the fetch of a pdf_url. What the API allows is not
	// documented.
	fetchTimeout = 30 * time.Second
	// maxRequestIDBytes is the longest X-Request-ID that is echoed. What the API
	// allows is not documented.
	maxRequestIDBytes = 64
)

// Config says how a Sandbox behaves. The zero value takes any key that is not
// empty, has no credit, no rate limit and no latency.
type Config struct {
	// Key is the x-api-key that is taken. "": any that is not empty.
	Key string
	// Credits is the balance to start with, one for each successful parse.
	// Below 0: unlimited.
	Credits int
	// RatePerMinute is how many parse calls are let in within any 60 seconds.
	// 0: no limit.
	RatePerMinute int
	// Latency is how long each parse call waits after its body has been read.
	Latency time.Duration
	// MaxBodyBytes is the largest request body; beyond it an HTML 413 is
	// answered, as an edge proxy would (users report a cap near 1.8 MB on some
	// plans). 0: 12 MiB.
	MaxBodyBytes int64
	// Clock tells the time of calls and of the rate's window; waiting is done in
	// real time. nil: time.Now.
	Clock func() time.Time
	// FetchClient fetches each pdf_url. nil: a client of its own that gives up
	// after 30 seconds.
	FetchClient *http.Client
}

// Sandbox is the stand-in API, an http.Handler. All its methods may be called
// at any time from any goroutine. Use New.
type Sandbox struct {
	latency      time.Duration
	maxBodyBytes int64
	clock        func() time.Time
	fetchClient  *http.Client

	ledger    ledger
	script    script
	documents *documents
}

// New returns a Sandbox that behaves as c says.
func New(c Config) *Sandbox {
	if c.MaxBodyBytes <= 0 {
		c.MaxBodyBytes = defaultMaxBodyBytes
	}
	if c.Clock == nil {
		c.Clock = time.Now
	}
	if c.FetchClient == nil {
		c.FetchClient = &http.Client{Timeout: fetchTimeout}
	}
	return &Sandbox{
		latency:      c.Latency,
		maxBodyBytes: c.MaxBodyBytes,
		clock:        c.Clock,
		fetchClient:  c.FetchClient,
		ledger:       newLedger(c),
		documents:    newDocuments(),
	}
}

// ServeHTTP answers one request as the API would. Every answer carries
// X-Request-ID: the caller's own where it has the form req_ and letters or
// digits and at most 64 bytes, a new one otherwise.
//
// A scripted cut of the connection ends in a panic with http.ErrAbortHandler
// where the connection cannot be taken over; net/http's server knows it.
func (s *Sandbox) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	id := requestID(r)
	w.Header().Set("X-Request-Id", id)

	want, isParse := parsePaths()[r.URL.Path]
	switch {
	case !isParse && r.URL.Path != creditsPath && r.URL.Path != usagePath:
		drain(r)
		failed(http.StatusNotFound, "", "Not found").write(w)
	case r.Method != http.MethodPost:
		drain(r)
		w.Header().Set("Allow", http.MethodPost)
		failed(http.StatusMethodNotAllowed, "", "Method not allowed").write(w)
	case isParse:
		s.parse(w, r, id, want)
	case r.URL.Path == usagePath:
		s.usage(r).write(w)
	default:
		drain(r)
		s.ledger.account(r.Header.Get(keyHeader), s.clock()).write(w)
	}
}

// parsePaths gives, by path, the meta.cas_type that the path takes: "" for any.
func parsePaths() map[string]string {
	return map[string]string{
		SmartParse:        "",
		CDSLParse:         "CDSL",
		NSDLParse:         "NSDL",
		CAMSKFintechParse: "CAMS_KFINTECH",
	}
}

// keyHeader carries the API key.
const keyHeader = "X-Api-Key"

var requestIDForm = regexp.MustCompile(`^req_[A-Za-z0-9]+$`)

// requestID returns the caller's X-Request-ID where it has the documented form,
// a new one otherwise.
func requestID(r *http.Request) string {
	if id := r.Header.Get("X-Request-Id"); len(id) <= maxRequestIDBytes && requestIDForm.MatchString(id) {
		return id
	}
	return "req_" + rand.Text()
}
