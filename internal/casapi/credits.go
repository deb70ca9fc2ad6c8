package casapi

import (
	"context"
	"strings"
	"time"
)

const creditsEndpoint Endpoint = "/v1/credits"

// Credits is the state of the account. The numbers are decimal texts without needless
// zeros ("12.5", "42"), "" where unknown; users report that they can lag behind by minutes.
type Credits struct {
	Used, Remaining, Limit string
	// Unlimited is set by is_unlimited or, where that is missing, by a remaining
	// of null.
	Unlimited bool
	// ResetsAt is when the month's credits are given anew, zero when unknown. A
	// time without a zone is read as Indian.
	ResetsAt time.Time
	// Features are the enabled features as the API names them, such as
	// "smart_parser". Empty may mean that none were told.
	Features []string
}

// Exhausted reports whether no credits are left, as far as that is known.
func (c *Credits) Exhausted() bool {
	if c.Unlimited || c.Remaining == "" {
		return false
	}
	return spent(c.Remaining)
}

// spent reports whether a decimal text is zero or below.
func spent(decimal string) bool {
	mantissa, _, _ := strings.Cut(strings.ToLower(decimal), "e")
	return strings.HasPrefix(mantissa, "-") || !strings.ContainsAny(mantissa, "123456789")
}

// Credits asks for the state of the account. The call is free, so its errors
// never match ErrOutcomeUnknown.
func (c *Client) Credits(ctx context.Context) (*Credits, error) {
	var credits *Credits
	_, err := c.ask(ctx, question{endpoint: creditsEndpoint, timeout: c.accountTime(), lacks: "credits"}, func(m members) (known bool, unreadable string) {
		credits, known = readCredits(m)
		return known, ""
	})
	if err != nil {
		return nil, err
	}
	return credits, nil
}

// readCredits reads the members under their newer and older names; known tells
// whether there was any. A number that cannot be read is unknown, not zero.
func readCredits(m members) (credits *Credits, known bool) {
	credits = &Credits{}
	for _, name := range []string{"used", "remaining", "limit", "is_unlimited"} {
		_, has := m[name]
		known = known || has
	}
	credits.Used = credit(m["used"])
	credits.Remaining = credit(m["remaining"])
	credits.Limit = credit(m["limit"])
	unlimited, _ := m["is_unlimited"].Bool()
	credits.Unlimited = unlimited == "true" || unlimited == "" && m["remaining"] == null
	credits.ResetsAt, _ = firstKnown(m["resets_at"], m["reset_date"]).instant()
	features := firstKnown(m["enabled_features"], m["features"])
	for _, feature := range features.elements() {
		if name, ok := feature.Text(); ok && name != "" {
			credits.Features = append(credits.Features, name)
		}
	}
	return credits, known
}

// credit is a number of credits as people write it: the API sends 42.0.
func credit(v Value) string {
	text, _ := v.Decimal()
	if whole, fraction, ok := strings.Cut(text, "."); ok && strings.Trim(fraction, "0123456789") == "" {
		text = strings.TrimSuffix(whole+"."+strings.TrimRight(fraction, "0"), ".")
	}
	return text
}

func firstKnown(values ...Value) Value {
	for _, value := range values {
		if value.Known() {
			return value
		}
	}
	return ""
}
