package sandbox

import (
	"crypto/rand"
	"net/http"
	"time"
)

// tokenPrefix is what access tokens start with (the docs).
const tokenPrefix = "at_"

// The life of a token in minutes (the docs).
const (
	defaultTokenMinutes = 60
	maxTokenMinutes     = 60
)

// token is an access token: good for all but the account calls, until it expires.
type token struct {
	account *account
	key     string // that it was made with
	expires time.Time
}

// RevokeTokens makes every access token unknown.
func (s *Sandbox) RevokeTokens() {
	s.ledger.mu.Lock()
	defer s.ledger.mu.Unlock()
	clear(s.ledger.tokens)
}

// Tokens counts the access tokens that were ever issued.
func (s *Sandbox) Tokens() int {
	s.ledger.mu.Lock()
	defer s.ledger.mu.Unlock()
	return s.ledger.issued
}

// issueToken answers /v1/token.
func (s *Sandbox) issueToken(r *http.Request, a *account) *answer {
	var fields struct {
		Minutes *int `json:"expiry_minutes"`
	}
	if refused := readFields(r, &fields, badField); refused != nil {
		return refused
	}
	minutes := defaultTokenMinutes
	if fields.Minutes != nil {
		minutes = *fields.Minutes
	}
	if minutes < 1 || minutes > maxTokenMinutes {
		return badField("expiry_minutes must be between 1 and 60")
	}
	name, life := tokenPrefix+rand.Text(), time.Duration(minutes)*time.Minute
	s.ledger.mu.Lock()
	defer s.ledger.mu.Unlock()
	s.ledger.issued++
	s.ledger.tokens[name] = token{account: a, key: r.Header.Get(keyHeader), expires: s.clock().Add(life)}
	return jsonAnswer(http.StatusOK, struct {
		AccessToken string `json:"access_token"`
		TokenType   string `json:"token_type"`
		ExpiresIn   int    `json:"expires_in"`
	}{name, "api_key", minutes * 60})
}

// tokenState is the answer of /v1/token/verify. One page of the docs has
// expires_at instead of the rest.
type tokenState struct {
	Valid        bool   `json:"valid"`
	MaskedAPIKey string `json:"masked_api_key"`
	Error        string `json:"error"`
	ExpiresAt    string `json:"expires_at,omitempty"`
}

// verifyToken answers /v1/token/verify: for the token that comes as the key, as the
// schema has it, or with an API key for the one in access_token, as another page of
// the docs has it.
func (s *Sandbox) verifyToken(r *http.Request) *answer {
	var fields struct {
		AccessToken *string `json:"access_token"`
	}
	if refused := readFields(r, &fields, badField); refused != nil {
		return refused
	}
	name := r.Header.Get(keyHeader)
	if name == "" {
		return invalidKey()
	}
	s.ledger.mu.Lock()
	defer s.ledger.mu.Unlock()
	now := s.clock()
	if fields.AccessToken != nil {
		if _, refused := s.ledger.holder(name, now); refused != nil {
			return refused
		}
		name = *fields.AccessToken
	}
	held, isToken := s.ledger.tokens[name]
	switch {
	case isToken && now.Before(held.expires):
		return jsonAnswer(http.StatusOK, tokenState{
			Valid: true, MaskedAPIKey: masked(held.key), ExpiresAt: held.expires.UTC().Format(time.RFC3339),
		})
	case isToken:
		return jsonAnswer(http.StatusOK, tokenState{Error: "Token has expired"})
	}
	if _, refused := s.ledger.holder(name, now); refused == nil { // an API key is one that never expires
		return jsonAnswer(http.StatusOK, tokenState{Valid: true, MaskedAPIKey: masked(name)})
	}
	return jsonAnswer(http.StatusOK, tokenState{Error: "Invalid token"})
}

// masked shows the ends of a key, and of a short one nothing.
func masked(key string) string {
	if len(key) < 12 {
		return "****"
	}
	return key[:4] + "****" + key[len(key)-4:]
}
