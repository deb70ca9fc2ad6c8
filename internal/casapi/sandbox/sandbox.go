package sandbox

import (
	"crypto/rand"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"time"

	"casflow/internal/samples"
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
	// Credits is the balance to start with; a successful parse takes one. Below 0:
	// unlimited.
	Credits int
	// RatePerMinute is how many calls of /v4 are let in within any 60 seconds. 0:
	// no limit.
	RatePerMinute int
	// SandboxRatePerMinute is the same for the sandbox key. 0: ten, as documented;
	// below 0: no limit.
	SandboxRatePerMinute int
	// OTP is that of every fetch session. "": DefaultOTP.
	OTP string
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

	otp           string
	cannedAnswers func() map[samples.Source][]byte

	ledger    ledger
	script    script
	state     *state
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
	if c.OTP == "" {
		c.OTP = DefaultOTP
	}
	if c.SandboxRatePerMinute == 0 {
		c.SandboxRatePerMinute = sandboxRate
	}
	return &Sandbox{
		latency:       c.Latency,
		maxBodyBytes:  c.MaxBodyBytes,
		clock:         c.Clock,
		fetchClient:   c.FetchClient,
		otp:           c.OTP,
		cannedAnswers: sync.OnceValue(cannedAnswers),
		ledger:        newLedger(c),
		state:         newState(),
		documents:     newDocuments(),
	}
}

// Know lets the sandbox take a PDF with this SHA-256 and password for one that it has
// opened, and answer is what was attached to it: for benches of many documents,
// which would else measure how fast PDFs are opened.
func (s *Sandbox) Know(sum [32]byte, password string, answer []byte) {
	s.documents.know(sum, password, answer)
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

	path, only := r.URL.Path, http.MethodPost
	to, session, isRoute := routeOf(path)
	account, isAccount := accountCalls()[path]
	isVerify := path == verifyTokenPath || path == "/v1/verify-token"
	isFile, isConsent := strings.HasPrefix(path, filesPath), strings.HasPrefix(path, oauthPath)
	if isFile || isConsent {
		only = http.MethodGet
	}
	switch {
	case !isRoute && !isAccount && !isVerify && !isFile && !isConsent:
		drain(r)
		failed(http.StatusNotFound, "", "Not found").write(w)
	case r.Method != only && (r.Method != http.MethodHead || !isFile):
		drain(r)
		w.Header().Set("Allow", only)
		failed(http.StatusMethodNotAllowed, "", "Method not allowed").write(w)
	case isFile:
		s.serveFile(w, r)
	case isConsent:
		s.consent(w, r)
	case isAccount:
		s.accountCall(w, r, account)
	case isVerify:
		told := s.verifyToken(r)
		drain(r)
		told.write(w)
	case to.want != "":
		s.parse(w, r, id, to)
	default:
		s.visit(w, r, id, to, session)
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
