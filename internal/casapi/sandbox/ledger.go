package sandbox

import (
	"cmp"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// parseCredits is the price of one successful parse (the docs).
const parseCredits = 1

// statusClientGone stands in the ledger for a call whose client went away while
// it waited, as nginx logs it.
const statusClientGone = 499

// balance is an account's credits; below 0 it is unlimited.
type balance int

func (b balance) unlimited() bool { return b < 0 }
func (b balance) pays() bool      { return b.unlimited() || b >= parseCredits }

// ledger is the account and the record of its calls. Everything about money is
// decided under its one lock.
type ledger struct {
	mu        sync.Mutex
	clock     func() time.Time
	key       string
	left      balance
	rate      window
	calls     []Call
	logged    []logged // by call
	documents map[[32]byte]Count
	billed    int
	begun     int
	changed   chan struct{} // closed at the next beginning; nil when nobody waits
	holds     []chan struct{}

	usageFault int
	usageLag   time.Duration
}

// logged is what the usage log makes of a call.
type logged struct {
	denied bool // refused for its key: not this account's call
	ended  bool
	// status is what the API itself came to, whatever its caller was told. 0: it
	// has come to nothing.
	status int
}

func newLedger(c Config) ledger {
	return ledger{
		clock:     c.Clock,
		key:       c.Key,
		left:      balance(c.Credits),
		rate:      window{limit: c.RatePerMinute},
		documents: map[[32]byte]Count{},
	}
}

// arrive enters a call as number n and checks key, rate and credits, in this
// order; refused is nil when all is well.
func (l *ledger) arrive(endpoint, id, key string) (n int, refused *answer) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.clock() // under the lock: times are in order of arrival
	l.calls = append(l.calls, Call{At: now, RequestID: id, Endpoint: endpoint})
	l.logged = append(l.logged, logged{denied: !l.knows(key)})
	n = len(l.calls) - 1
	if l.logged[n].denied {
		return n, invalidKey()
	}
	if wait, ok := l.rate.take(now); !ok {
		limited := failed(http.StatusTooManyRequests, "RATE_LIMITED", "Too many requests: slow down")
		limited.header.Set("Retry-After", strconv.Itoa(seconds(wait)))
		return n, limited.withCredits(0, l.left)
	}
	if !l.left.pays() {
		return n, noCredits().withCredits(0, l.left)
	}
	return n, nil
}

func (l *ledger) knows(key string) bool { return key != "" && (l.key == "" || key == l.key) }

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

// charge bills call n and returns what is left; ok is false when there is not
// enough.
func (l *ledger) charge(n int) (left balance, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.left.pays() {
		return l.left, false
	}
	if !l.left.unlimited() {
		l.left -= parseCredits
	}
	call := &l.calls[n]
	call.Billed, call.Credits = true, parseCredits
	count := l.documents[call.SHA256]
	count.Billed++
	l.documents[call.SHA256] = count
	l.billed++
	return l.left, true
}

// remaining returns the balance.
func (l *ledger) remaining() balance {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.left
}

// settle enters the true answer to call n, for the usage log.
func (l *ledger) settle(n, status int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.logged[n].status = status
}

// finish enters how call n ended.
func (l *ledger) finish(n, status int, wasCut bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.calls[n].Status, l.calls[n].Cut = status, wasCut
	log := &l.logged[n]
	log.ended = true
	log.status = cmp.Or(log.status, status, statusClientGone)
}
