package client

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Errors that a *Problem matches by its status.
var (
	// ErrUnauthorized: the token is not known.
	ErrUnauthorized = errors.New("casflow does not know the token")
	// ErrNotFound: casflow has no such document or batch.
	ErrNotFound = errors.New("casflow does not have it")
	// ErrRefused: the request makes no sense; *Problem.Errors names the fields.
	ErrRefused = errors.New("casflow refuses the request")
	// ErrTemporary: the same request may succeed later.
	ErrTemporary = errors.New("casflow cannot do it now")
)

// Error says what is wrong, field by field.
func (p *Problem) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "casflow: %d %s", p.Status, p.Title)
	if p.Detail != "" {
		b.WriteString(": " + p.Detail)
	}
	for _, e := range p.Errors {
		fmt.Fprintf(&b, "; %s: %s", e.Field, e.Detail)
	}
	return b.String()
}

// Is matches the errors of this package.
func (p *Problem) Is(target error) bool {
	switch target {
	case ErrUnauthorized:
		return p.Status == http.StatusUnauthorized
	case ErrNotFound:
		return p.Status == http.StatusNotFound
	case ErrTemporary:
		return p.Status == http.StatusTooManyRequests || p.Status >= 500 && p.Status != http.StatusNotImplemented
	case ErrRefused:
		return p.Status >= 400 && p.Status < 500 && !p.Is(ErrUnauthorized) && !p.Is(ErrNotFound) && !p.Is(ErrTemporary)
	default:
		return false
	}
}

// maxProblem is more than any problem takes, in bytes.
const maxProblem = 64 << 10

// readProblem reads the answer to a request that failed. What is no problem
// document, of a proxy say, becomes one.
func readProblem(response *http.Response) error {
	p := &Problem{}
	body, err := io.ReadAll(io.LimitReader(response.Body, maxProblem))
	if err != nil || json.Unmarshal(body, p) != nil || p.Status != response.StatusCode {
		p = &Problem{Type: "about:blank", Title: http.StatusText(response.StatusCode), Status: response.StatusCode}
	}
	if seconds, err := strconv.Atoi(response.Header.Get("Retry-After")); err == nil && seconds > 0 {
		p.RetryAfter = time.Duration(seconds) * time.Second
	}
	return p
}
