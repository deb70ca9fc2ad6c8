package enqueuercli

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"casflow/internal/casapi"
	"casflow/internal/config"
	"casflow/internal/jobs"
	"casflow/internal/redact"
	"casflow/internal/storage/objectstore"
)

type cdslCommand struct {
	Fetch  cdslFetch  `cmd:"" help:"Have CDSL send an OTP to the phone of a demat account's owner, and write the session in which it is redeemed. It is free, but each time a real SMS; it is never sent again by itself."`
	Verify cdslVerify `cmd:"" help:"Redeem the OTP of a session, bring the statements that it gives into S3, record them and queue them. A success costs 0.5 credits."`
}

type cdslFetch struct {
	accountAPI `embed:""`

	PAN         string `name:"pan" placeholder:"PAN" help:"PAN of the account's owner. Required."`
	BOID        string `name:"bo-id" placeholder:"DIGITS" help:"BO ID of the account, 16 digits. Required."`
	DateOfBirth string `name:"dob" placeholder:"DATE" help:"Date of birth of the owner, as 1980-01-31. Required."`
}

func (c *cdslFetch) request() casapi.CDSLFetchRequest {
	return casapi.CDSLFetchRequest{PAN: asPAN(c.PAN), BOID: c.BOID, DateOfBirth: c.DateOfBirth}
}

// asPAN writes a PAN as it is written, however it was typed.
func asPAN(text string) string { return strings.ToUpper(strings.TrimSpace(text)) }

// Faults reports, in one error, what makes no sense; nil when all does.
func (c *cdslFetch) Faults() error {
	return errors.Join(c.API.Faults(), fieldFaults(c.request().Faults(), map[string]string{"pan": "--pan", "bo_id": "--bo-id", "dob": "--dob"}))
}

// Run writes the session: that is what it is asked for.
func (c *cdslFetch) Run(ctx context.Context, console *console) error {
	if err := config.Validate(c); err != nil {
		return err
	}
	client, err := c.client()
	if err != nil {
		return err
	}
	session, err := client.CDSLFetch(ctx, c.request())
	if err != nil {
		return lostFault(err, "an SMS may have been sent all the same: ask the account's owner before you try again")
	}
	if c.JSON {
		return console.json(struct {
			SessionID string `json:"session_id"`
			Message   string `json:"message"`
			RequestID string `json:"request_id"`
		}{session.ID.Reveal(), session.Message, session.RequestID})
	}
	if err := console.say("%s\n", session.ID.Reveal()); err != nil {
		return err
	}
	return console.note("%s; redeem the OTP within some five minutes: enqueuer cdsl verify --session %s", told(session.Message), session.ID.Reveal())
}

// lostFault says what to do about a call that may have been carried out.
func lostFault(err error, advice string) error {
	if errors.Is(err, casapi.ErrOutcomeUnknown) {
		return fmt.Errorf("%w; %s", err, advice)
	}
	return err
}

// cdslPatience is how long S3 may be away while files are put that an OTP was spent on.
const cdslPatience = 2 * time.Minute

type cdslVerify struct {
	fetching `embed:""`
	OTP      config.OTP `embed:""`

	Session string `placeholder:"ID" help:"Session that cdsl fetch has written. Required."`
	Periods int    `default:"0" help:"How many statements are wanted, the newest; 0 leaves it to the API, which gives six."`
}

func (c *cdslVerify) request(otp redact.Secret) casapi.CDSLVerifyRequest {
	return casapi.CDSLVerifyRequest{SessionID: redact.Secret(c.Session), OTP: otp, Periods: c.Periods}
}

// requestFaults are those of what flags give.
func (c *cdslVerify) requestFaults() error {
	return fieldFaults(c.request("").Faults(), map[string]string{"session_id": "--session", "num_periods": "--periods"})
}

// Faults reports, in one error, what makes no sense; nil when all does.
func (c *cdslVerify) Faults() error {
	_, err := c.OTP.Secret()
	return c.check(c.requestFaults(), err)
}

func (c *cdslVerify) Run(ctx context.Context, console *console) (err error) {
	otp, err := c.OTP.Secret()
	// All is opened before the OTP is spent, or even asked for.
	parts, shelf, client, err := c.reach(ctx, errors.Join(c.requestFaults(), err), "cdsl/")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, parts.close()) }()
	where := fmt.Sprintf("s3://%s/%s", shelf.Bucket, shelf.Prefix)
	if c.DryRun {
		return console.note("all is there that is needed; the OTP would be redeemed, and its files be put under %s", where)
	}
	if otp == "" {
		otp, err = console.secret(ctx, "OTP", "CASPARSER_OTP: not set, nor is CASPARSER_OTP_FILE (--otp-file), and standard input holds none; give the OTP in one of these ways")
		if err != nil {
			return err
		}
	}
	request := c.request(otp)
	if err := fieldFaults(request.Faults(), map[string]string{"otp": "the OTP"}); err != nil {
		return config.Usage(err)
	}
	files, err := client.CDSLVerify(ctx, request)
	switch {
	case errors.Is(err, casapi.ErrNotFound):
		return fmt.Errorf("%w; the session is over: begin anew with: enqueuer cdsl fetch", err)
	case errors.Is(err, casapi.ErrBadRequest):
		return fmt.Errorf("%w; a wrong OTP may be tried again in the same session", err)
	case err != nil:
		return lostFault(err, "the OTP may be spent, and half a credit with it: see enqueuer account usage")
	case len(files.Files) == 0 && !c.JSON:
		return console.say("no files\n")
	}
	shelf.Patience = cdslPatience
	sources := make([]source, len(files.Files))
	for n, file := range files.Files {
		name := told(file.Filename)
		sources[n] = source{name: name, names: []string{name}, bring: func(ctx context.Context) (objectstore.Info, error) {
			return fetch(ctx, client, file, func(ctx context.Context, pdf *jobs.Upload) (objectstore.Info, error) {
				return shelf.PutContent(ctx, pdf, file.Filename)
			})
		}}
	}
	if err := c.bring(ctx, console, parts, sources, "record them with: enqueuer scan "+where); err != nil {
		return fmt.Errorf("%w\nthe OTP is spent; what is missing can be had anew, from: enqueuer cdsl fetch", err)
	}
	return nil
}
