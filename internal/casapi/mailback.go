package casapi

import (
	"context"
	"errors"
	"time"

	"casflow/internal/redact"
)

const (
	generateEndpoint Endpoint = "/v4/kfintech/generate"
	// newGenerateEndpoint is what newer docs name; that the older one is dead, none
	// of them says.
	newGenerateEndpoint Endpoint = "/v4/generate"

	generateTimeout = 30 * time.Second // samples; the call takes less than a second
)

// MailbackRequest asks the registrar to mail an investor a statement.
type MailbackRequest struct {
	// Email is the investor's, as the registrar knows it.
	Email string
	// From and To are the period, as YYYY-MM-DD, both inside.
	From, To string
	// Password is to lock the PDF.
	Password redact.Secret
	// PAN narrows the statement down; "" leaves it out.
	PAN string
}

// Faults is what is wrong with the request, nothing when it can be sent.
func (r MailbackRequest) Faults() []FieldFault {
	var checks checks
	checks.email("email", r.Email)
	checks.days("from_date", r.From, "to_date", r.To, false)
	checks.given("password", r.Password)
	if r.PAN != "" {
		checks.pan("pan_no", r.PAN)
	}
	return checks
}

// Generate has the registrar mail the investor a PDF, which takes some minutes (the
// docs); half a credit. There is no other sign of it than that mail, so it is not
// tried again when it fails: an error that matches ErrOutcomeUnknown may have sent
// one. Where the API has only the newer path of this call, that is found out by its
// 404 and remembered.
func (c *Client) Generate(ctx context.Context, request MailbackRequest) (*Receipt, error) {
	q := question{
		endpoint: generateEndpoint, fault: checks(request.Faults()).fault(), timeout: generateTimeout, acts: true, once: true,
		secrets: []redact.Secret{request.Password, redact.Secret(request.Email)}, lacks: "status",
		fields: struct {
			Email    string `json:"email"`
			From     string `json:"from_date"`
			To       string `json:"to_date"`
			Password string `json:"password"`
			PAN      string `json:"pan_no,omitzero"`
		}{request.Email, request.From, request.To, request.Password.Reveal(), request.PAN},
	}
	if c.generated.Load() {
		q.endpoint = newGenerateEndpoint
		return c.ask(ctx, q, hasStatus)
	}
	receipt, err := c.ask(ctx, q, hasStatus)
	if !errors.Is(err, ErrNotFound) {
		return receipt, err
	}
	q.endpoint = newGenerateEndpoint
	receipt, err = c.ask(ctx, q, hasStatus)
	if !errors.Is(err, ErrNotFound) {
		c.generated.Store(true)
	}
	return receipt, err
}

// hasStatus reads answers that have no more than status and msg.
func hasStatus(m members) (known bool, unreadable string) {
	return m.text("status") != "", ""
}
