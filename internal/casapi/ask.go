package casapi

import (
	"bytes"
	"context"
	"fmt"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"casflow/internal/redact"
)

const (
	accountTimeout = 15 * time.Second // docs: 5 s, repository notes: 10 s
	maxSmallAnswer = 1 << 20
)

// question is a call other than a parse call: a small body and a small answer.
type question struct {
	endpoint   Endpoint
	path       string        // "": the endpoint's own
	fields     any           // of the body, as JSON; nil sends none
	fault      string        // what is wrong with it, "" when it can be sent
	credential redact.Secret // in the key's place; "": the key, or a token
	inboxToken redact.Secret
	secrets    []redact.Secret // besides the key
	timeout    time.Duration
	limit      int64  // of the answer, in bytes; 0: 1 MiB
	acts       bool   // see call
	once       bool   // it sends a mail or an SMS: never made once more, not even for a token that is refused
	lacks      string // what an answer that is none of this question lacks
}

// members are an object's by name; a repeated name counts with its last value.
type members map[string]Value

// text returns a member's text; "" is unknown, or unreadable.
func (m members) text(name string) string {
	text, _ := m[name].Text()
	return text
}

// Receipt is what an answer tells besides what was asked for. Texts are "" where the
// API told nothing.
type Receipt struct {
	Message   string // at most 500 bytes, one line, fit for logs
	RequestID string
	// CreditsUsed and CreditsRemaining are decimal texts from the headers
	// X-Credits-Used and X-Credits-Remaining.
	CreditsUsed, CreditsRemaining string
}

// ask makes one request and gives the members of its answer to read: those of the
// answer itself or else, where read does not know them, those of its member "data".
// read also names the first member that cannot be read; then the answer is none.
func (c *Client) ask(ctx context.Context, q question, read func(members) (known bool, unreadable string)) (*Receipt, error) {
	key := withDefault(q.credential, c.key())
	call := &call{
		endpoint: q.endpoint, path: q.path, requestID: NewRequestID(), key: key, inboxToken: q.inboxToken,
		sanitizer: newSanitizer(key, q.inboxToken, ""), limit: withDefault(q.limit, maxSmallAnswer), acts: q.acts,
	}
	for _, secret := range q.secrets {
		call.sanitizer.add(secret.Reveal())
	}
	if q.fault != "" {
		return nil, call.refuse(ErrBadRequest, q.fault)
	}
	if q.fields != nil {
		text, err := json.Marshal(q.fields)
		if err != nil {
			return nil, call.refuse(ErrBadRequest, "a field is not valid UTF-8") // and err might quote it
		}
		call.setJSON(text)
	}
	if q.once {
		call.again = nil
	}
	ctx, cancel := context.WithTimeout(ctx, q.timeout)
	defer cancel()
	reply, err := c.send(ctx, call)
	if err != nil {
		return nil, err
	}
	return call.understand(reply, q.lacks, read)
}

// understand judges an answer with a 2xx status.
func (call *call) understand(reply *reply, lacks string, read func(members) (bool, string)) (*Receipt, error) {
	failure := call.misfit(reply)
	if reply.tooLarge {
		failure.Class = ErrBadAnswer
		failure.OutcomeUnknown = call.acts
		failure.Message = fmt.Sprintf("answer is larger than %d bytes", call.limit)
		return nil, failure
	}
	env := readEnvelope(reply.body)
	if !env.complete {
		failure.Class = ErrUnavailable
		failure.OutcomeUnknown = call.acts
		failure.Message = call.notJSON(reply)
		return nil, failure
	}
	known, unreadable := read(membersOf(withoutBOM(reply.body)))
	if !known && env.data != nil {
		known, unreadable = read(membersOf(env.data))
	}
	if env.failed || !known && namesFailure(reply.status, env) {
		return nil, call.rejected(reply.status, reply.header, env, reply.body)
	}
	failure.Class = ErrBadAnswer
	switch {
	case !known:
		failure.Message = "answer has no " + lacks
		return nil, failure
	case unreadable != "":
		failure.Message = unreadable + " is unreadable"
		return nil, failure
	}
	return &Receipt{
		Message: call.sanitizer.message(env.message), RequestID: reply.requestID,
		CreditsUsed: creditsHeader(reply.header, "X-Credits-Used"), CreditsRemaining: creditsHeader(reply.header, "X-Credits-Remaining"),
	}, nil
}

func membersOf(object []byte) members {
	all := members{}
	eachMember(object, func(name string, value jsontext.Value) { all[name] = Value(bytes.Clone(value)) })
	return all
}

// wantsReconnect reads what answers to calls with an inbox token say when it is
// revoked.
func wantsReconnect(text []byte) bool {
	reconnect, _ := membersOf(withoutBOM(text))["requires_reconnect"].Bool()
	return reconnect == "true"
}
