package casapi

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/go-json-experiment/json"

	"casflow/internal/redact"
)

// Request is one document to parse: a PDF to upload, or the URL of one.
type Request struct {
	Endpoint Endpoint
	// RequestID is sent as X-Request-ID: "req_", then letters and digits. Empty
	// means a new one, which the answer or the error tells.
	RequestID string
	// Password opens the PDF. Empty means that none is sent. A contract note needs
	// one.
	Password redact.Secret
	// BrokerType is whose contract note it is: zerodha, groww, upstox or icici.
	// Empty lets the API find out. No other endpoint takes it.
	BrokerType string
	// Filename is what the upload is called. It is reduced to plain characters,
	// a PAN in it masked. Defaults to "statement.pdf".
	Filename string
	// PDF is read once, from where it is, as the upload proceeds; it must give
	// exactly Size bytes and then io.EOF. It is not read any more once Parse has
	// returned. It is left open, but for one case: when the call's time ends
	// while a Read is under way, perhaps for good, PDF is closed, if it is an
	// io.Closer, to end that Read. A reader that can hang and cannot be closed
	// can hold up Parse beyond its time.
	PDF  io.Reader
	Size int64
	// Sent, if not nil, is called exactly once, as soon as PDF is no longer
	// needed: when its last byte was taken, which is long before the answer
	// arrives, or else when Parse ends. It must not block. A client that uses access
	// tokens keeps a PDF that is an io.Seeker to the end, to send it once more where
	// its token is refused.
	Sent func()
	// Taken, if not nil, is called exactly once, as soon as the connection has taken
	// the last byte of PDF, or else when Parse ends. It must not block. Unlike Sent it
	// does not wait until PDF cannot be needed again.
	Taken func()
	// URL is fetched by the API itself, so it must be reachable from anywhere
	// without headers until the call has ended. Either it or PDF is given. A
	// contract note has no such way.
	URL redact.Secret
}

// Answer is what the API answered to a parse call.
type Answer struct {
	// Body is the JSON as it came, at most Config.MaxAnswerBytes. It is nil only
	// besides an error that says that it was larger.
	Body       []byte
	StatusCode int
	// RequestID is the X-Request-ID of the answer, "" when it had none. It
	// should equal the one sent; the docs do not say what a repeated id does.
	RequestID string
	// CreditsUsed and CreditsRemaining are decimal texts from the headers
	// X-Credits-Used and X-Credits-Remaining, which one page of the docs names;
	// "" is unknown.
	CreditsUsed, CreditsRemaining string
}

var ownRequestID = regexp.MustCompile(`^req_[A-Za-z0-9]+$`)

// Parse makes exactly one HTTP request (but see Config.AccessTokens) and returns the unified response, or the
// contract note in its envelope, as it came. Failures are *Error values, each of one class. With ErrBadAnswer the
// answer is returned as well, since it was paid for. An error that matches
// ErrOutcomeUnknown tells that the document may have been parsed and billed: it
// arises only once the whole request had been handed to the connection.
func (c *Client) Parse(ctx context.Context, request Request) (*Answer, error) {
	if request.RequestID == "" {
		request.RequestID = NewRequestID()
	}
	if request.Sent != nil {
		request.Sent = sync.OnceFunc(request.Sent)
		defer request.Sent()
	}
	if request.Taken == nil {
		request.Taken = func() {}
	}
	request.Taken = sync.OnceFunc(request.Taken)
	defer request.Taken()
	key := c.key()
	call := &call{
		endpoint:  request.Endpoint,
		requestID: request.RequestID,
		key:       key,
		sanitizer: newSanitizer(key, request.Password, request.URL),
		limit:     c.maxAnswer,
		acts:      true,
	}
	if fault := request.fault(); fault != "" {
		return nil, call.refuse(ErrBadRequest, fault)
	}
	if err := c.fill(call, request); err != nil {
		return nil, call.refuse(ErrBadRequest, err.Error())
	}
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	reply, err := c.send(ctx, call)
	if err != nil {
		return nil, err
	}
	return call.answer(reply)
}

// fault names what is wrong with a request, "" when nothing is.
func (r *Request) fault() string {
	note := r.Endpoint == ContractNoteParse
	switch r.Endpoint {
	case SmartParse, CDSLParse, NSDLParse, CAMSKFintechParse, ContractNoteParse:
	default:
		return "not a parse endpoint"
	}
	switch {
	case !note && r.BrokerType != "":
		return "broker_type is for contract notes only"
	case note && r.BrokerType != "" && !slices.Contains(BrokerTypes(), r.BrokerType):
		return "broker_type is none of " + strings.Join(BrokerTypes(), ", ")
	case note && r.Password == "":
		return "password is missing: a contract note needs one"
	case note && r.URL != "":
		return "a contract note cannot be given by URL"
	case len(r.RequestID) > maxIDBytes || !ownRequestID.MatchString(r.RequestID):
		return "request id must be req_ and letters or digits"
	case r.PDF == nil && r.URL == "":
		return "neither a PDF nor a URL given"
	case r.PDF != nil && r.URL != "":
		return "both a PDF and a URL given"
	case r.PDF != nil && r.Size <= 0:
		return fmt.Sprintf("size of the PDF is %d", r.Size)
	case r.URL != "" && !fetchable(r.URL):
		return "URL must be an absolute http or https URL"
	}
	return ""
}

// BrokerTypes are the brokers that Request.BrokerType can name.
func BrokerTypes() []string { return []string{"zerodha", "groww", "upstox", "icici"} }

func fetchable(link redact.Secret) bool {
	parsed, err := url.Parse(link.Reveal())
	return err == nil && (parsed.Scheme == "https" || parsed.Scheme == "http") && parsed.Host != ""
}

// fill gives the call its body.
func (c *Client) fill(call *call, request Request) error {
	if request.PDF == nil {
		text, err := json.Marshal(struct {
			URL      string `json:"pdf_url"`
			Password string `json:"password,omitzero"`
		}{request.URL.Reveal(), request.Password.Reveal()})
		if err != nil {
			return errors.New("URL or password is not valid UTF-8") // and err might quote it
		}
		call.setJSON(text)
		call.waits = true
		return nil
	}
	form, err := newForm(c.fileField, request)
	if err != nil {
		return err
	}
	call.contentType = form.contentType
	sent := func() {
		request.Taken()
		if request.Sent != nil {
			request.Sent()
		}
	}
	if pdf, ok := request.PDF.(io.Seeker); ok && c.tokens != nil {
		start, err := pdf.Seek(0, io.SeekCurrent)
		if err == nil {
			sent = request.Taken // the PDF may be needed again until the end: see Request.Sent
			call.again = func() error {
				call.body = form.body(newSource(request.PDF, request.Size, nil), request.Size)
				_, err := pdf.Seek(start, io.SeekStart)
				return err //nolint:wrapcheck // only whether it failed matters
			}
		}
	}
	call.body = form.body(newSource(request.PDF, request.Size, sent), request.Size)
	return nil
}
