package casapi

import (
	"context"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

const (
	creditsTimeout   = 15 * time.Second // docs: 5 s, repository notes: 10 s
	maxCreditsAnswer = 1 << 20
)

// Credits is the state of the account. The numbers are decimal texts ("12.5"),
// "" where unknown; users report that they can lag behind by minutes.
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
	key := c.key()
	call := &call{
		endpoint:  creditsEndpoint,
		requestID: NewRequestID(),
		key:       key,
		sanitizer: newSanitizer(key, "", ""),
		limit:     maxCreditsAnswer,
	}
	ctx, cancel := context.WithTimeout(ctx, min(c.timeout, creditsTimeout))
	defer cancel()
	reply, err := c.do(ctx, call)
	if err != nil {
		return nil, err
	}
	return call.credits(reply)
}

func (call *call) credits(reply *reply) (*Credits, error) {
	failure := call.misfit(reply)
	env := readEnvelope(reply.body)
	if reply.tooLarge || !env.complete {
		failure.Class = ErrUnavailable
		failure.Message = call.notJSON(reply)
		return nil, failure
	}
	credits, known := readCredits(withoutBOM(reply.body))
	if !known && env.data != nil {
		credits, known = readCredits(env.data)
	}
	switch {
	case env.failed, !known && namesFailure(reply.status, env):
		return nil, call.rejected(reply.status, reply.header, env, reply.body)
	case !known:
		failure.Class = ErrBadAnswer
		failure.Message = "answer has none of the members of a credits answer"
		return nil, failure
	}
	return credits, nil
}

// readCredits reads the members under their newer and older names; known tells
// whether there was any. A number that cannot be read is unknown, not zero.
func readCredits(object []byte) (credits *Credits, known bool) {
	credits = &Credits{}
	members := map[string]Value{}
	eachMember(object, func(name string, value jsontext.Value) { members[name] = Value(value) })
	for _, name := range []string{"used", "remaining", "limit", "is_unlimited"} {
		_, has := members[name]
		known = known || has
	}
	credits.Used, _ = members["used"].Decimal()
	credits.Remaining, _ = members["remaining"].Decimal()
	credits.Limit, _ = members["limit"].Decimal()
	unlimited, _ := members["is_unlimited"].Bool()
	credits.Unlimited = unlimited == "true" || unlimited == "" && members["remaining"] == null
	credits.ResetsAt, _ = firstKnown(members["resets_at"], members["reset_date"]).instant()
	features := firstKnown(members["enabled_features"], members["features"])
	for _, feature := range features.elements() {
		if name, ok := feature.Text(); ok && name != "" {
			credits.Features = append(credits.Features, name)
		}
	}
	return credits, known
}

func firstKnown(values ...Value) Value {
	for _, value := range values {
		if value.Known() {
			return value
		}
	}
	return ""
}
