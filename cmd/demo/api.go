package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"casflow/internal/casapi/sandbox"
	"casflow/internal/devstack"
	"casflow/internal/redact"
)

type apiCommand struct {
	Addr        string        `default:"127.0.0.1:4010" help:"Address to listen on."`
	Key         redact.Secret `default:"demo" help:"API key that is taken, besides the API's sandbox key."`
	Credits     int           `default:"-1" help:"Credit balance; -1 is unlimited."`
	Rate        int           `default:"0" help:"Calls per minute that are let in; 0 is no limit."`
	SandboxRate int           `default:"10" help:"The same for the API's sandbox key, whose answers are canned and free."`
	Latency     time.Duration `default:"0s" help:"How long each parse call takes."`
}

// about is what the stand-in says of itself, besides its address.
const about = `it opens sample statements only (demo samples), and no SMS and no mail is sent:
  OTP of a CDSL fetch         %s
  PAN of a connected mailbox  %s
  canned answers, with key    %s
`

func (c *apiCommand) Run(ctx context.Context, console *console) error {
	config := sandbox.Config{
		Key: c.Key.Reveal(), Credits: c.Credits, RatePerMinute: c.Rate, SandboxRatePerMinute: c.SandboxRate, Latency: c.Latency,
	}
	if c.SandboxRate == 0 {
		config.SandboxRatePerMinute = -1
	}
	api := sandbox.New(config)
	server, err := devstack.ServeHTTP(ctx, c.Addr, api)
	if err != nil {
		return fmt.Errorf("--addr: %q cannot be listened on; choose another one: %w", c.Addr, err)
	}
	if _, err := fmt.Fprintf(console.out, "stand-in API on %s; "+about, server.URL, sandbox.DefaultOTP, sandbox.MailboxPAN, sandbox.SandboxKey); err != nil {
		return errors.Join(err, server.Stop())
	}
	<-ctx.Done()
	return server.Stop()
}
