package casapi

import (
	"bytes"
	"fmt"
	"net/http"
)

// answer judges a parse call's answer with a 2xx status: the API reports some
// failures as successes, and things before the API answer in its place.
func (call *call) answer(reply *reply) (*Answer, error) {
	answer := &Answer{
		Body:             reply.body,
		StatusCode:       reply.status,
		RequestID:        reply.requestID,
		CreditsUsed:      creditsHeader(reply.header, "X-Credits-Used"),
		CreditsRemaining: creditsHeader(reply.header, "X-Credits-Remaining"),
	}
	failure := call.misfit(reply)
	if reply.tooLarge {
		answer.Body = nil
		failure.Class = ErrBadAnswer
		failure.OutcomeUnknown = true
		failure.Message = fmt.Sprintf("answer is larger than %d bytes and cannot be kept", call.limit)
		return answer, failure
	}
	env := readEnvelope(reply.body)
	known, shape, members := env.unified, "the unified response", statementMembers()
	if call.endpoint == ContractNoteParse {
		known = holdsContractNote(withoutBOM(reply.body)) || holdsContractNote(env.data)
		shape, members = "a contract note", contractNoteMembers()
	}
	switch {
	case !env.complete && nestedBeyond(reply.body, maxNesting): // asking again would not help
		failure.Class = ErrBadAnswer
		failure.Message = "answer is " + incomplete(reply.body).Error()
		return answer, failure
	case !env.complete:
		failure.Class = ErrUnavailable
		failure.OutcomeUnknown = true
		failure.Message = call.notJSON(reply)
		return nil, failure
	case env.failed, !known && namesFailure(reply.status, env):
		return nil, call.rejected(reply.status, reply.header, env, reply.body)
	case !known:
		failure.Class = ErrBadAnswer
		failure.Message = "answer is not " + shape + ": " + difference(withoutBOM(reply.body), members)
		return answer, failure
	}
	return answer, nil
}

// namesFailure reports whether an answer that does not say "failed" still has a
// known code, or names the account.
func namesFailure(status int, env envelope) bool {
	return classOfCode(env.code) != nil || classOfAccount(status, plainText(env.code+" "+env.message)) != nil
}

// misfit is an error about a successful answer, its class and message to be
// filled in.
func (call *call) misfit(reply *reply) *Error {
	return &Error{
		Endpoint:   call.endpoint,
		StatusCode: reply.status,
		RequestID:  call.answering(reply.header),
	}
}

// notJSON describes an answer that is no JSON, or only the beginning of some.
// Only a page is quoted: it comes from a proxy, whereas half a statement is
// somebody's.
func (call *call) notJSON(reply *reply) string {
	message := fmt.Sprintf("answer of %d bytes is not JSON, or cut off", len(reply.body))
	if page := bytes.TrimSpace(withoutBOM(reply.body)); bytes.HasPrefix(page, []byte("<")) {
		message += ": " + string(page[:min(len(page), maxErrorBody)])
	}
	return call.sanitizer.message(message)
}

// creditsHeader returns a header's decimal text, or "" for anything else.
func creditsHeader(header http.Header, name string) string {
	text, ok := decimalText(header.Get(name))
	if !ok {
		return ""
	}
	return text
}
