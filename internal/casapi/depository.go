package casapi

import (
	"context"
	"net/url"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"casflow/internal/redact"
)

const (
	fetchEndpoint  Endpoint = "/v4/cdsl/fetch"
	verifyEndpoint Endpoint = "/v4/cdsl/fetch/{session_id}/verify"

	// fetchTimeout leaves room for a captcha: 15 to 20 s, and 50 s at least are to be
	// waited (the docs). A call that is given up has sent an SMS all the same.
	fetchTimeout  = 75 * time.Second
	verifyTimeout = 60 * time.Second // docs: 10 s, users: up to 55 s
)

// CDSLFetchRequest names a demat account at CDSL and whose it is.
type CDSLFetchRequest struct {
	PAN         string
	BOID        string // 16 digits
	DateOfBirth string // YYYY-MM-DD
}

// Faults is what is wrong with the request, nothing when it can be sent.
func (r CDSLFetchRequest) Faults() []FieldFault {
	var checks checks
	checks.pan("pan", r.PAN)
	checks.expect(boIDForm.MatchString(r.BOID), "bo_id", "16 digits")
	if born := checks.day("dob", r.DateOfBirth); !born.IsZero() {
		checks.expect(born.Before(time.Now()), "dob", "in the past")
	}
	return checks
}

// CDSLSession is a fetch that waits for the OTP. The OTP is good for some five
// minutes (the docs).
type CDSLSession struct {
	ID redact.Secret
	Receipt
}

// CDSLFetch has CDSL send an OTP to the phone of the account's owner, and returns
// the session in which CDSLVerify redeems it. It is free, but each call sends a
// real SMS: it is not to be repeated unasked, even where the error matches
// ErrOutcomeUnknown.
func (c *Client) CDSLFetch(ctx context.Context, request CDSLFetchRequest) (*CDSLSession, error) {
	session := &CDSLSession{}
	receipt, err := c.ask(ctx, question{
		endpoint: fetchEndpoint, fault: checks(request.Faults()).fault(), timeout: fetchTimeout, acts: true, once: true, lacks: "session_id",
		secrets: []redact.Secret{redact.Secret(request.PAN), redact.Secret(request.BOID)},
		fields: struct {
			PAN  string `json:"pan"`
			BOID string `json:"bo_id"`
			DOB  string `json:"dob"`
		}{request.PAN, request.BOID, request.DateOfBirth},
	}, func(m members) (bool, string) {
		session.ID = redact.Secret(m.text("session_id"))
		return session.ID != "", ""
	})
	if err != nil {
		return nil, err
	}
	session.Receipt = *receipt
	return session, nil
}

// CDSLVerifyRequest redeems an OTP.
type CDSLVerifyRequest struct {
	SessionID redact.Secret
	OTP       redact.Secret // four to eight digits
	// Periods is how many statements are wanted. 0 leaves it to the API: six.
	Periods int
}

// Faults is what is wrong with the request, nothing when it can be sent.
func (r CDSLVerifyRequest) Faults() []FieldFault {
	var checks checks
	checks.expect(sessionIDForm.MatchString(r.SessionID.Reveal()), "session_id", "letters, digits and ._~-")
	checks.expect(otpForm.MatchString(r.OTP.Reveal()), "otp", "four to eight digits")
	checks.expect(r.Periods >= 0, "num_periods", "0 (as many as the API gives) or more")
	return checks
}

// CDSLFiles are the statements that a fetch came to.
type CDSLFiles struct {
	Files []File
	Receipt
}

// CDSLVerify redeems the OTP of a session and returns links to the statements, each
// of which is downloaded and parsed on its own. A success takes half a credit; a
// wrong OTP (an ErrBadRequest) may be tried again in the same session. A session
// that is gone is ErrNotFound.
func (c *Client) CDSLVerify(ctx context.Context, request CDSLVerifyRequest) (*CDSLFiles, error) {
	files := &CDSLFiles{}
	began := time.Now()
	receipt, err := c.ask(ctx, question{
		endpoint: verifyEndpoint, path: string(fetchEndpoint) + "/" + url.PathEscape(request.SessionID.Reveal()) + "/verify",
		fault: checks(request.Faults()).fault(), timeout: verifyTimeout, acts: true, lacks: "list of files", limit: maxFilesAnswer,
		secrets: []redact.Secret{request.SessionID, request.OTP},
		fields: struct {
			OTP     string `json:"otp"`
			Periods int    `json:"num_periods,omitzero"`
		}{request.OTP.Reveal(), request.Periods},
	}, func(m members) (bool, string) {
		list := m["files"]
		for _, element := range list.elements() {
			files.Files = append(files.Files, readFile(membersOf([]byte(element)), began))
		}
		return isList(list), ""
	})
	if err != nil {
		return nil, err
	}
	files.Receipt = *receipt
	return files, nil
}

func isList(v Value) bool { return v != "" && kindOf(v) == jsontext.KindBeginArray }
