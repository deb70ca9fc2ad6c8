package enqueuercli

import (
	"context"
	"errors"

	"casflow/internal/casapi"
	"casflow/internal/config"
	"casflow/internal/redact"
)

// generateCommand asks for a mailback.
type generateCommand struct {
	accountAPI `embed:""`
	Password   config.MailbackPassword `embed:""`

	Email string `placeholder:"ADDRESS" help:"E-mail address of the investor, as the registrar knows it. Required."`
	From  string `placeholder:"DATE" help:"First day of the statement, as 2025-04-01. Required."`
	Until string `placeholder:"DATE" help:"Last day of the statement. Required."`
	PAN   string `name:"pan" placeholder:"PAN" help:"PAN of the investor, where the address is that of several."`
}

func (c *generateCommand) request(password redact.Secret) casapi.MailbackRequest {
	return casapi.MailbackRequest{Email: c.Email, From: c.From, To: c.Until, PAN: asPAN(c.PAN), Password: password}
}

// Faults reports, in one error, what makes no sense; nil when all does.
func (c *generateCommand) Faults() error {
	_, err := c.Password.Secret()
	return errors.Join(c.API.Faults(), err, fieldFaults(c.request("").Faults(), map[string]string{
		"email": "--email", "from_date": "--from", "to_date": "--until", "pan_no": "--pan",
	}))
}

func (c *generateCommand) Run(ctx context.Context, console *console) error {
	if err := config.Validate(c); err != nil {
		return err
	}
	client, err := c.client()
	if err != nil {
		return err
	}
	password, err := c.Password.Secret()
	if err != nil {
		return config.Usage(err)
	}
	if password == "" {
		password, err = console.secret(ctx, "password for the PDF", "CASPARSER_MAILBACK_PASSWORD: not set, nor is CASPARSER_MAILBACK_PASSWORD_FILE "+
			"(--mailback-password-file), and standard input holds none; give the password that is to lock the PDF in one of these ways")
		if err != nil {
			return err
		}
	}
	receipt, err := client.Generate(ctx, c.request(password))
	if err != nil {
		return lostFault(err, "a statement may be on its way all the same: wait for the mail, or see enqueuer account usage, before you try again")
	}
	return console.receipt(receipt, c.JSON, "a statement was asked for; it comes by mail")
}
