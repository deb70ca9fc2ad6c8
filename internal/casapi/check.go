package casapi

import (
	"net/mail"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"casflow/internal/redact"
)

var (
	panForm       = regexp.MustCompile(`^[A-Z]{5}[0-9]{4}[A-Z]$`)
	boIDForm      = regexp.MustCompile(`^[0-9]{16}$`)
	otpForm       = regexp.MustCompile(`^[0-9]{4,8}$`)
	sessionIDForm = regexp.MustCompile(`^[A-Za-z0-9._~-]{1,200}$`)
)

// FieldFault is what is wrong with a field of a request, which is known before
// anything is sent. It repeats no value: that may be somebody's PAN.
type FieldFault struct {
	Field string // the API's name for it
	Fault string // "is not 16 digits"
}

// checks collects what is wrong with the fields of a request.
type checks []FieldFault

// fault is the first of them, "" when there is none.
func (c checks) fault() string {
	if len(c) == 0 {
		return ""
	}
	return c[0].Field + " " + c[0].Fault
}

func (c *checks) expect(ok bool, field, expected string) {
	if !ok {
		*c = append(*c, FieldFault{field, "is not " + expected})
	}
}

func (c *checks) pan(field, text string) {
	c.expect(panForm.MatchString(text), field, "a PAN: five letters, four digits, a letter, in capitals")
}

// day reads a date; the zero time besides a fault.
func (c *checks) day(field, text string) time.Time {
	day, err := time.Parse(time.DateOnly, text)
	c.expect(err == nil, field, "a date like 2025-04-30")
	return day
}

// days reads two dates, each of which may be left out if optional.
func (c *checks) days(fromField, from, toField, to string, optional bool) {
	var first, last time.Time
	if from != "" || !optional {
		first = c.day(fromField, from)
	}
	if to != "" || !optional {
		last = c.day(toField, to)
	}
	c.expect(first.IsZero() || last.IsZero() || !last.Before(first), toField, "on or after "+fromField)
}

func (c *checks) email(field, text string) {
	address, err := mail.ParseAddress(text)
	c.expect(err == nil && address.Address == text && !strings.ContainsAny(text, " \t\"\r\n"), field, "an e-mail address like name@example.com")
}

func (c *checks) given(field string, secret redact.Secret) {
	if secret == "" {
		*c = append(*c, FieldFault{field, "is missing"})
	}
}

func (c *checks) link(field, text string) {
	parsed, err := url.Parse(text)
	c.expect(err == nil && (parsed.Scheme == "https" || parsed.Scheme == "http") && parsed.Host != "", field, "an absolute http or https URL")
}

func (c *checks) oneOf(field, text string, words []string) {
	c.expect(slices.Contains(words, text), field, "one of "+strings.Join(words, ", "))
}
