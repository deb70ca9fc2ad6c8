package jobs

import (
	"errors"
	"testing"
	"time"

	"casflow/internal/casapi"
	"casflow/internal/storage/storagetest"
)

// TestBalance: what answers tell is passed on by whoever heard it; where none tells
// anything, the leader asks, and not all the time.
func TestBalance(t *testing.T) {
	t.Parallel()
	db, address := storagetest.NewURL(t)
	metrics, _ := newMetrics()
	asked, told := 0, casapi.Credits{Remaining: "12.5"}
	var refused error
	leads := false
	b := &balance{
		db: db, metrics: metrics, logger: quiet(), leads: func() bool { return leads }, limiter: NewLimiter(newRedis(t), "key", 0, time.Minute),
		api: fakeCredits(func() (*casapi.Credits, error) { asked++; return &told, refused }),
	}
	look := func(step string, wantAsked int, want string) {
		t.Helper()
		if err := b.look(t.Context()); !errors.Is(err, refused) {
			t.Errorf("%s: %v, want %v", step, err, refused)
		}
		standing, err := db.Standing(t.Context(), time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		if asked != wantAsked || standing.Credits != want {
			t.Errorf("%s: asked %d times, the ledger has %q, want %d and %q", step, asked, standing.Credits, wantAsked, want)
		}
	}
	later := func() {
		b.tried = time.Now().Add(-2 * balanceAge)
		storagetest.Rows(t, address, `UPDATE cas.account SET credits_at = now() - interval '10 minutes'`)
	}
	look("standing by", 0, "")
	leads = true
	look("leading", 1, "12.5")
	look("at once", 1, "12.5")
	metrics.credits("1", "11.5")
	look("heard", 1, "11.5")
	later()
	told.Remaining = "7"
	look("later", 2, "7")
	later()
	told = casapi.Credits{Unlimited: true}
	look("unlimited", 3, "")
	later()
	refused = casapi.ErrUnavailable
	look("no answer", 4, "")
	refused = nil
	look("at once, though without an answer", 4, "")
	later()
	fail(t, b.limiter, 10)
	wantOpen(t, b.limiter, true)
	look("breaker is open", 4, "")
	report(t, b.limiter, HealthUp)
	told = casapi.Credits{Remaining: "6"}
	look("breaker is closed again", 5, "6")
	leads = false
	metrics.credits("", "0")
	look("heard as one of many", 5, "0")
}

// TestBalance_Probe: where the breaker opens just before the permit, the question is
// its probe, which tells nothing of it and keeps nobody out.
func TestBalance_Probe(t *testing.T) {
	t.Parallel()
	limiters, clock := newLimiters(t, newRedis(t), 0, 2)
	limiter, other := limiters[0], limiters[1]
	fail(t, limiter, 10)
	clock.pass(2 * time.Second)
	b := &balance{limiter: limiter, api: fakeCredits(func() (*casapi.Credits, error) {
		wantWait(t, other, bulk, limiter.probing-slotAhead)
		return &casapi.Credits{Remaining: "7"}, nil
	})}
	if got, err := b.ask(t.Context()); got != "7" || err != nil {
		t.Errorf("ask() = %q, %v, want 7", got, err)
	}
	wantOpen(t, limiter, true)
	wantSlot(t, other, bulk, 0)
}

// TestBalance_NotNoted: what was heard while Postgres is away is noted later.
func TestBalance_NotNoted(t *testing.T) {
	t.Parallel()
	metrics, _ := newMetrics()
	away := storagetest.New(t)
	away.Close()
	b := &balance{db: away, metrics: metrics, logger: quiet(), leads: func() bool { return false }}
	metrics.credits("", "3")
	if err := b.look(t.Context()); err == nil {
		t.Error("nothing is said of a database that is away")
	}
	if got := metrics.takeHeard(); got != "3" {
		t.Errorf("%q is left to be noted, want 3", got)
	}
	metrics.credits("", "2")
	metrics.hearAgain("3")
	if got := metrics.takeHeard(); got != "2" {
		t.Errorf("%q is left to be noted, want the newer 2", got)
	}
}
