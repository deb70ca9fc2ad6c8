package casapi

import (
	"context"
	"errors"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"casflow/internal/redact"
)

const (
	// tokenRenewal is when a token is renewed, in hundredths of its life.
	tokenRenewal = 80
	// tokenRetry is how long a renewal that failed is waited for while the token is
	// still good, in hundredths of its life.
	tokenRetry = 2
)

// send makes the request of a call with the credential that its endpoint takes: an
// access token where the client uses them and the call is not about the account.
func (c *Client) send(ctx context.Context, call *call) (*reply, error) {
	if c.tokens == nil || !strings.HasPrefix(string(call.endpoint), "/v4/") {
		call.again = nil // and what it would send
		return c.do(ctx, call)
	}
	if err := c.present(ctx, call); err != nil {
		return nil, err
	}
	reply, err := c.do(ctx, call)
	failure, ok := errors.AsType[*Error](err)
	if !ok || !call.refusedToken(failure) {
		return reply, err
	}
	c.tokens.drop(call.key)
	if call.again == nil || call.again() != nil {
		// What was sent cannot be sent again; the next call has a new token.
		failure.Class = ErrUnavailable
		return nil, failure
	}
	if err := c.present(ctx, call); err != nil {
		return nil, err
	}
	return c.do(ctx, call)
}

// present puts an access token in the key's place.
func (c *Client) present(ctx context.Context, call *call) error {
	token, err := c.tokens.token(ctx)
	if err != nil {
		return call.withoutToken(ctx, err)
	}
	call.key = token
	call.sanitizer.add(token.Reveal())
	return nil
}

// withoutToken is the error of a call that was not made for want of a token. What
// is wrong with the account stays so; all else may pass.
func (call *call) withoutToken(ctx context.Context, err error) error {
	failure, ok := errors.AsType[*Error](err)
	if !ok {
		return call.failed(ctx, err)
	}
	told := *failure // the other calls that waited have the same
	if !slices.Contains([]error{ErrUnauthorized, ErrInsufficientCredits, ErrForbidden, ErrRateLimited}, told.Class) {
		told.Class = ErrUnavailable
	}
	return &told
}

// accessWords are how the API names what a call is made with.
var accessWords = regexp.MustCompile(`(?i)\b(api[-_ ]?key|access[-_ ]?token)\b`)

// refusedToken reports whether an answer says that the access token is not taken,
// and nothing else: then the call was not carried out. A mailbox has a token of its
// own, whose refusal may be billed.
func (call *call) refusedToken(failure *Error) bool {
	if failure.StatusCode != http.StatusUnauthorized && failure.StatusCode != http.StatusForbidden {
		return false
	}
	words := failure.Code + " " + failure.Message
	switch {
	case errors.Is(classOfCode(failure.Code), ErrUnauthorized):
		return true
	case call.inboxToken != "":
		return errors.Is(failure, ErrUnauthorized) && accessWords.MatchString(words)
	case errors.Is(failure, ErrForbidden): // an expired token is said to give a mere 403
		return !planWords.MatchString(words)
	}
	return errors.Is(failure, ErrUnauthorized)
}

// tokenSource gives all calls of a client one access token. It asks for a new one
// by itself, once for all who need it.
type tokenSource struct {
	key   func() redact.Secret
	issue func(context.Context) (*Token, error)

	mu      sync.Mutex
	held    heldToken
	renewal *renewal // under way
}

// heldToken is a token in use.
type heldToken struct {
	token, key redact.Secret // key is the one that it was made with
	renew      time.Time     // a new one is asked for from then on
	expires    time.Time
	life       time.Duration
}

// renewal is a token being asked for. The others are set once done is closed.
type renewal struct {
	done  chan struct{}
	token redact.Secret
	err   error
}

// token returns a token that is good as far as is known. While one is being renewed
// that is still good, nobody waits.
func (s *tokenSource) token(ctx context.Context) (redact.Secret, error) {
	s.mu.Lock()
	now, key := time.Now(), s.key()
	good := s.held.key == key && now.Before(s.held.expires)
	if s.renewal == nil && (!good || !now.Before(s.held.renew)) {
		s.begin(ctx, key)
	}
	token, pending := s.held.token, s.renewal
	s.mu.Unlock()
	if good {
		return token, nil
	}
	select {
	case <-pending.done:
		return pending.token, pending.err
	case <-ctx.Done():
		return "", ctx.Err() //nolint:wrapcheck // the caller's own
	}
}

// begin asks for a new token. The caller who happens to need it first may go: the
// others wait for it too. mu must be held.
func (s *tokenSource) begin(ctx context.Context, key redact.Secret) {
	r := &renewal{done: make(chan struct{})}
	s.renewal = r
	go func() {
		defer close(r.done)
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), accountTimeout)
		defer cancel()
		began := time.Now()
		issued, err := s.issue(ctx)
		s.mu.Lock()
		defer s.mu.Unlock()
		s.renewal = nil
		if err != nil {
			r.err = err
			s.held.renew = time.Now().Add(s.held.life * tokenRetry / 100)
			return
		}
		r.token = issued.Secret
		s.held = heldToken{
			token: issued.Secret, key: key, life: issued.Life,
			renew: began.Add(issued.Life * tokenRenewal / 100), expires: began.Add(issued.Life),
		}
	}()
}

// drop forgets a token that was refused, unless there is a newer one.
func (s *tokenSource) drop(token redact.Secret) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.held.token == token {
		s.held = heldToken{}
	}
}
