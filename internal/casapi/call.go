package casapi

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"casflow/internal/redact"
)

// call is one request to the API on its way.
type call struct {
	endpoint    Endpoint
	path        string // "": the endpoint's own
	requestID   string
	key         redact.Secret // the API key, or an access token
	inboxToken  redact.Secret // "": none is sent
	sanitizer   sanitizer
	body        *body // nil: an empty body
	contentType string
	// again puts a new body in place of the one that was sent, to send it once
	// more. Nil, or an error: it cannot be done.
	again func() error
	limit int64 // of a successful answer's body, in bytes
	acts  bool  // it may cost credits or send a mail, so a lost outcome matters
	waits bool  // it sends little, and the answer takes long
}

// setJSON gives the call a body that can be sent again.
func (call *call) setJSON(text []byte) {
	call.contentType = "application/json"
	call.again = func() error {
		call.body = newBody(bytes.NewReader(text), int64(len(text)), nil)
		return nil
	}
	_ = call.again() // never fails
}

// do makes the request and reads the answer. Any status but 2xx is an error.
func (c *Client) do(ctx context.Context, call *call) (*reply, error) {
	if source := call.source(); source != nil {
		defer context.AfterFunc(ctx, source.interrupt)()
		defer source.release(ctx)
	}
	switch {
	case call.key == "":
		return nil, call.refuse(ErrUnauthorized, "no API key")
	case !printable(call.key.Reveal()):
		return nil, call.refuse(ErrUnauthorized, "API key has characters that no header can hold")
	case !printable(call.inboxToken.Reveal()):
		return nil, call.refuse(ErrBadRequest, "inbox token has characters that no header can hold")
	case ctx.Err() != nil:
		return nil, call.failed(ctx, ctx.Err())
	}
	request, err := c.newRequest(ctx, call)
	if err != nil {
		return nil, call.refuse(ErrBadRequest, "cannot make the request")
	}
	status, began := 0, time.Now()
	defer func() { c.observe(call.endpoint, status, time.Since(began)) }()
	transport := c.transport
	if call.waits {
		transport = c.waiting
	}
	response, err := transport.RoundTrip(request)
	if err != nil {
		return nil, call.failed(ctx, err)
	}
	status = response.StatusCode
	defer response.Body.Close() //nolint:errcheck // nothing can be done about it, nothing is lost
	if response.StatusCode < 200 || response.StatusCode > 299 {
		// What cannot be read of it is missing from the message, no more.
		text, _, _ := readBody(response, maxErrorBody)
		return nil, call.refused(response, text)
	}
	text, tooLarge, err := readBody(response, call.limit)
	if err != nil {
		failure := call.failed(ctx, err)
		failure.StatusCode = response.StatusCode
		failure.RequestID = call.answering(response.Header)
		failure.OutcomeUnknown = call.acts // whatever was uploaded, it did succeed
		return nil, failure
	}
	return &reply{
		status:    response.StatusCode,
		header:    response.Header,
		requestID: call.sanitizer.requestID(response.Header.Get("X-Request-Id")),
		body:      text,
		tooLarge:  tooLarge,
	}, nil
}

func (call *call) source() *source {
	if call.body == nil {
		return nil
	}
	return call.body.source
}

func (c *Client) newRequest(ctx context.Context, call *call) (*http.Request, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, c.base+withDefault(call.path, string(call.endpoint)), http.NoBody)
	if err != nil {
		return nil, fmt.Errorf("new request: %w", err)
	}
	if call.body != nil {
		// No GetBody: the transport could send the document a second time.
		request.Body = call.body
		request.ContentLength = call.body.length
		request.Header.Set("Content-Type", call.contentType)
	}
	request.Header.Set("X-Api-Key", call.key.Reveal())
	if call.inboxToken != "" {
		request.Header.Set("X-Inbox-Token", call.inboxToken.Reveal())
	}
	request.Header.Set("X-Request-Id", call.requestID)
	request.Header.Set("User-Agent", c.userAgent)
	request.Header.Set("Accept", "application/json")
	request.Header.Set("Accept-Encoding", "identity") // see newTransport
	return request, nil
}

// refuse is the error of a call that was not sent.
func (call *call) refuse(class error, message string) *Error {
	return &Error{
		Endpoint:  call.endpoint,
		RequestID: call.sanitizer.requestID(call.requestID),
		Class:     class,
		Message:   call.sanitizer.message(message),
	}
}

// failed is the error of a call without an answer. Its outcome is unknown once
// the transport had taken the whole request: until then the API cannot have
// had a complete one.
func (call *call) failed(ctx context.Context, cause error) *Error {
	failure := call.refuse(ErrUnavailable, "")
	if source := call.source(); source != nil {
		if err := source.err(); err != nil && !endedBy(ctx, err) {
			failure.Class = ErrSource
			failure.Err = err
			failure.Message = call.sanitizer.message(err.Error())
			return failure
		}
	}
	failure.OutcomeUnknown = call.acts && call.body != nil && call.body.taken.Load()
	if wrapped, ok := errors.AsType[*url.Error](cause); ok {
		cause = wrapped.Err
	}
	switch err := ctx.Err(); {
	case errors.Is(err, context.DeadlineExceeded):
		failure.Message = "timed out"
		cause = err
	case err != nil:
		failure.Message = "canceled"
		cause = err
	default:
		failure.Message = call.sanitizer.message(cause.Error())
	}
	failure.Err = cause
	return failure
}

// endedBy reports whether err only tells that ctx has ended.
func endedBy(ctx context.Context, err error) bool {
	return ctx.Err() != nil && (errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded))
}

// refused is the error of an answer with a status other than 2xx.
func (call *call) refused(response *http.Response, text []byte) *Error {
	env := readEnvelope(text)
	failure := call.rejected(response.StatusCode, response.Header, env, text)
	failure.OutcomeUnknown = call.acts && call.body != nil && call.body.taken.Load() && lostBehind(response.StatusCode, env)
	return failure
}

// lostBehind reports whether an error comes from something before the API that
// lost the API's own answer, so that the document may have been parsed: 504 and
// TIMEOUT say so; a 502, or one of an edge network's own statuses, does unless
// it carries an error in the API's form.
func lostBehind(status int, env envelope) bool {
	switch {
	case status == http.StatusGatewayTimeout, strings.EqualFold(env.code, codeTimeout):
		return true
	case status == http.StatusBadGateway, status >= 520 && status <= 530:
		return !env.failed && env.code == ""
	}
	return false
}

// rejected is the error of an answer that says that the call failed, whatever
// its status. A body without a message in any known place is the message.
func (call *call) rejected(status int, header http.Header, env envelope, text []byte) *Error {
	message := env.message
	if message == "" && env.code == "" {
		message = string(text)
	}
	failure := &Error{
		Endpoint:   call.endpoint,
		StatusCode: status,
		Code:       call.sanitizer.code(env.code),
		Message:    call.sanitizer.message(message),
		RequestID:  call.answering(header),
		// Judged by the words as they came, for a password that reads "quota"
		// is masked in Message; but by no more of them: a page is no message.
		Class: classify(status, env.code, cut(plainText(message), maxMessageBytes)),
	}
	if call.inboxToken != "" && wantsReconnect(text) {
		failure.Class = ErrReconnect
	}
	failure.RetryAfter, failure.HasRetryAfter = retryAfter(header, time.Now())
	return failure
}

// answering returns the id the answer came with, else the one that was sent.
func (call *call) answering(header http.Header) string {
	if id := call.sanitizer.requestID(header.Get("X-Request-Id")); id != "" {
		return id
	}
	return call.sanitizer.requestID(call.requestID)
}
