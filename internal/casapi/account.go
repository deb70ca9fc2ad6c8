package casapi

import (
	"context"
	"fmt"
	"time"

	"casflow/internal/redact"
)

const (
	summaryEndpoint     Endpoint = "/v1/usage/summary"
	tokenEndpoint       Endpoint = "/v1/token"
	verifyTokenEndpoint Endpoint = "/v1/token/verify"

	maxTokenMinutes = 60 // the schema's, and its default
)

// accountTime is how long a call about the account may take.
func (c *Client) accountTime() time.Duration { return min(c.timeout, accountTimeout) }

// UsageSummary is what was used in a span of time. Credits are decimal texts, ""
// where unknown.
type UsageSummary struct {
	TotalCredits  string
	TotalRequests int // 0 where unknown
	ByFeature     []FeatureUsage
}

// FeatureUsage is what was used of one feature.
type FeatureUsage struct {
	Feature, Credits string
	Requests         int
}

// UsageSummary sums the usage log up, by default over this month; both ends may be
// zero. The call is free, so its errors never match ErrOutcomeUnknown.
func (c *Client) UsageSummary(ctx context.Context, start, end time.Time) (*UsageSummary, error) {
	q := question{endpoint: summaryEndpoint, timeout: c.accountTime(), lacks: "summary"}
	q.fields, q.fault = window(start, end)
	summary := &UsageSummary{}
	_, err := c.ask(ctx, q, func(m members) (bool, string) {
		inner := membersOf([]byte(m["summary"]))
		if len(inner) == 0 {
			return false, ""
		}
		var unreadable string
		summary, unreadable = readSummary(inner)
		return true, unreadable
	})
	if err != nil {
		return nil, err
	}
	return summary, nil
}

func readSummary(m members) (summary *UsageSummary, unreadable string) {
	summary = &UsageSummary{}
	summary.TotalCredits, summary.TotalRequests, unreadable = m.usage("total_credits", "total_requests")
	for i, element := range m["by_feature"].elements() {
		one := membersOf([]byte(element))
		used := FeatureUsage{Feature: one.text("feature")}
		var fault string
		used.Credits, used.Requests, fault = one.usage("credits", "requests")
		if fault != "" && unreadable == "" {
			unreadable = fmt.Sprintf("feature %d: %s", i+1, fault)
		}
		summary.ByFeature = append(summary.ByFeature, used)
	}
	return summary, unreadable
}

// usage reads credits and a count of requests, or names what of them is unreadable.
func (m members) usage(credits, requests string) (used string, count int, unreadable string) {
	used, ok := m[credits].Decimal()
	if !ok {
		return "", 0, credits
	}
	if count, ok = m[requests].whole(); !ok {
		return "", 0, requests
	}
	return used, count, ""
}

// Token is an access token: it stands in the key's place in calls of /v4/*.
type Token struct {
	Secret redact.Secret
	Type   string // "api_key"
	Life   time.Duration
}

// CreateToken asks for an access token that lives so many minutes, 1 to 60; 0 is 60.
// It is free. It takes the API key, never a token.
func (c *Client) CreateToken(ctx context.Context, minutes int) (*Token, error) {
	minutes = withDefault(minutes, maxTokenMinutes)
	var checks checks
	checks.expect(minutes >= 1 && minutes <= maxTokenMinutes, "expiry_minutes", "within 1 to 60")
	token := &Token{}
	_, err := c.ask(ctx, question{
		endpoint: tokenEndpoint, fault: checks.fault(), timeout: c.accountTime(), lacks: "access_token",
		fields: struct {
			Minutes int `json:"expiry_minutes"`
		}{minutes},
	}, func(m members) (bool, string) {
		token.Secret, token.Type = redact.Secret(m.text("access_token")), m.text("token_type")
		token.Life = withDefault(m.seconds("expires_in"), time.Duration(minutes)*time.Minute)
		return token.Secret != "", ""
	})
	if err != nil {
		return nil, err
	}
	return token, nil
}

// TokenState is what the API says of a token.
type TokenState struct {
	Valid     bool
	MaskedKey string    // of the key that it stands for
	Fault     string    // why it is not valid
	Expires   time.Time // zero: unknown; only some of the docs have it
}

// VerifyToken asks whether an access token is good. It is free. The token itself goes
// in the key's place, as the schema has it.
func (c *Client) VerifyToken(ctx context.Context, token redact.Secret) (*TokenState, error) {
	var checks checks
	checks.given("x-api-key", token)
	state, hidden := &TokenState{}, newSanitizer("", token, "")
	_, err := c.ask(ctx, question{
		endpoint: verifyTokenEndpoint, credential: token, fault: checks.fault(), timeout: c.accountTime(), lacks: "valid",
	}, func(m members) (bool, string) {
		valid, ok := m["valid"].Bool()
		state.Valid = valid == "true"
		state.MaskedKey, state.Fault = m.text("masked_api_key"), hidden.message(m.text("error"))
		state.Expires, _ = m["expires_at"].instant()
		return ok && valid != "", ""
	})
	if err != nil {
		return nil, err
	}
	return state, nil
}
