package sandbox

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"net/http"
	"time"

	"casflow/internal/samples"
)

const (
	// DefaultOTP is the OTP of each fetch session, where Config has no other: no SMS
	// is sent.
	DefaultOTP = "123456"
	// otpLife is how long an OTP is good (the docs), sessionLife how long a session
	// is known, and cdslLinkLife how long its files can be fetched (neither is
	// documented).
	otpLife      = 5 * time.Minute
	sessionLife  = 15 * time.Minute
	cdslLinkLife = time.Hour

	defaultPeriods = 6 // the docs
	maxPeriods     = 24
)

// session is a fetch from the depository that waits for its OTP.
type session struct {
	account *account
	pan     string
	boID    string
	begun   time.Time
}

// cdslFetch answers /v4/cdsl/fetch: it opens a session. Every PAN and BO id is
// somebody's.
func (s *Sandbox) cdslFetch(c *visit) *answer {
	var fields struct {
		PAN  string `json:"pan"`
		BOID string `json:"bo_id"`
		DOB  string `json:"dob"`
	}
	if refused := readFields(c.request, &fields, badRequest); refused != nil {
		return refused
	}
	var faults faultList
	faults.check("pan", fields.PAN, isPAN)
	faults.check("bo_id", fields.BOID, isBOID)
	if born := faults.day("dob", fields.DOB); !born.IsZero() && born.After(s.clock()) {
		faults.add("Invalid field: dob is in the future")
	}
	if refused := faults.answer(); refused != nil {
		return refused
	}
	id := rand.Text()
	s.state.mu.Lock()
	defer s.state.mu.Unlock()
	s.state.sessions[id] = session{account: c.account, pan: fields.PAN, boID: fields.BOID, begun: s.clock()}
	return jsonAnswer(http.StatusOK, struct {
		Status    string `json:"status"`
		SessionID string `json:"session_id"`
		Msg       string `json:"msg"`
	}{"success", id, "OTP sent to the registered mobile number"})
}

// file is a file of the depository.
type file struct {
	Filename string `json:"filename"`
	URL      string `json:"url"`
}

// cdslVerify answers /v4/cdsl/fetch/{session_id}/verify. A wrong OTP may be tried
// again; once the files are told, the session is gone.
func (s *Sandbox) cdslVerify(c *visit) *answer {
	var fields struct {
		OTP     string `json:"otp"`
		Periods *int   `json:"num_periods"`
	}
	if refused := readFields(c.request, &fields, badRequest); refused != nil {
		return refused
	}
	periods := defaultPeriods
	if fields.Periods != nil {
		periods = *fields.Periods
	}
	switch {
	case fields.OTP == "":
		return badRequest("Field required: otp")
	case periods < 1 || periods > maxPeriods:
		return badRequest(fmt.Sprintf("Invalid field: num_periods must be between 1 and %d", maxPeriods))
	}
	held, refused := s.redeem(c, fields.OTP)
	if refused != nil {
		return refused
	}
	made, err := depositoryFiles(held, periods)
	if err != nil {
		return failed(http.StatusInternalServerError, "", "The files cannot be made")
	}
	c.bill = true
	files := make([]file, len(made))
	for i, m := range made {
		files[i] = file{Filename: m.name, URL: s.link(c.request, m, cdslLinkLife)}
	}
	return jsonAnswer(http.StatusOK, struct {
		Status string `json:"status"`
		Msg    string `json:"msg"`
		Files  []file `json:"files"`
	}{"success", fmt.Sprintf("Fetched %d CAS files", len(files)), files})
}

// redeem ends the session that an OTP is right for.
func (s *Sandbox) redeem(c *visit, otp string) (session, *answer) {
	s.state.mu.Lock()
	defer s.state.mu.Unlock()
	held, ok := s.state.sessions[c.session]
	age := s.clock().Sub(held.begun)
	switch {
	case !ok || held.account != c.account || age >= sessionLife:
		return session{}, failed(http.StatusNotFound, "", "Session not found or expired")
	case age >= otpLife:
		return session{}, badRequest("OTP expired: fetch again")
	case otp != s.otp:
		return session{}, badRequest("Invalid OTP")
	}
	delete(s.state.sessions, c.session)
	return held, nil
}

// madeFile is a PDF that a link leads to.
type madeFile struct {
	name string
	pdf  []byte
}

// The size of the PDFs that are made, in bytes.
const (
	smallestMade = 30_000
	largestMade  = 60_000
)

// depositoryFiles are the statements of a BO id, one a month. They open with the
// PAN. They tell it too, if it is plainly made up: the statements of a real one are
// somebody else's.
func depositoryFiles(of session, periods int) ([]madeFile, error) {
	sum := sha256.Sum256([]byte(of.boID))
	options := samples.Options{
		Investors: 1, Months: periods, Seed: binary.BigEndian.Uint64(sum[:]), MinBytes: smallestMade, MaxBytes: largestMade,
		PAN: of.pan,
	}
	var made []madeFile
	for sample := range samples.Generate(options) {
		sample.Password = of.pan
		pdf, err := sample.PDF()
		if err != nil {
			return nil, fmt.Errorf("make statement: %w", err)
		}
		made = append(made, madeFile{name: "cdsl_" + sample.PeriodFrom[:len("2025-04")] + ".pdf", pdf: pdf})
	}
	return made, nil
}
