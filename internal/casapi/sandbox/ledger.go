package sandbox

import (
	"cmp"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// statusClientGone stands in the ledger for a call whose client went away while
// it waited, as nginx logs it.
const statusClientGone = 499

// ledger is the accounts and the record of their calls. Everything about money is
// decided under its one lock.
type ledger struct {
	mu     sync.Mutex
	clock  func() time.Time
	key    string
	own    account
	canned account
	tokens map[string]token
	issued int // tokens so far

	calls     []Call
	booked    []booking // by call
	documents map[[32]byte]Count
	billed    int // parse calls
	begun     int
	changed   chan struct{} // closed at the next beginning; nil when nobody waits
	holds     []chan struct{}

	usageFault int
	usageLag   time.Duration
}

// booking is a call in the books of its account. Both are nil for one that was
// refused for its key: it is no account's call.
type booking struct {
	*account
	*logEntry
}

func newLedger(c Config) ledger {
	return ledger{
		clock:     c.Clock,
		key:       c.Key,
		own:       account{left: newBalance(c.Credits), rate: window{limit: c.RatePerMinute}},
		canned:    account{canned: true, left: unlimited, rate: window{limit: c.SandboxRatePerMinute}},
		tokens:    map[string]token{},
		documents: map[[32]byte]Count{},
	}
}

// holder finds whose key, or access token, it is. mu must be held.
func (l *ledger) holder(key string, now time.Time) (*account, *answer) {
	held, isToken := l.tokens[key]
	switch {
	case isToken && !now.Before(held.expires):
		return nil, failed(http.StatusForbidden, "TOKEN_EXPIRED", "Access token has expired")
	case isToken:
		return held.account, nil
	case key == SandboxKey:
		return &l.canned, nil
	case key == "", strings.HasPrefix(key, tokenPrefix), l.key != "" && key != l.key:
		return nil, invalidKey()
	}
	return &l.own, nil
}

// enter books a call and checks key, rate and credits, in this order; refused is
// nil when all is well. mu must be held.
func (l *ledger) enter(now time.Time, to route, path, id, key string) (b booking, refused *answer) {
	holder, refused := l.holder(key, now)
	if refused != nil {
		return booking{}, refused
	}
	b = booking{holder, &logEntry{at: now, id: id, path: path, feature: to.feature}}
	b.log = append(b.log, b.logEntry)
	if wait, ok := b.rate.take(now); !ok {
		limited := failed(http.StatusTooManyRequests, "RATE_LIMITED", "Too many requests: slow down")
		limited.header.Set("Retry-After", strconv.Itoa(seconds(wait)))
		return b, limited.withCredits(0, b.left)
	}
	if !b.pays(to.price) {
		return b, noCredits().withCredits(0, b.left)
	}
	return b, nil
}

// close ends a call in the usage log: with what it was settled to, or else with
// what its caller was told. mu must be held.
func (b booking) close(told int) {
	if b.logEntry != nil {
		b.ended = true
		b.status = cmp.Or(b.status, told, statusClientGone)
	}
}

// arrive enters a parse call as number n.
func (l *ledger) arrive(to route, path, id, key string) (n int, refused *answer) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.clock() // under the lock: times are in order of arrival
	b, refused := l.enter(now, to, path, id, key)
	l.calls = append(l.calls, Call{At: now, RequestID: id, Endpoint: path, Canned: b.account == &l.canned})
	l.booked = append(l.booked, b)
	return len(l.calls) - 1, refused
}

// visit enters a call that is no parse call.
func (l *ledger) visit(to route, path, id, key string) (booking, *answer) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.enter(l.clock(), to, path, id, key)
}

// identify enters the PDF of call n and returns the call as it stands.
func (l *ledger) identify(n int, up upload) Call {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.calls[n].SHA256, l.calls[n].Transport = up.sum, up.transport
	count := l.documents[up.sum]
	count.Calls++
	l.documents[up.sum] = count
	return l.calls[n]
}

// begin counts a call as begun and returns the holds that it has to wait for.
func (l *ledger) begin() []chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.begun++
	if l.changed != nil {
		close(l.changed)
		l.changed = nil
	}
	return l.holds
}

// begunSoFar returns how many calls have begun and a channel that is closed when
// one more does.
func (l *ledger) begunSoFar() (int, <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.changed == nil {
		l.changed = make(chan struct{})
	}
	return l.begun, l.changed
}

// charge bills parse call n and returns what is left; ok is false when there is
// not enough.
func (l *ledger) charge(n int, price Amount) (used, left Amount, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	b := l.booked[n]
	if !b.charge(b.logEntry, price) {
		return 0, b.left, false
	}
	call := &l.calls[n]
	if b.canned {
		return 0, b.left, true
	}
	call.Billed, call.Credits = true, price
	count := l.documents[call.SHA256]
	count.Billed++
	l.documents[call.SHA256] = count
	l.billed++
	return price, b.left, true
}

// isCanned tells whether call n came with the sandbox key.
func (l *ledger) isCanned(n int) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.booked[n].canned
}

// remaining returns the balance of call n's account.
func (l *ledger) remaining(n int) Amount {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.booked[n].left
}

// settle enters the true answer to call n, for the usage log.
func (l *ledger) settle(n, status int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.booked[n].status = status
}

// finish enters how call n ended.
func (l *ledger) finish(n, status int, wasCut bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.calls[n].Status, l.calls[n].Cut = status, wasCut
	l.booked[n].close(status)
}
