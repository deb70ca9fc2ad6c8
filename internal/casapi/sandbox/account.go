package sandbox

import (
	"net/http"
	"time"
)

// invalidKey and noCredits are the account's refusals, in the docs' words.
func invalidKey() *answer {
	return failed(http.StatusUnauthorized, "INVALID_API_KEY", "Invalid API key")
}

func noCredits() *answer {
	return failed(http.StatusPaymentRequired, "INSUFFICIENT_CREDITS", "Insufficient credits")
}

// creditsAnswer is the answer of /v1/credits (the docs): it has no status member,
// and remaining is null for an unlimited account.
type creditsAnswer struct {
	Used            int      `json:"used"`
	Remaining       *int     `json:"remaining"`
	Limit           int      `json:"limit"`
	IsUnlimited     bool     `json:"is_unlimited"`
	ResetsAt        string   `json:"resets_at"`
	EnabledFeatures []string `json:"enabled_features"`
}

// account answers /v1/credits, which is free and neither limited nor recorded.
// The limit is what was used plus what remains.
func (l *ledger) account(key string, now time.Time) *answer {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.knows(key) {
		return invalidKey()
	}
	credits := creditsAnswer{
		Used:        l.billed * parseCredits,
		IsUnlimited: l.left.unlimited(),
		ResetsAt:    nextMonth(now).Format(time.RFC3339),
		EnabledFeatures: []string{
			"smart_parser", "cdsl_cas_parser", "nsdl_cas_parser", "cams_kfintech_cas_parser",
		},
	}
	if !credits.IsUnlimited {
		remaining := int(l.left)
		credits.Remaining = &remaining
		credits.Limit = credits.Used + remaining
	}
	return jsonAnswer(http.StatusOK, credits)
}

// nextMonth is the start of the month after t: credits are reset monthly (the
// docs; the zone is not documented, UTC is assumed).
func nextMonth(t time.Time) time.Time {
	year, month, _ := t.UTC().Date()
	return time.Date(year, month+1, 1, 0, 0, 0, 0, time.UTC)
}
