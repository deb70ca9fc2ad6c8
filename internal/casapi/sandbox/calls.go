package sandbox

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"
)

// How the PDF of a call came, in Call.Transport.
const (
	TransportMultipart = "multipart" // a file part of a form
	TransportJSON      = "json"      // base64 in JSON
	TransportURL       = "url"       // a pdf_url, in a form or in JSON
)

// Call is one POST to a parse path, as the tests' oracle has it: what its caller
// got, and what was paid. /v1/usage tells the API's own view of it, see doc.go.
type Call struct {
	// At is when the call arrived.
	At time.Time
	// RequestID is the X-Request-ID that the call has, sent or given.
	RequestID string
	// Endpoint is the path.
	Endpoint string
	// Status is what was answered. For a call that was cut it is what would have
	// been: 0 where that was not even found out. 499: the client went away first.
	// 0 also while the call is at work.
	Status int
	// SHA256 is that of the PDF. All zero where the call was refused before there
	// was one.
	SHA256 [32]byte
	// Transport is how the PDF came; "" where the call was refused before that
	// was known.
	Transport string
	// Credits is what was taken: 0 when not Billed.
	Credits Amount
	// Billed tells that the document was parsed and paid for.
	Billed bool
	// Cut tells that the connection was ended before the answer was complete.
	Cut bool
	// Canned tells that it came with the sandbox key: it is never Billed.
	Canned bool
}

// Count says how many parse calls there were, and how many of them were billed.
type Count struct{ Calls, Billed int }

// SetCredits sets the balance of Config.Key's account. Below 0: unlimited.
func (s *Sandbox) SetCredits(n int) {
	s.ledger.mu.Lock()
	defer s.ledger.mu.Unlock()
	s.ledger.own.left = newBalance(n)
}

// SetKey sets the key that is taken from now on. "": any that is not empty.
func (s *Sandbox) SetKey(k string) {
	s.ledger.mu.Lock()
	defer s.ledger.mu.Unlock()
	s.ledger.key = k
}

// Calls returns every parse call so far, the refused and the unfinished among
// them, in order of arrival. A call's entry is complete before its caller gets
// the first byte of the answer.
func (s *Sandbox) Calls() []Call {
	s.ledger.mu.Lock()
	defer s.ledger.mu.Unlock()
	return slices.Clone(s.ledger.calls)
}

// Document counts the parse calls for the PDF with this SHA-256 that have begun.
func (s *Sandbox) Document(sum [32]byte) Count {
	s.ledger.mu.Lock()
	defer s.ledger.mu.Unlock()
	return s.ledger.documents[sum]
}

// Totals counts all parse calls, the refused among them.
func (s *Sandbox) Totals() Count {
	s.ledger.mu.Lock()
	defer s.ledger.mu.Unlock()
	return Count{Calls: len(s.ledger.calls), Billed: s.ledger.billed}
}

// AwaitCalls returns when n parse calls in all have begun: their PDF is at hand,
// or they have been refused before that. Calls, Document and Totals then show
// them. If ctx ends first, its error is returned.
func (s *Sandbox) AwaitCalls(ctx context.Context, n int) error {
	for {
		begun, changed := s.ledger.begunSoFar()
		if begun >= n {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return fmt.Errorf("await parse call %d, %d have begun: %w", n, begun, context.Cause(ctx))
		}
	}
}

// Hold lets every parse call that begins from now on wait, until release is
// called; calls whose client goes away stop waiting. Holds add up. Release them
// before closing the server: its Close waits for calls at work.
func (s *Sandbox) Hold() (release func()) {
	hold := make(chan struct{})
	l := &s.ledger
	l.mu.Lock()
	defer l.mu.Unlock()
	l.holds = append(l.holds, hold)
	return sync.OnceFunc(func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		// A new slice: the calls at work keep the old one.
		l.holds = slices.DeleteFunc(slices.Clone(l.holds), func(h chan struct{}) bool { return h == hold })
		close(hold)
	})
}
