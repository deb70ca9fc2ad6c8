package sandbox

import (
	"encoding/json"
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

// badField is what account calls answer to a body that is wrong.
func badField(msg string) *answer { return detailed(http.StatusBadRequest, msg) }

// accountCalls are the calls about the account by path; the older paths are kept by
// the API. They are free, and neither limited nor in the usage log.
func accountCalls() map[string]func(*Sandbox, *http.Request, *account) *answer {
	return map[string]func(*Sandbox, *http.Request, *account) *answer{
		creditsPath: (*Sandbox).credits, "/credits": (*Sandbox).credits,
		usagePath: (*Sandbox).usage, "/logs": (*Sandbox).usage,
		summaryPath: (*Sandbox).usageSummary, "/logs/summary": (*Sandbox).usageSummary,
		tokenPath: (*Sandbox).issueToken, "/v1/access-token": (*Sandbox).issueToken,
	}
}

// accountCall answers one of them.
func (s *Sandbox) accountCall(w http.ResponseWriter, r *http.Request, serve func(*Sandbox, *http.Request, *account) *answer) {
	account, refused := s.keyHolder(r.Header.Get(keyHeader))
	if refused != nil {
		drain(r)
		refused.write(w)
		return
	}
	fault := s.script.takePath(r.URL.Path)
	told := serve(s, r, account)
	drain(r)
	if fault.Status != 0 {
		told = fault.answer()
	}
	if await(r.Context(), nil, fault.Delay) {
		fault.tell(w, told)
	}
}

// keyHolder finds whose API key it is. An access token is refused, whatever its
// state: account calls take none.
func (s *Sandbox) keyHolder(key string) (*account, *answer) {
	s.ledger.mu.Lock()
	defer s.ledger.mu.Unlock()
	if _, isToken := s.ledger.tokens[key]; isToken {
		return nil, detailed(http.StatusBadRequest, "Access tokens cannot be used for this endpoint. Use your API key.")
	}
	return s.ledger.holder(key, s.clock())
}

// creditsAnswer is the answer of /v1/credits (the docs): it has no status member,
// and remaining is null for an unlimited account.
type creditsAnswer struct {
	Used            json.Number  `json:"used"`
	Remaining       *json.Number `json:"remaining"`
	Limit           int          `json:"limit"`
	IsUnlimited     bool         `json:"is_unlimited"`
	ResetsAt        string       `json:"resets_at"`
	EnabledFeatures []string     `json:"enabled_features"`
}

// credits answers /v1/credits. The limit is what was used plus what remains, in
// whole credits.
func (s *Sandbox) credits(r *http.Request, a *account) *answer {
	if refused := readNothing(r, badField); refused != nil {
		return refused
	}
	s.ledger.mu.Lock()
	defer s.ledger.mu.Unlock()
	credits := creditsAnswer{
		Used: a.used.plain(), IsUnlimited: a.left == unlimited,
		ResetsAt: nextMonth(s.clock()).Format(time.RFC3339), EnabledFeatures: features(),
	}
	if !credits.IsUnlimited {
		remaining := a.left.plain()
		credits.Remaining = &remaining
		credits.Limit = int((a.used + a.left + Credit - 1) / Credit)
	}
	return jsonAnswer(http.StatusOK, credits)
}

// nextMonth is the start of the month after t: credits are reset monthly (the
// docs; the zone is not documented, UTC is assumed).
func nextMonth(t time.Time) time.Time {
	year, month, _ := t.UTC().Date()
	return time.Date(year, month+1, 1, 0, 0, 0, 0, time.UTC)
}
