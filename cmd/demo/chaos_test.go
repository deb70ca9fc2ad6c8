package main

import (
	"flag"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"

	"casflow/internal/devstack"
	"casflow/internal/storage/storagetest"
)

// How hard the tests of faults strike: make chaos asks for more than make test.
var (
	rounds = flag.Int("rounds", 3, "how often the tests of faults strike")
	full   = flag.Bool("full", false, "run the tests of faults at full size: outages of minutes, a thousand documents")
)

// size is one of two sizes of a test.
func size[T any](usual, atFull T) T {
	if *full {
		return atFull
	}
	return usual
}

// ownRedis is a Redis server that the test may treat badly.
func ownRedis(t *testing.T) *devstack.Redis {
	t.Helper()
	server, err := devstack.StartRedis(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stopServer(t, server) })
	return server
}

// ownPostgres is a migrated Postgres server that the test may treat badly.
func ownPostgres(t *testing.T) *devstack.Postgres {
	t.Helper()
	server, err := devstack.StartPostgres(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stopServer(t, server) })
	if err := storagetest.Migrate(t.Context(), server.URL); err != nil {
		t.Fatal(err)
	}
	return server
}

func stopServer(t *testing.T, server interface{ Stop() error }) {
	t.Helper()
	if err := server.Stop(); err != nil {
		t.Errorf("stop server: %v", err)
	}
}

// accounted holds the ledger against the stand-in's: all statements parsed and
// stored once, nothing open, every call in the ledger, and no more credits spent
// than one for each document, and one for each attempt whose answer never came.
func (p *pipeline) accounted(all []sample) {
	p.t.Helper()
	n := len(all)
	if got := p.counts(); got != fmt.Sprintf("parsed %d", n) {
		p.t.Errorf("documents: %s, want all %d parsed", got, n)
	}
	transactions := 0
	for _, s := range all {
		transactions += len(expected(s.Statement, 1)["transactions"])
	}
	const stored = `SELECT count(*) || ' of revision ' || max(revision) || ', ' || sum(transaction_count) || ' and ' ||
		(SELECT count(*) FROM cas.transactions) FROM cas.statements`
	if got, want := p.value(stored), fmt.Sprintf("%d of revision 1, %d and %[2]d", n, transactions); got != want {
		p.t.Errorf("statements and their transactions: %s, want %s", got, want)
	}
	outcomes := make(map[string]string) // of attempts, by request id
	answered, lost := 0, 0
	for _, row := range storagetest.Rows(p.t, p.url, `SELECT request_id, outcome, finished_at IS NULL FROM cas.attempts`) {
		outcomes[row[0]] = row[1]
		switch {
		case row[2] == "t":
			p.t.Errorf("attempt %s is open: %s", row[0], row[1])
		case row[1] == "answered":
			answered++
		case row[1] == "unknown", row[1] == "lost":
			lost++
		}
	}
	if answered != n {
		p.t.Errorf("%d attempts were answered, want %d", answered, n)
	}
	totals := p.api.Totals()
	p.t.Logf("%d documents: %+v, %d attempts without an answer", n, totals, lost)
	if totals.Billed < n || totals.Billed > n+lost {
		p.t.Errorf("%d calls billed for %d documents and %d attempts without an answer", totals.Billed, n, lost)
	}
	for _, call := range p.api.Calls() {
		outcome, known := outcomes[call.RequestID]
		if !known || call.Billed && !slices.Contains([]string{"answered", "unknown", "lost"}, outcome) {
			p.t.Errorf("call %s, billed: %t, is %q in the ledger", call.RequestID, call.Billed, outcome)
		}
	}
}

// calledOnce checks that no document was called for again.
func (p *pipeline) calledOnce(all []sample) {
	p.t.Helper()
	if got := p.api.Totals(); got.Calls != len(all) || got.Billed != len(all) {
		p.t.Errorf("calls %+v, want one for each of %d documents", got, len(all))
	}
}

// underWay counts the calls that the API has not answered yet.
func (p *pipeline) underWay() int {
	n := 0
	for _, call := range p.api.Calls() {
		if call.Status == 0 && !call.Cut {
			n++
		}
	}
	return n
}

// parked are the keys of answers that wait for Postgres.
func (p *pipeline) parked() []string {
	p.t.Helper()
	keys, err := p.redis.Keys(p.t.Context(), "casflow:parked:*").Result()
	if err != nil && err != redis.Nil { //nolint:errorlint // go-redis returns it as it is
		p.t.Fatal(err)
	}
	return keys
}

// awaitParked waits until so many answers are parked, sealed.
func (p *pipeline) awaitParked(n int) {
	p.t.Helper()
	p.await(fmt.Sprintf("%d parked answers", n), func() bool { return len(p.parked()) == n })
	for _, key := range p.parked() {
		text, err := p.redis.Get(p.t.Context(), key).Result()
		if err != nil || strings.Contains(text, "investor") {
			p.t.Errorf("what is parked is not sealed (%v)", err)
		}
	}
}
